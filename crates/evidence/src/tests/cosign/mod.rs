//! The log as a client of witnesses: what it shows, what it survives, and what ends it.

use std::time::Duration;

use tokio::task::JoinSet;

pub(super) mod scene;

use super::*;
use crate::keys::PublicKeys;
use scene::{Mood, Scene, until};

#[tokio::test]
async fn what_is_shown_carries_the_cosignatures_to_its_last_checkpoint() {
    let scene = Scene::new("all");
    let running = scene.start();
    scene.cosigned(1, 2).await;
    for size in [5, 9] {
        scene.record(&running, 4).await;
        scene.cosigned(size, 2).await;
    }
    running.handle.close().await.unwrap();
    assert_eq!(scene.shown(), (10, 2), "the STOP record");
    let trust = crate::verify::Trust {
        keys: PublicKeys::read(scene.desk.path()).unwrap().log,
        older: Vec::new(),
    };
    verify_whole(scene.desk.path(), &trust);
    // The lock store knows the same checkpoint without the witnesses' lines.
    let running = scene.start();
    scene.cosigned(11, 2).await;
    running.crash();
}

fn verify_whole(dir: &Path, trust: &crate::verify::Trust) {
    crate::verify::whole(dir, trust, |_| ()).unwrap();
}

#[tokio::test]
async fn what_could_not_be_shown_is_cosigned_when_it_is() {
    let scene = Scene::new("all");
    let running = scene.start();
    scene.cosigned(1, 2).await;
    // Writing to this device fails as a full disk does; the lock store is ahead then.
    let tmp = scene.desk.path().join("checkpoint.tmp");
    std::os::unix::fs::symlink("/dev/full", &tmp).unwrap();
    scene.record(&running, 3).await;
    until(|| scene.told.has("not published")).await;
    std::fs::remove_file(&tmp).unwrap();
    scene.cosigned(4, 2).await;
    running.crash();
}

#[tokio::test]
async fn a_witness_that_fails_is_asked_again_and_the_other_one_goes_on() {
    let moods = [
        (Mood::Gone, "unreachable"),
        (Mood::Says(500, false, ""), "failing"),
        (Mood::Says(404, false, "no such log\n"), "refused"),
        (Mood::Says(200, false, "— w1.example/1 AAAA\n"), "unusable"),
        (Mood::Says(200, false, ""), "unusable"),
        (Mood::Garbles, "unusable"),
        (Mood::Says(409, false, "1\n"), "conflict"),
        (Mood::Says(409, true, "-1\n"), "conflict"),
        (Mood::Says(409, true, "0"), "conflict"),
        (Mood::Says(422, false, ""), "inconsistent"),
    ];
    let all = async {
        let mut scenes = JoinSet::new();
        for (mood, kind) in moods {
            scenes.spawn_local(fails_for_a_while(mood, kind));
        }
        while let Some(played) = scenes.join_next().await {
            played.unwrap();
        }
    };
    tokio::task::LocalSet::new().run_until(all).await;
}

async fn fails_for_a_while(mood: Mood, kind: &str) {
    let scene = Scene::new("any");
    scene.town.set("w1", mood);
    let running = scene.start();
    scene.record(&running, 3).await;
    scene.cosigned(4, 1).await;
    let first = format!("w1 {kind} true");
    assert!(scene.told.has(&first), "{mood:?} {:?}", scene.told);
    assert!(running.alarm.try_recv().is_err(), "{mood:?}");
    scene.town.set("w1", Mood::Honest);
    // It is left alone for a second or two.
    scene.cosigned(4, 2).await;
    until(|| scene.told.has("w1 again")).await;
    let told = scene.told.0.lock().unwrap().clone();
    assert!(told.iter().all(|it| it.starts_with("w1 ")), "{told:?}");
    running.crash();
}

#[tokio::test]
async fn a_witness_that_never_answers_delays_the_start_a_little_and_no_record() {
    let scene = Scene::new("all");
    scene.town.set("w1", Mood::Silent);
    let began = Instant::now();
    let running = scene.start();
    assert!(began.elapsed() < Duration::from_secs(6));
    let began = Instant::now();
    scene.record(&running, 20).await;
    assert!(began.elapsed() < Duration::from_secs(1), "records wait");
    // The next checkpoint waits for the quorum, but not for ever.
    scene.cosigned(21, 1).await;
    assert!(began.elapsed() < Duration::from_secs(4), "checkpoints wait");
    let began = Instant::now();
    running.handle.close().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "the end waits");
    assert_eq!(scene.shown().0, 22);
}

#[tokio::test]
async fn a_size_above_every_one_that_was_shown_is_an_alarm() {
    let scene = Scene::new("any");
    let running = scene.start();
    scene.record(&running, 3).await;
    scene.cosigned(4, 2).await;
    scene.town.set("w2", Mood::Says(409, true, "7000\n"));
    scene.record(&running, 1).await;
    let alarm = running.alarm().await;
    assert!(
        alarm.starts_with("AuditRollbackDetected: the witness w2 (https://w2.example/"),
        "{alarm}"
    );
    assert!(
        alarm.contains("with 7000 records, but it has only 5"),
        "{alarm}"
    );
    running.crash();
    let refusal = scene.refusal();
    assert!(
        refusal.contains("with 7000 records, but it has only"),
        "{refusal}"
    );
    scene.town.set("w2", Mood::Honest);
    scene.start().crash();
}

#[tokio::test]
async fn a_size_that_was_shown_but_not_offered_to_it_is_no_alarm() {
    let scene = Scene::new("any");
    let running = scene.start();
    scene.record(&running, 9).await;
    scene.cosigned(10, 2).await;
    scene.town.set("w1", Mood::Overtaken);
    for size in 11..16 {
        scene.record(&running, 1).await;
        until(|| shown(scene.desk.path()) == size).await;
    }
    scene.town.set("w1", Mood::Honest);
    scene.record(&running, 1).await;
    scene.cosigned(16, 2).await;
    assert!(scene.town.overtook.load(Ordering::SeqCst) > 0);
    assert!(running.alarm.try_recv().is_err());
    assert!(scene.told.0.lock().unwrap().is_empty());
    running.crash();
}

/// Yesterday's directory, restored together with its lock store.
#[tokio::test]
async fn a_log_set_back_together_with_its_lock_store_does_not_start() {
    let scene = Scene::new("any");
    let running = scene.start();
    scene.record(&running, 4).await;
    scene.cosigned(5, 2).await;
    let yesterday = copy(scene.desk.path());
    scene.record(&running, 20).await;
    scene.cosigned(25, 2).await;
    running.crash();
    let dir = scene.desk.path();
    std::fs::remove_dir_all(dir).unwrap();
    copy_tree(yesterday.path(), dir);
    let head = yesterday.path().with_added_extension("head");
    std::fs::copy(head, scene.desk.config.lock_file()).unwrap();
    let before = (segment::read(dir, 0).unwrap(), scene.shown());
    // One witness that knows is enough.
    scene.town.set("w1", Mood::Gone);
    let refusal = scene.refusal();
    assert!(
        refusal.starts_with("AuditRollbackDetected: the witness w2 "),
        "{refusal}"
    );
    assert!(
        refusal.contains("with 25 records, but it has only 5"),
        "{refusal}"
    );
    let after = (segment::read(dir, 0).unwrap(), scene.shown());
    assert!(after == before, "it was written on");

    // Without a witness that answers nothing tells; with the first that does, it ends.
    scene.town.set("w2", Mood::Gone);
    let running = scene.start();
    scene.record(&running, 30).await;
    scene.town.set("w1", Mood::Honest);
    let alarm = running.alarm().await;
    assert!(
        alarm.contains("with 25 records, but its records are others"),
        "{alarm}"
    );
    running.crash();
    scene.town.set("w2", Mood::Honest);
    let refusal = scene.refusal();
    assert!(refusal.contains("but its records are others"), "{refusal}");
}

/// Another history of the same length, signed by the same keys.
#[tokio::test]
async fn another_log_of_the_same_size_does_not_start() {
    let scene = Scene::new("any");
    let first = copy(scene.desk.path());
    let running = scene.start();
    scene.record(&running, 4).await;
    scene.cosigned(5, 2).await;
    running.crash();
    let dir = scene.desk.path();
    std::fs::remove_dir_all(dir).unwrap();
    std::fs::remove_file(scene.desk.config.lock_file()).unwrap();
    copy_tree(first.path(), dir);
    for name in ["w1", "w2"] {
        scene.town.set(name, Mood::Gone);
    }
    let running = scene.start();
    scene.record(&running, 4).await;
    scene.cosigned(5, 0).await;
    running.crash();
    scene.town.set("w1", Mood::Honest);
    let refusal = scene.refusal();
    assert!(
        refusal.contains("with 5 records, but its records are others"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_witness_that_takes_no_proof_is_believed_only_about_a_size_it_tells() {
    let scene = Scene::new("any");
    let running = scene.start();
    scene.record(&running, 4).await;
    scene.cosigned(5, 2).await;
    // It does not say what it knows.
    scene.town.set("w1", Mood::Says(422, false, ""));
    scene.record(&running, 4).await;
    until(|| scene.told.has("w1 inconsistent true")).await;
    assert!(running.alarm.try_recv().is_err());
    running.crash();
}

#[tokio::test]
async fn a_proof_out_of_damaged_tiles_is_no_alarm() {
    let scene = Scene::new("any");
    let running = scene.start();
    scene.record(&running, 4).await;
    scene.cosigned(5, 2).await;
    scene.town.set("w1", Mood::Gone);
    scene.record(&running, 300).await;
    scene.cosigned(305, 1).await;
    let tile = scene.desk.path().join("tile/0/000");
    let mut hashes = std::fs::read(&tile).unwrap();
    hashes[100 * 32] ^= 1;
    std::fs::write(tile, hashes).unwrap();
    scene.town.set("w1", Mood::Honest);
    until(|| scene.told.has("w1 unproved false")).await;
    assert!(running.alarm.try_recv().is_err());
    running.crash();
}

#[tokio::test]
async fn without_a_quorum_the_log_ends_when_its_grace_is_over() {
    let mut scene = Scene::new("all");
    scene.desk.config.witness_grace_s = std::num::NonZeroU32::new(2);
    let running = scene.start();
    scene.cosigned(1, 2).await;
    scene.town.set("w2", Mood::Gone);
    let began = Instant::now();
    scene.record(&running, 1).await;
    let alarm = running.alarm().await;
    assert!(
        alarm.starts_with("no checkpoint has met the quorum"),
        "{alarm}"
    );
    assert!(began.elapsed() >= Duration::from_secs(2));
    running.crash();
}

#[tokio::test]
async fn a_checkpoint_stays_until_its_quorum_or_a_second_is_over() {
    let scene = Scene::new("all");
    let running = scene.start();
    scene.cosigned(1, 2).await;
    // One may come every millisecond.
    let met = scene.sizes_shown(&running).await;
    assert!(met.len() > 6, "{met:?}");
    scene.town.set("w1", Mood::Gone);
    scene.record(&running, 1).await;
    until(|| scene.told.has("w1 unreachable true")).await;
    let missed = scene.sizes_shown(&running).await;
    assert!((2..=5).contains(&missed.len()), "{missed:?}");
    running.crash();
}

#[tokio::test]
async fn a_cosignature_of_another_hour_is_not_believed() {
    for (minutes, count) in [(-14, 2), (14, 2), (-16, 1), (60, 1)] {
        let scene = Scene::new("any");
        scene.clocks[0].set(NOW_MS + minutes * 60_000);
        let running = scene.start();
        scene.cosigned(1, count).await;
        assert_eq!(scene.told.has("w1 unusable true"), count == 1, "{minutes}");
        running.crash();
    }
}

#[tokio::test]
async fn a_policy_without_a_way_to_its_witnesses_is_refused() {
    let scene = Scene::new("any");
    let refused = scene.try_start_with(None).err().unwrap().to_string();
    assert!(
        refused.starts_with("witness_policy: there is no way"),
        "{refused}"
    );
}
