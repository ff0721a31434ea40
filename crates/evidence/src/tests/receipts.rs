//! Receipts, held against what is public alone.

use super::*;
use crate::keys::PublicKeys;
use crate::verify::{self, Directory, ReceiptError, ReceiptReport, ReceiptText, Trust};

impl Desk {
    /// Records so many exchanges, whose receipts come back; then only the public log is left.
    async fn public_only(&self, exchanges: usize) -> Vec<ReceiptText> {
        let (evidence, handle) = self.start();
        let mut receipts = Vec::new();
        for _ in 0..exchanges {
            receipts.push(ReceiptText::from(&self.exchange(&evidence).await));
        }
        handle.close().await.unwrap();
        std::fs::remove_dir_all(self.path().join("wal")).unwrap();
        receipts
    }

    fn holds_in_public(&self, receipts: &[ReceiptText]) -> ReceiptReport {
        let keys = PublicKeys::read(self.path()).unwrap();
        let trust = Trust {
            keys: keys.log.clone(),
            ..Trust::default()
        };
        let mut files = Directory(self.path().to_owned());
        let log = verify::public(&mut files, &trust, |_| ()).unwrap();
        verify::receipts_shown(&mut files, &log, &keys.receipt, receipts.to_vec()).unwrap()
    }
}

#[tokio::test]
async fn the_public_log_alone_says_whether_a_record_is_in_it() {
    let (desk, fork) = (Desk::new(), Desk::new());
    keys::create_if_missing(&desk.config).unwrap();
    // The same keys sign another history.
    copy_tree(desk.path(), fork.path());
    let (ours, theirs) = (desk.public_only(300).await, fork.public_only(305).await);
    let report = desk.holds_in_public(&ours);
    assert_eq!((report.accepted, report.refused), (300, Vec::new()));

    let report = desk.holds_in_public(&theirs);
    assert_eq!(report.accepted, 0);
    let why = |error| report.refused.iter().filter(move |(_, it)| *it == error);
    // Two records of a start and an end are not of exchanges.
    assert_eq!(why(ReceiptError::OtherLeaf).count(), 301);
    assert_eq!(why(ReceiptError::Missing).count(), 4);

    let mut odd = ours;
    odd.truncate(3);
    odd[0].origin = "audit.gw.example/gw-2".to_owned();
    odd[1].signature[7] ^= 1;
    odd[2].seq += 1;
    let refused = [
        (0, ReceiptError::Key),
        (1, ReceiptError::Signature),
        (2, ReceiptError::Path),
    ];
    assert_eq!(desk.holds_in_public(&odd).refused, refused);
}

#[tokio::test]
async fn a_tile_that_is_another_than_was_checked_is_refused() {
    let desk = Desk::new();
    let receipts = desk.public_only(20).await;
    let keys = PublicKeys::read(desk.path()).unwrap();
    let trust = Trust {
        keys: keys.log,
        ..Trust::default()
    };
    let mut files = Directory(desk.path().to_owned());
    let log = verify::public(&mut files, &trust, |_| ()).unwrap();
    let tile = desk.path().join(format!("tile/0/000.p/{}", desk.shown()));
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[32 * 7] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    let checked = verify::receipts_shown(&mut files, &log, &keys.receipt, receipts);
    let error = checked.unwrap_err().to_string();
    assert!(error.contains("does not lead to the root"), "{error}");
}
