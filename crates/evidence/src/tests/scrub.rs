//! What is changed or lost while the gateway runs is found, and named.

use std::fs;

use super::*;
use crate::Observer;
use crate::verify::VerifyError;

/// Notes what is told of readings.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn scrubbed(&self, at_s: u64) {
        self.note(format!("sound at {at_s}"));
    }

    fn scrub_found(&self, found: &VerifyError) {
        let mut text = found.to_string();
        let mut source = std::error::Error::source(found);
        while let Some(error) = source {
            text += &format!(": {error}");
            source = error.source();
        }
        self.note(text);
    }
}

impl Told {
    fn note(&self, told: String) {
        self.0.lock().unwrap().push(told);
    }

    /// Waits for a reading that begins after the call and says all of this, in one round.
    async fn wait_for(&self, all: &[&str]) {
        self.0.lock().unwrap().clear();
        let begun = Instant::now();
        loop {
            let told = self.0.lock().unwrap().clone();
            let is_told = |part: &&str| told.iter().any(|it| it.contains(*part));
            if all.iter().all(is_told) {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{all:?} {told:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A log of three segments that is read again every second.
struct Scene {
    desk: Desk,
    told: Arc<Told>,
    evidence: Evidence,
    handle: Handle,
}

/// Starts a log that is read again every second.
fn start(desk: &mut Desk) -> (Arc<Told>, Evidence, Handle) {
    desk.config.scrub_interval_s = 1;
    let told = Arc::<Told>::default();
    let log = desk.config.at_start(&*desk.clock).unwrap();
    let deps = Deps {
        keys: keys::create_if_missing(&log).unwrap(),
        clock: Arc::clone(&desk.clock) as Arc<dyn Clock>,
        observer: Arc::clone(&told) as Arc<dyn Observer>,
        witnesses: None,
        version: "0.1.0",
        policy: POLICY,
        on_fatal: Alarm::new(|error| panic!("{error}")),
    };
    let (evidence, handle) = Evidence::start(desk.config.clone(), deps).unwrap();
    (told, evidence, handle)
}

impl Scene {
    async fn new() -> Self {
        let mut desk = Desk::new();
        desk.config.segment_bytes = 4096;
        desk.config.publish_ms = 1;
        let (told, evidence, handle) = start(&mut desk);
        let mut last = 0;
        while segment::list(desk.path()).unwrap().len() < 3 {
            last = desk.exchange(&evidence).await.seq();
        }
        while desk.shown() <= last {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Self {
            desk,
            told,
            evidence,
            handle,
        }
    }

    fn flip(&self, file: &str, at: usize) -> (PathBuf, Vec<u8>) {
        flip(self.desk.path(), file, at)
    }
}

/// Changes a byte of a file; returns the file as it was.
fn flip(dir: &Path, file: &str, at: usize) -> (PathBuf, Vec<u8>) {
    let path = dir.join(file);
    let right = fs::read(&path).unwrap();
    let mut wrong = right.clone();
    wrong[at] ^= 0x10;
    fs::write(&path, wrong).unwrap();
    (path, right)
}

fn restore(files: impl IntoIterator<Item = (PathBuf, Vec<u8>)>) {
    for (path, right) in files {
        fs::write(path, right).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_while_the_log_is_written_is_found_and_named() {
    let scene = Scene::new().await;
    scene.told.wait_for(&["sound at 17712345"]).await;
    let (tile, bundle) = {
        let width = scene.desk.shown();
        (
            format!("tile/0/000.p/{width}"),
            format!("tile/entries/000.p/{width}"),
        )
    };
    let keys = fs::read_to_string(scene.desk.path().join("keys")).unwrap();
    let at = keys.find('+').unwrap() + 3;

    let changed = [
        scene.flip(&tile, 40),
        scene.flip("wal/0000000000000000.seg", 900),
        scene.flip("keys", at),
    ];
    let says = [tile.as_str(), "wal/0000000000000000.seg, byte ", "/keys"];
    scene.told.wait_for(&says).await;
    restore(changed);

    // The segment that is written, and a bundle.
    let changed = [
        scene.flip(&bundle, 3),
        scene.flip("wal/0000000000000002.seg", 200),
    ];
    let says = ["tile/", "wal/0000000000000002.seg, byte "];
    scene.told.wait_for(&says).await;
    restore(changed);

    // Missing, and cut short.
    let path = scene.desk.path().join(&bundle);
    let segment = segment::path(scene.desk.path(), 1);
    let (right, whole) = (fs::read(&path).unwrap(), fs::read(&segment).unwrap());
    fs::remove_file(&path).unwrap();
    fs::write(&segment, &whole[..whole.len() / 2]).unwrap();
    let missing = format!("{bundle} is missing");
    let says = [missing.as_str(), "wal/0000000000000001.seg, byte "];
    scene.told.wait_for(&says).await;
    restore([(path, right), (segment, whole)]);

    // It answers on meanwhile, and says when all is well again.
    scene.desk.exchange(&scene.evidence).await;
    scene.told.wait_for(&["sound at"]).await;
    scene.handle.close().await.unwrap();
    scene.desk.verifies();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_is_set_back_is_found() {
    let scene = Scene::new().await;
    let path = scene.desk.path().join("checkpoint");
    let before = fs::read(&path).unwrap();
    let shown = scene.desk.shown();
    let seq = scene.desk.exchange(&scene.evidence).await.seq();
    while scene.desk.shown() <= seq {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    fs::write(&path, before).unwrap();
    let says = format!(
        "this process knows {} records, it has only {shown}",
        seq + 1
    );
    scene.told.wait_for(&[&says]).await;
    drop(scene.handle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_written_meanwhile_is_sound() {
    let scene = Scene::new().await;
    let rounds = async {
        for _ in 0..3 {
            scene.told.wait_for(&["sound at"]).await;
        }
    };
    tokio::pin!(rounds);
    let mut records = 0;
    loop {
        tokio::select! {
            () = &mut rounds => break,
            _ = scene.desk.exchange(&scene.evidence) => records += 1,
        }
        // Nothing but readings that found nothing.
        let told = scene.told.0.lock().unwrap().clone();
        assert!(told.iter().all(|it| it.starts_with("sound")), "{told:?}");
    }
    assert!(records > 300, "{records}");
    scene.handle.close().await.unwrap();
}

#[tokio::test]
async fn a_log_that_wants_no_scrubbing_ends_at_once_as_one_that_does() {
    for every in [0, 3600] {
        let mut desk = Desk::new();
        desk.config.scrub_interval_s = every;
        let (_, handle) = desk.start();
        let closed = tokio::time::timeout(Duration::from_secs(5), handle.close());
        closed.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_replaced_at_once_are_no_damage() {
    // The checkpoint that is shown stays the one of the old keys.
    let mut desk = Desk::new();
    let (told, evidence, handle) = start(&mut desk);
    rotation::until(|| desk.shown() > 0).await;
    desk.exchange(&evidence).await;
    for _ in 0..2 {
        let new = keys::rotate(&desk.config, keys::Rotation::Replace).unwrap();
        rotation::until(|| keys::are_in_force(&desk.config, &new).unwrap()).await;
    }
    let shown = fs::read_to_string(desk.path().join("checkpoint")).unwrap();
    let new = keys::Keys::load(&desk.config).unwrap().public().log;
    let shown = crate::note::SignedCheckpoint::parse(&shown).unwrap();
    assert!(shown.verify(&new).is_err(), "the old keys have signed it");
    told.wait_for(&["sound at"]).await;
    let said = told.0.lock().unwrap().clone();
    assert!(said.iter().all(|it| it.starts_with("sound")), "{said:?}");
    handle.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_of_earlier_half_years_are_read_again_as_well() {
    let mut desk = Desk::new();
    desk.config.origin = "audit.gw.example/gw-1/{half-year}".to_owned();
    desk.config.publish_ms = 1;
    let (evidence, handle) = desk.start();
    for _ in 0..20 {
        desk.exchange(&evidence).await;
    }
    handle.close().await.unwrap();
    desk.clock.set(turn::LATER_MS);
    let (told, _evidence, handle) = start(&mut desk);
    let old = desk.path().join("2026h1");
    let width = shown(&old);
    told.wait_for(&["sound at"]).await;
    told.wait_for(&["sound at"]).await;
    let said = told.0.lock().unwrap().clone();
    assert!(said.iter().all(|it| it.starts_with("sound")), "{said:?}");

    let tile = format!("tile/0/000.p/{width}");
    let keys = fs::read_to_string(old.join("keys")).unwrap();
    let changed = [
        flip(&old, &tile, 40),
        flip(&old, "wal/0000000000000000.seg", 900),
        flip(&old, "keys", keys.find('+').unwrap() + 3),
    ];
    let named = "the older log audit.gw.example/gw-1/2026h1: ";
    let says = [&tile, "wal/0000000000000000.seg, byte ", "2026h1/keys"];
    told.wait_for(&says).await;
    let said = told.0.lock().unwrap().clone();
    let wrong = said.iter().filter(|it| !it.starts_with("sound"));
    assert!(wrong.clone().count() >= 3);
    assert!(wrong.clone().all(|it| it.starts_with(named)), "{said:?}");
    restore(changed);

    // Its end cut off, in both forms.
    let segment = old.join("wal/0000000000000000.seg");
    let whole = fs::read(&segment).unwrap();
    let cut = batch_ends(&old);
    fs::write(&segment, &whole[..cut[cut.len() - 3]]).unwrap();
    told.wait_for(&["the write-ahead log has only"]).await;
    restore([(segment, whole)]);
    fs::remove_file(old.join("checkpoint")).unwrap();
    told.wait_for(&["checkpoint is missing"]).await;
    drop(handle);
}
