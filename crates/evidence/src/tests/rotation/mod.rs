//! Keys that follow each other: under load, with an overlap, wherever it is cut, and as strangers
//! check it.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;
use crate::keys::{Keys, PublicKeys, Rotation, VerifierKey, are_in_force, rotate};
use crate::note::{LogProof, NoteError, SignedCheckpoint};
use crate::tree::leaf_hash;
use crate::verify::{self, Directory, ReceiptError, ReceiptText, Trust, VerifyError, Witnessed};
use crate::witness::{Refused, Request, Witness};

mod cuts;

/// Waits for it.
pub(super) async fn until(mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(20), "not in time");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A desk whose log is published at once.
fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.config.publish_ms = 1;
    keys::create_if_missing(&desk.config).unwrap();
    desk
}

impl Desk {
    fn keys(&self) -> Keys {
        Keys::load(&self.config).unwrap()
    }

    fn listed(&self) -> PublicKeys {
        PublicKeys::read(self.path()).unwrap()
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        let text = std::fs::read_to_string(self.path().join("checkpoint")).unwrap();
        SignedCheckpoint::parse(&text).unwrap()
    }

    /// Asks a log that is written for other keys, and waits until they sign its checkpoints.
    pub(super) async fn rotate(&self, rotation: Rotation) -> Keys {
        let keys = rotate(&self.config, rotation).unwrap();
        until(|| are_in_force(&self.config, &keys).unwrap()).await;
        let all = keys.public().log;
        until(|| self.checkpoint().note().signatures().len() == all.len()).await;
        until(|| {
            self.checkpoint()
                .verify(&all)
                .is_ok_and(|it| it.len() == all.len())
        })
        .await;
        keys
    }

    /// Checks everything, by every key that the log lists.
    fn check(&self, receipts: &[ReceiptText]) -> Result<(), VerifyError> {
        let trust = Trust {
            keys: self.listed().of_checkpoints(),
            ..Trust::default()
        };
        verify::whole(self.path(), &trust, |_| ())?;
        let keys = self.listed().of_receipts();
        let report = verify::receipts(self.path(), &keys, receipts.to_vec())?;
        assert_eq!(report.refused, []);
        assert_eq!(report.accepted, receipts.len() as u64);
        Ok(())
    }
}

/// Records until it is told to stop.
async fn load(desk: &Desk, evidence: &Evidence, stops: &AtomicBool) -> Vec<ReceiptText> {
    let mut receipts = Vec::new();
    while !stops.load(Ordering::SeqCst) {
        receipts.push(ReceiptText::from(&desk.exchange(evidence).await));
    }
    receipts
}

/// How many of the receipts a key has signed.
fn signed_by(key: &VerifierKey, receipts: &[ReceiptText]) -> usize {
    let signs = |receipt: &&ReceiptText| {
        let (first, size) = (receipt.batch_first, u64::from(receipt.batch_size));
        let index = receipt.seq - first;
        let root = crate::tree::root_of(&receipt.leaf_hash, index, size, &receipt.path).unwrap();
        let at = receipt.committed_at_ms;
        let message = crate::receipt::message(&receipt.origin, first, size, &root, at);
        key.verifies(message.as_bytes(), &receipt.signature)
    };
    receipts.iter().filter(signs).count()
}

#[tokio::test]
async fn keys_rotate_under_load_and_every_receipt_verifies() {
    let desk = desk();
    let old = desk.keys();
    let (evidence, handle) = desk.start();
    let (stops, count) = (AtomicBool::new(false), || leaves(desk.path()).len());
    let more = async || {
        let before = count();
        until(|| count() > before + 20).await;
    };
    let rotation = async {
        more().await;
        let both = desk.rotate(Rotation::Begin).await;
        more().await;
        desk.rotate(Rotation::Finish).await;
        more().await;
        stops.store(true, Ordering::SeqCst);
        both
    };
    let load = || load(&desk, &evidence, &stops);
    let (a, b, c, new) = tokio::join!(load(), load(), load(), rotation);
    handle.close().await.unwrap();

    let receipts = [a, b, c].concat();
    desk.check(&receipts).unwrap();
    let by_old = signed_by(&old.receipt(), &receipts);
    let by_new = signed_by(&new.receipt(), &receipts);
    assert!(by_old > 20 && by_new > 40, "{by_old} and {by_new}");
    assert_eq!(by_old + by_new, receipts.len());
    let listed = desk.listed();
    assert_eq!(listed.log, [new.log(), new.log_ml_dsa()]);
    assert_eq!(listed.receipt, [new.receipt()]);
    assert_eq!(listed.retired_log, [old.log(), old.log_ml_dsa()]);
    assert_eq!(listed.retired_receipt, [old.receipt()]);
}

#[tokio::test]
async fn each_change_of_keys_is_a_record_that_names_them() {
    let desk = desk();
    let old = desk.keys();
    let (_evidence, handle) = desk.start();
    let new = desk.rotate(Rotation::Begin).await;
    desk.rotate(Rotation::Finish).await;
    handle.close().await.unwrap();
    assert_eq!(kinds(desk.path()), ["START", "KEY", "KEY", "STOP"]);
    let texts =
        |keys: &Keys| [keys.log(), keys.log_ml_dsa(), keys.receipt()].map(|key| key.to_string());
    let expected = |name: &str, keys: &Keys| serde_json::json!({"v": 1, "t": "KEY", "ts": NOW_MS, "node": "gw-1", name: texts(keys)});
    let without_time = |mut leaf: Value| {
        leaf["ts"] = NOW_MS.into();
        leaf
    };
    let leaves: Vec<Value> = leaves(desk.path()).into_iter().map(without_time).collect();
    assert_eq!(leaves[1], expected("add", &new));
    assert_eq!(leaves[2], expected("gone", &old));
    let census = verify::directory(desk.path(), |_| ()).unwrap().census;
    assert_eq!((census.keys[0].seq, census.keys[1].seq), (1, 2));
    assert_eq!(
        census.keys[1].gone,
        [old.log(), old.log_ml_dsa(), old.receipt()]
    );
}

#[tokio::test]
async fn in_the_overlap_each_key_alone_is_enough_and_old_proofs_verify_for_ever() {
    let desk = desk();
    let old = desk.keys();
    let (evidence, handle) = desk.start();
    let seq = desk.exchange(&evidence).await.seq();
    until(|| desk.shown() > seq).await;
    let prove = || -> (LogProof, [u8; 32]) {
        let proved = verify::prove(&mut Directory(desk.path().to_owned()), seq).unwrap();
        let (proof, leaf) = proved.unwrap();
        (proof, leaf_hash(&leaf))
    };
    let (proof, leaf) = prove();
    let proves =
        |proof: &LogProof, keys: &[VerifierKey]| proof.verify(&leaf, keys).map(|it| it.len());
    let new = desk.rotate(Rotation::Begin).await;
    let of = |keys: &Keys| vec![keys.log(), keys.log_ml_dsa()];
    for key in [of(&old), of(&new)].concat() {
        assert_eq!(desk.checkpoint().verify(&[key]).map(|it| it.len()), Ok(1));
    }
    let in_overlap = prove().0;
    for keys in [of(&old), of(&new)] {
        assert_eq!(proves(&in_overlap, &keys), Ok(2));
        let trust = Trust {
            keys,
            ..Trust::default()
        };
        verify::whole(desk.path(), &trust, |_| ()).unwrap();
    }
    desk.rotate(Rotation::Finish).await;
    assert_eq!(
        desk.checkpoint().verify(&of(&old)),
        Err(NoteError::Unsigned)
    );
    for proof in [&proof, &in_overlap] {
        assert_eq!(proves(proof, &of(&old)), Ok(2));
        assert!(proves(proof, &desk.listed().of_checkpoints()).is_ok());
    }
    assert_eq!(proves(&prove().0, &of(&old)), Err(NoteError::Unsigned));
    assert_eq!(proves(&prove().0, &of(&new)), Ok(2));
    // An older checkpoint that the old keys alone have signed is continued.
    let trust = Trust {
        keys: desk.listed().of_checkpoints(),
        older: vec![Witnessed {
            from: "an auditor".to_owned(),
            checkpoint: proof.checkpoint.clone(),
        }],
    };
    verify::whole(desk.path(), &trust, |_| ()).unwrap();
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_witness_goes_on_by_the_key_it_knows_until_the_rotation_is_finished() {
    let desk = desk();
    let old = desk.keys();
    let home = desk.path().parent().unwrap().join("w");
    let witness = |logs| Witness::open(&home, "w.example/1", logs, desk.clock.clone()).unwrap();
    let mut known = 0;
    let mut ask = |witness: &mut Witness| {
        let files = &mut Directory(desk.path().to_owned());
        let (checkpoint, proof) = verify::prove_consistency(files, known).unwrap();
        let size = checkpoint.checkpoint().size;
        let (old, proof) = (known, proof.unwrap());
        let request = Request {
            old,
            proof,
            checkpoint,
        };
        let answer = witness.add_checkpoint(&request.to_string());
        known = if answer.is_ok() { size } else { known };
        answer
    };
    let (_evidence, handle) = desk.start();
    let mut first = witness(vec![old.log()]);
    ask(&mut first).unwrap();
    let new = desk.rotate(Rotation::Begin).await;
    ask(&mut first).unwrap();
    desk.rotate(Rotation::Finish).await;
    assert!(matches!(ask(&mut first), Err(Refused::Unsigned(_))));
    drop(first);
    ask(&mut witness(vec![old.log(), new.log()])).unwrap();
    handle.close().await.unwrap();
}

#[tokio::test]
async fn the_private_keys_of_a_retired_generation_are_destroyed() {
    let desk = desk();
    let private = desk.path().join("private");
    let names = |dir: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.ends_with("pk8")).collect();
        names.sort();
        names
    };
    let all = ["log.ml-dsa-44.pk8", "log.pk8", "receipt.pk8"];
    let (_evidence, handle) = desk.start();
    desk.rotate(Rotation::Begin).await;
    assert_eq!(names(&private), all);
    assert_eq!(names(&private.join("generation.2")), all);
    desk.rotate(Rotation::Finish).await;
    until(|| names(&private).is_empty()).await;
    desk.rotate(Rotation::Begin).await;
    desk.rotate(Rotation::Finish).await;
    until(|| !private.join("generation.2").exists()).await;
    assert_eq!(names(&private.join("generation.3")), all);
    handle.close().await.unwrap();
    desk.start().1.close().await.unwrap();
    desk.check(&[]).unwrap();
}

#[tokio::test]
async fn what_does_not_follow_from_the_last_step_is_refused() {
    let desk = desk();
    let refused = |rotation| rotate(&desk.config, rotation).unwrap_err().to_string();
    assert!(refused(Rotation::Finish).starts_with("no rotation is under way"));
    let (_evidence, handle) = desk.start();
    handle.close().await.unwrap();
    rotate(&desk.config, Rotation::Begin).unwrap();
    assert!(refused(Rotation::Begin).starts_with("the last rotation is not finished"));
    // Nobody could learn of the new keys by the old ones.
    assert!(refused(Rotation::Finish).starts_with("the new keys have not signed"));
    // Only root can give a directory away; anybody else cannot come into this.
    let private = desk.path().join("private");
    if std::os::unix::fs::chown(&private, Some(12_345), None).is_ok() {
        assert!(refused(Rotation::Replace).contains("belongs to another user"));
    }
    let elsewhere = Desk::new();
    assert!(rotate(&elsewhere.config, Rotation::Begin).is_err());
    assert!(!elsewhere.path().join("private").exists());
}

#[tokio::test]
async fn keys_that_somebody_else_may_have_are_replaced_at_once() {
    let desk = desk();
    let leaked = desk.keys();
    let (evidence, handle) = desk.start();
    let before = ReceiptText::from(&desk.exchange(&evidence).await);
    let new = rotate(&desk.config, Rotation::Replace).unwrap();
    until(|| are_in_force(&desk.config, &new).unwrap()).await;
    let after = ReceiptText::from(&desk.exchange(&evidence).await);
    until(|| desk.shown() > after.seq).await;
    assert_eq!(signed_by(&new.receipt(), std::slice::from_ref(&after)), 1);
    let log = new.public().log;
    assert_eq!(desk.checkpoint().verify(&log).unwrap().len(), 2);
    assert_eq!(desk.checkpoint().note().signatures().len(), 2);
    handle.close().await.unwrap();
    desk.check(&[before.clone(), after.clone()]).unwrap();

    // Who has the old keys can sign, but nobody believes it.
    let mut forged = after;
    let (first, size) = (forged.batch_first, u64::from(forged.batch_size));
    let index = forged.seq - first;
    let root = crate::tree::root_of(&forged.leaf_hash, index, size, &forged.path).unwrap();
    let message =
        crate::receipt::message(&forged.origin, first, size, &root, forged.committed_at_ms);
    forged.signature = leaked.sign_receipt(message.as_bytes()).unwrap().to_vec();
    let checked = verify::receipt(desk.path(), &forged).unwrap();
    assert_eq!(checked, Err(ReceiptError::OtherTime));
    let forged = leaked.sign_checkpoint(desk.checkpoint().checkpoint().clone(), 1);
    let file = desk.path().join("checkpoint");
    std::fs::write(file, forged.unwrap().to_string()).unwrap();
    let refused = desk.check(&[before]).unwrap_err();
    let expected = NoteError::Retired;
    assert!(
        matches!(&refused, VerifyError::Checkpoint { problem, .. } if *problem == expected),
        "{refused}"
    );
}

#[tokio::test]
async fn keys_that_are_lost_are_replaced_while_the_log_is_not_written() {
    let desk = desk();
    desk.start().1.close().await.unwrap();
    for file in ["log.pk8", "log.ml-dsa-44.pk8", "receipt.pk8"] {
        std::fs::remove_file(desk.path().join("private").join(file)).unwrap();
    }
    assert!(desk.try_start(Alarm::new(|_| ())).is_err());
    rotate(&desk.config, Rotation::Replace).unwrap();
    let (evidence, handle) = desk.start();
    let receipt = ReceiptText::from(&desk.exchange(&evidence).await);
    handle.close().await.unwrap();
    assert_eq!(kinds(desk.path())[2..4], ["START", "KEY"]);
    desk.check(&[receipt]).unwrap();
}

#[tokio::test]
async fn a_key_that_is_slipped_into_the_list_is_found() {
    let desk = desk();
    let (_evidence, handle) = desk.start();
    desk.rotate(Rotation::Begin).await;
    handle.close().await.unwrap();
    desk.check(&[]).unwrap();
    let file = desk.path().join("keys");
    let right = std::fs::read_to_string(&file).unwrap();
    let strange = Keys::load(&{
        let other = Desk::new();
        let config = Config {
            dir: desk.path().with_file_name("other"),
            ..other.config
        };
        keys::create_if_missing(&config).unwrap();
        config
    })
    .unwrap();
    for line in [
        format!("log {}\n", strange.log()),
        format!("log {}\n", strange.log_ml_dsa()),
        format!("receipt {}\n", strange.receipt()),
        format!("retired log {}\n", strange.log()),
        format!("retired receipt {}\n", strange.receipt()),
    ] {
        std::fs::write(&file, format!("{right}{line}")).unwrap();
        let refused = desk.check(&[]).unwrap_err();
        assert!(
            refused.to_string().contains("which no KEY record names"),
            "{refused}"
        );
    }
    std::fs::write(&file, right.replacen("receipt ", "retired receipt ", 1)).unwrap();
    let refused = desk.check(&[]).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("as retired, but no KEY record does"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_retired_key_does_not_come_back() {
    let desk = desk();
    let kept = copy(desk.path());
    let (_evidence, handle) = desk.start();
    desk.rotate(Rotation::Begin).await;
    desk.rotate(Rotation::Finish).await;
    until(|| !desk.path().join("private/receipt.pk8").exists()).await;
    handle.close().await.unwrap();
    // Somebody restores the private keys of last year.
    std::fs::remove_dir_all(desk.path().join("private")).unwrap();
    copy_tree(&kept.path().join("private"), &desk.path().join("private"));
    let started = desk.try_start(Alarm::new(|_| ()));
    assert!(matches!(started, Err(Error::Retired(_))), "{started:?}");
}
