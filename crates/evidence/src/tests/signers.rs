//! Private keys: that nothing shows them, that none is made twice, and what happens when one does not
//! sign.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc;

use base64_simd::STANDARD;
use exchange::Reason;

use super::rotation::until;
use super::*;
use crate::Observer;
use crate::keys::secret::Secret;
use crate::keys::{Keys, PublicKeys, Rotation};
use crate::witness::Witness;

/// A log whose keys can be cut off.
struct Scene {
    desk: Desk,
    checkpoints: Arc<AtomicBool>,
    receipts: Arc<AtomicBool>,
    told: Arc<Told>,
}

/// Notes what could not be published.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn not_published(&self, error: &Error) {
        let source = std::error::Error::source(error).map(ToString::to_string);
        let text = format!("{error}: {}", source.unwrap_or_default());
        self.0.lock().unwrap().push(text);
    }
}

impl Scene {
    fn new() -> Self {
        let mut desk = Desk::new();
        desk.config.publish_ms = 1;
        Self {
            desk,
            checkpoints: Arc::new(AtomicBool::new(true)),
            receipts: Arc::new(AtomicBool::new(true)),
            told: Arc::default(),
        }
    }

    fn start(&self) -> (Evidence, Handle, mpsc::Receiver<String>) {
        let (ring, alarm) = mpsc::channel();
        let deps = Deps {
            keys: keys::breaking(&self.desk.config, &self.checkpoints, &self.receipts),
            clock: Arc::clone(&self.desk.clock) as Arc<dyn Clock>,
            observer: Arc::clone(&self.told) as Arc<dyn Observer>,
            witnesses: None,
            version: "0.1.0",
            policy: POLICY,
            // Nobody listens to a log that has been dropped.
            on_fatal: Alarm::new(move |error| drop(ring.send(error.to_string()))),
        };
        let (evidence, handle) = Evidence::start(self.desk.config.clone(), deps).unwrap();
        (evidence, handle, alarm)
    }
}

#[tokio::test]
async fn while_the_keys_of_checkpoints_do_not_sign_the_log_answers_and_publishes_later() {
    let scene = Scene::new();
    let (evidence, handle, alarm) = scene.start();
    until(|| scene.desk.shown() == 1).await;
    scene.checkpoints.store(false, Ordering::SeqCst);
    scene.desk.exchange(&evidence).await;
    until(|| !scene.told.0.lock().unwrap().is_empty()).await;
    scene.desk.exchange(&evidence).await;
    assert_eq!(scene.desk.shown(), 1);
    let told = scene.told.0.lock().unwrap().concat();
    assert!(told.contains("does not sign: nobody answers"), "{told}");
    scene.checkpoints.store(true, Ordering::SeqCst);
    until(|| scene.desk.shown() == 3).await;
    assert!(alarm.try_recv().is_err());
    handle.close().await.unwrap();
    scene.desk.verifies();
}

#[tokio::test]
async fn when_the_key_of_receipts_does_not_sign_nothing_is_answered_and_the_record_stays() {
    let scene = Scene::new();
    let (evidence, handle, alarm) = scene.start();
    scene.desk.exchange(&evidence).await;
    let open = scene.desk.open(&evidence);
    scene.receipts.store(false, Ordering::SeqCst);
    let fault = evidence.seal(open, &Outcome::default()).await.unwrap_err();
    assert_eq!(fault.reason, Reason::AuditUnavailable);
    assert!(alarm.recv().unwrap().ends_with("does not sign"));
    assert!(evidence.open(&scene.desk.attempt()).is_err());
    assert!(handle.close().await.is_err());
    drop(evidence);
    scene.receipts.store(true, Ordering::SeqCst);
    scene.start().1.close().await.unwrap();
    let expected = ["START", "ACCESS ALLOW", "ACCESS ALLOW", "START", "STOP"];
    assert_eq!(kinds(scene.desk.path()), expected);
    scene.desk.verifies();
}

#[tokio::test]
async fn a_log_whose_key_of_receipts_does_not_sign_does_not_start() {
    let scene = Scene::new();
    scene.start().1.close().await.unwrap();
    scene.receipts.store(false, Ordering::SeqCst);
    let deps = Deps {
        keys: keys::breaking(&scene.desk.config, &scene.checkpoints, &scene.receipts),
        clock: Arc::clone(&scene.desk.clock) as Arc<dyn Clock>,
        observer: Arc::new(NoObserver),
        witnesses: None,
        version: "0.1.0",
        policy: POLICY,
        on_fatal: Alarm::new(|_| ()),
    };
    let started = Evidence::start(scene.desk.config.clone(), deps);
    assert!(matches!(started, Err(Error::Signer { .. })), "{started:?}");
}

#[test]
fn a_key_that_is_lost_is_not_made_again() {
    let desk = Desk::new();
    keys::create_if_missing(&desk.config).unwrap();
    let listed = PublicKeys::read(desk.path()).unwrap();
    for file in ["log.pk8", "log.ml-dsa-44.pk8", "receipt.pk8"] {
        let path = desk.path().join("private").join(file);
        let kept = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(keys::create_if_missing(&desk.config).is_err(), "{file}");
        assert!(!path.exists(), "{file}");
        crate::replace::replace(&path, 0o600, &kept).unwrap();
    }
    assert_eq!(PublicKeys::read(desk.path()).unwrap(), listed);
    keys::create_if_missing(&desk.config).unwrap();
}

/// A bit that has changed makes another key of a file, which signs as well as the first did.
#[tokio::test]
async fn a_private_key_that_is_not_the_one_that_was_listed_does_not_sign() {
    let desk = Desk::new();
    desk.start().1.close().await.unwrap();
    let change = |path: &Path| {
        let kept = std::fs::read(path).unwrap();
        let mut wrong = kept.clone();
        *wrong.last_mut().unwrap() ^= 1;
        crate::replace::replace(path, 0o600, &wrong).unwrap();
        kept
    };
    for file in ["log.pk8", "receipt.pk8"] {
        let path = desk.path().join("private").join(file);
        let kept = change(&path);
        let started = desk.try_start(Alarm::new(|_| ()));
        assert!(matches!(started, Err(Error::Unlisted(_))), "{started:?}");
        crate::replace::replace(&path, 0o600, &kept).unwrap();
    }
    keys::rotate(&desk.config, Rotation::Begin).unwrap();
    let path = desk.path().join("private/generation.2/log.pk8");
    change(&path);
    let read = Keys::load(&desk.config);
    assert!(matches!(read, Err(Error::Key { .. })), "{read:?}");
    assert_eq!(kinds(desk.path()), ["START", "STOP"]);
}

/// Every text in which bytes could be shown.
fn shows(text: &str, secret: &[u8]) -> bool {
    let forms = secret.windows(12).flat_map(|part| {
        let list = format!("{part:?}");
        let list = list.trim_matches(['[', ']']).to_owned();
        let hex = hex::encode(part);
        let upper = hex.to_uppercase();
        [list, hex, upper, STANDARD.encode_to_string(part)]
    });
    let lossy = String::from_utf8_lossy(secret);
    forms
        .chain([lossy.into_owned()])
        .any(|it| text.contains(&it))
}

#[tokio::test]
async fn nothing_that_holds_a_key_shows_it() {
    let desk = Desk::new();
    let kept = keys::create_if_missing(&desk.config).unwrap();
    let home = desk.path().parent().unwrap().join("witness");
    let witness = Witness::open(&home, "w.example/1", vec![kept.log()], desk.clock.clone());
    let shown = format!(
        "{kept:?} {kept:#?} {:?} {:?}",
        kept.public(),
        witness.unwrap()
    );
    let deps = Deps {
        keys: kept,
        clock: Arc::clone(&desk.clock) as Arc<dyn Clock>,
        observer: Arc::new(NoObserver),
        witnesses: None,
        version: "0.1.0",
        policy: POLICY,
        on_fatal: Alarm::new(|error| panic!("{error}")),
    };
    let shown = format!("{shown} {deps:?}");
    let (evidence, handle) = Evidence::start(desk.config.clone(), deps).unwrap();
    let open = desk.open(&evidence);
    let shown = format!("{shown} {evidence:?} {evidence:#?} {handle:?} {open:?}");
    let files = || -> Vec<PathBuf> {
        let dirs = [desk.path().join("private"), home.join("private")];
        let entries = dirs.iter().flat_map(|dir| std::fs::read_dir(dir).unwrap());
        let paths = entries.map(|entry| entry.unwrap().path());
        let is_key = |path: &PathBuf| {
            path.extension()
                .is_some_and(|it| it == "pk8" || it == "key")
        };
        paths.filter(is_key).collect()
    };
    // Three of the log, two of the witness, those of the intake and of the keyring.
    until(|| files().len() >= 7).await;
    for path in files() {
        let secret = std::fs::read(&path).unwrap();
        // What a PKCS#8 file has in front of the key is the same in all.
        let secret = secret
            .get(16..)
            .filter(|it| it.len() >= 32)
            .unwrap_or(&secret);
        assert!(!shows(&shown, &secret[..32]), "{}", path.display());
    }
    drop(open);
    handle.close().await.unwrap();
}

#[test]
fn what_would_show_a_key_is_noticed() {
    let secret: Vec<u8> = (40..72).collect();
    let held = Secret::new(&secret.clone().try_into().unwrap());
    assert!(!shows(&format!("{held:?} {held:#?}"), &secret));
    for text in [
        format!("Key({secret:?})"),
        format!("Key({})", hex::encode(&secret)),
        format!("Key({})", STANDARD.encode_to_string(&secret)),
        format!("Key({})", String::from_utf8_lossy(&secret)),
    ] {
        assert!(shows(&text, &secret), "{text}");
    }
    assert!(!shows("Key(log.example/1)", &secret));
}
