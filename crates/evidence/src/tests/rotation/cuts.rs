//! A rotation that a kill cuts, or a full disk holds up.

use super::*;

/// The states in which a kill may leave a rotation, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Some of the new private keys are made.
    Half,
    /// All are, and nobody has asked for them.
    Unasked,
    /// They are asked for.
    Asked,
    /// The record is durable, and the file `keys` as before.
    Recorded,
    /// Everything is done.
    Done,
}

/// Brings a log, which is not written, to that state of a rotation; it is begun or finished.
async fn cut(desk: &Desk, rotation: Rotation, at: Cut) {
    let private = desk.path().join("private");
    match at {
        Cut::Half if rotation == Rotation::Begin => {
            let tmp = private.join("generation.2.tmp");
            std::fs::create_dir(&tmp).unwrap();
            std::fs::write(tmp.join("log.pk8"), b"torn").unwrap();
        }
        Cut::Unasked if rotation == Rotation::Begin => {
            rotate(&desk.config, rotation).unwrap();
            std::fs::remove_file(private.join("signing")).unwrap();
        }
        Cut::Half | Cut::Unasked => {}
        Cut::Asked => drop(rotate(&desk.config, rotation).unwrap()),
        Cut::Recorded | Cut::Done => {
            let before = std::fs::read(desk.path().join("keys")).unwrap();
            let (_evidence, handle) = desk.start();
            desk.rotate(rotation).await;
            drop(handle); // as a crash
            if at == Cut::Recorded {
                std::fs::write(desk.path().join("keys"), before).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_rotation_that_is_cut_anywhere_goes_on_at_the_next_start() {
    for at in [
        Cut::Half,
        Cut::Unasked,
        Cut::Asked,
        Cut::Recorded,
        Cut::Done,
    ] {
        let desk = desk();
        let old = desk.keys();
        let mut receipts = Vec::new();
        let mut start = async || {
            let (evidence, handle) = desk.start();
            receipts.push(ReceiptText::from(&desk.exchange(&evidence).await));
            (evidence, handle)
        };
        start().await.1.close().await.unwrap();
        cut(&desk, Rotation::Begin, at).await;
        let (_evidence, handle) = start().await;
        let is_begun = !matches!(at, Cut::Half | Cut::Unasked);
        assert_eq!(
            desk.listed().log.len(),
            if is_begun { 4 } else { 2 },
            "{at:?}"
        );
        if !is_begun {
            desk.rotate(Rotation::Begin).await;
        }
        let new = desk.keys();
        until(|| desk.checkpoint().note().signatures().len() == 4).await;
        handle.close().await.unwrap();
        assert_ne!(new.log(), old.log());

        cut(&desk, Rotation::Finish, at).await;
        let (_evidence, handle) = start().await;
        if !is_begun {
            desk.rotate(Rotation::Finish).await;
        }
        assert_eq!(desk.listed().log, [new.log(), new.log_ml_dsa()], "{at:?}");
        assert_eq!(desk.listed().retired_log, [old.log(), old.log_ml_dsa()]);
        until(|| !desk.path().join("private/receipt.pk8").exists()).await;
        handle.close().await.unwrap();
        let by_new = signed_by(&new.receipt(), &receipts);
        assert_eq!(by_new, if is_begun { 2 } else { 1 }, "{at:?}");
        desk.check(&receipts).unwrap();
    }
}

#[tokio::test]
async fn keys_that_cannot_be_listed_do_not_sign_and_leave_no_record() {
    let desk = desk();
    let (evidence, handle) = desk.start();
    // Writing to this device fails as a full disk does.
    let next = desk.path().join("keys.next.tmp");
    std::os::unix::fs::symlink("/dev/full", &next).unwrap();
    let new = rotate(&desk.config, Rotation::Begin).unwrap();
    let began = Instant::now();
    let mut receipts = Vec::new();
    while began.elapsed() < Duration::from_secs(2) {
        receipts.push(ReceiptText::from(&desk.exchange(&evidence).await));
    }
    assert_eq!(signed_by(&new.receipt(), &receipts), 0);
    assert!(!kinds(desk.path()).contains(&"KEY".to_owned()));
    std::fs::remove_file(next).unwrap();
    until(|| are_in_force(&desk.config, &new).unwrap()).await;
    receipts.push(ReceiptText::from(&desk.exchange(&evidence).await));
    assert_eq!(signed_by(&new.receipt(), &receipts), 1);
    handle.close().await.unwrap();
    desk.check(&receipts).unwrap();
}
