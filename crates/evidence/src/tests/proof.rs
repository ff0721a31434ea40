//! Receipts and keys as strangers check them.

use aws_lc_rs::digest::{SHA256, digest};
use base64_simd::STANDARD;

use super::*;
use crate::keys::{PublicKeys, VerifierKey};
use crate::receipt::message;
use crate::verify::{self, ReceiptError, ReceiptText};

#[test]
fn the_message_of_a_receipt_is_these_bytes() {
    assert_eq!(
        message(
            "audit.gw.example/gw-2/2027h1",
            40,
            3,
            &[0xab; 32],
            1_771_234_567_890
        ),
        "lienthong.receipt/v1\naudit.gw.example/gw-2/2027h1\n40\n3\n\
         q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n1771234567890\n"
    );
}

#[tokio::test]
async fn a_stranger_checks_a_receipt_with_the_published_key_alone() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let sealing: Vec<_> = (0..5)
        .map(|_| evidence.refuse(&desk.refusal(None)))
        .collect();
    for waiting in sealing {
        let receipt = waiting.await.unwrap().unwrap();
        let text = std::fs::read_to_string(desk.path().join("keys")).unwrap();
        let vkey = text
            .lines()
            .find_map(|line| line.strip_prefix("receipt "))
            .unwrap();
        let key: VerifierKey = vkey.parse().unwrap();
        let (first, size) = (receipt.batch_first(), u64::from(receipt.batch_size()));
        let index = receipt.seq() - first;
        let root = crate::tree::root_of(&receipt.leaf_hash(), index, size, &receipt.path());
        let at_ms = receipt.committed_at_ms();
        let signed = message(receipt.origin(), first, size, &root.unwrap(), at_ms);
        assert!(key.verifies(signed.as_bytes(), receipt.signature()));
    }
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_receipt_whose_every_part_is_right_is_accepted_and_no_other() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let together: Vec<_> = (0..7)
        .map(|_| evidence.refuse(&desk.refusal(None)))
        .collect();
    let mut receipts: Vec<ReceiptText> = Vec::new();
    for waiting in together {
        receipts.push((&waiting.await.unwrap().unwrap()).into());
    }
    // The verifier reads while the writer runs.
    let good = receipts
        .iter()
        .max_by_key(|r| r.batch_size)
        .unwrap()
        .clone();
    let check = |receipt: &ReceiptText| verify::receipt(desk.path(), receipt).unwrap();
    assert_eq!(check(&good), Ok(()));
    let wrong = |change: &dyn Fn(&mut ReceiptText)| {
        let mut receipt = good.clone();
        change(&mut receipt);
        check(&receipt).unwrap_err()
    };
    assert_eq!(
        wrong(&|r| r.seq = r.batch_first.wrapping_sub(1)),
        ReceiptError::Path
    );
    assert_eq!(wrong(&|r| r.leaf_hash[0] ^= 1), ReceiptError::Signature);
    assert_eq!(wrong(&|r| r.committed_at_ms += 1), ReceiptError::Signature);
    assert_eq!(wrong(&|r| r.signature[63] ^= 1), ReceiptError::Signature);
    assert_eq!(wrong(&|r| r.path.push([0; 32])), ReceiptError::Path);
    assert_eq!(wrong(&|r| r.batch_size = 0), ReceiptError::Path);
    assert_eq!(wrong(&|r| r.origin.push('x')), ReceiptError::Key);
    let shifted = wrong(&|r| (r.seq, r.batch_first) = (r.seq + 1, r.batch_first + 1));
    assert_eq!(shifted, ReceiptError::Signature);
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_receipt_of_a_leaf_that_was_cut_off_is_missing() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let receipt = ReceiptText::from(&desk.exchange(&evidence).await);
    drop(handle);
    let [.., before, _] = batch_ends(desk.path())[..] else {
        panic!()
    };
    let bytes = segment::read(desk.path(), 0).unwrap();
    std::fs::write(segment::path(desk.path(), 0), &bytes[..before]).unwrap();
    let found = verify::receipt(desk.path(), &receipt).unwrap();
    assert_eq!(found, Err(ReceiptError::Missing));
    desk.start().1.close().await.unwrap();
    let found = verify::receipt(desk.path(), &receipt).unwrap();
    assert_eq!(found, Err(ReceiptError::OtherLeaf));
}

#[test]
fn keys_are_made_once_published_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let first = keys::create_if_missing(&desk.config).unwrap();
    let second = keys::create_if_missing(&desk.config).unwrap();
    assert_eq!(
        (first.log(), first.receipt()),
        (second.log(), second.receipt())
    );
    let public = PublicKeys::read(desk.path()).unwrap();
    assert_eq!(public.log, [first.log(), first.log_ml_dsa()]);
    assert_eq!(public.log[1], second.log_ml_dsa());
    assert_eq!(public.receipt, [first.receipt()]);
    assert_eq!(
        first.receipt().name(),
        "audit.gw.example/gw-1/2026h1/receipt"
    );
    let path = desk.path().join("private/log.pk8");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(matches!(
        keys::create_if_missing(&desk.config),
        Err(Error::Key { .. })
    ));
}

#[test]
fn a_key_is_written_as_signed_notes_write_it() {
    let desk = Desk::new();
    let key = keys::create_if_missing(&desk.config).unwrap().log();
    let text = key.to_string();
    let mut parts = text.splitn(3, '+');
    let (name, id, public) = (parts.next(), parts.next(), parts.next());
    let public = STANDARD.decode_to_vec(public.unwrap()).unwrap();
    assert_eq!((public.len(), public[0]), (33, 1));
    let mut hashed = name.unwrap().as_bytes().to_vec();
    hashed.push(b'\n');
    hashed.extend_from_slice(&public);
    assert_eq!(
        id.unwrap(),
        hex::encode(&digest(&SHA256, &hashed).as_ref()[..4])
    );
    assert_eq!(text.parse(), Ok(key));
    assert!(text.replace("gw-1", "gw-2").parse::<VerifierKey>().is_err());
}

#[test]
fn an_origin_is_a_url_prefix() {
    let desk = Desk::new();
    for wrong in ["", "https://a/b", "a/b/", "a b", "a+b", "a\nb"] {
        let config = Config {
            origin: wrong.to_owned(),
            ..desk.config.clone()
        };
        let made = keys::create_if_missing(&config);
        assert!(matches!(made, Err(Error::Setting { .. })), "{wrong:?}");
    }
}
