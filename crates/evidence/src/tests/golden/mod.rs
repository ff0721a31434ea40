//! Logs as earlier builds have left them: every later one verifies them, goes on with them and indexes
//! them. Not here: what a later build has left (`versions`).
//!
//! A folder beside this file holds one: `log` with its lock store `log.head`, the receipts of its
//! callers, and in `expected.json` what a reader finds. The keys in it were made for it and sign
//! nothing else; the persons do not exist. Where what is written changes, keep one more: `make.rs` says
//! how.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::private::{OTHER, about};
use super::*;
use crate::keys::PublicKeys;
use crate::verify::{self, Extra, ReceiptText, Trust};

mod make;

/// A copy of a log that was kept, and a desk to go on with it.
struct Golden {
    desk: Desk,
    receipts: Vec<ReceiptText>,
    expected: Value,
}

impl Golden {
    /// One of each version.
    fn all() -> Vec<Self> {
        let kept = fs::read_dir(folder()).unwrap();
        let kept = kept.map(|entry| entry.unwrap().path());
        let all: Vec<_> = kept
            .filter(|it| it.is_dir())
            .map(|it| Self::copy(&it))
            .collect();
        assert!(!all.is_empty());
        all
    }

    fn copy(kept: &Path) -> Self {
        let mut desk = Desk::published();
        copy_tree(&kept.join("log"), desk.path());
        fs::copy(kept.join("log.head"), desk.config.lock_file()).unwrap();
        for entry in fs::read_dir(desk.config.keys_dir()).unwrap() {
            only_for_the_owner(&entry.unwrap().path());
        }
        desk.config.segment_bytes = 24 << 10;
        // An hour after the last of its records, on the same day.
        desk.clock.set(NOW_MS + 25 * 3_600 * 1_000);
        let read = |name: &str| fs::read_to_string(kept.join(name)).unwrap();
        let receipts = read("receipts.jsonl");
        let receipts = receipts
            .lines()
            .map(|line| ReceiptText::from_json(line.as_bytes()).unwrap());
        Self {
            receipts: receipts.collect(),
            expected: serde_json::from_str(&read("expected.json")).unwrap(),
            desk,
        }
    }

    /// What a verifier says.
    fn verified(&self) -> Value {
        let dir = self.desk.path();
        let keys = PublicKeys::read(dir).unwrap();
        let trust = Trust {
            keys: keys.of_checkpoints(),
            ..Trust::default()
        };
        let (public, report) = verify::whole(dir, &trust, |_| ()).unwrap();
        let texts = self.receipts.clone();
        let receipts = verify::receipts(dir, &keys.of_receipts(), texts).unwrap();
        assert_eq!(receipts.refused, []);
        json!({
            "shown": public.checkpoint.checkpoint().size,
            "signers": public.signers.len(),
            "records": report.census.by_type,
            "newer": report.census.newer + report.newer_frames + report.newer_keys,
            "attempts": report.open_attempts,
            "segments": report.segments,
            "receipts": receipts.accepted,
        })
    }

    /// What is found about two persons: the places of the records, and how many openings each has.
    async fn found(&self, evidence: &Evidence) -> Value {
        let mut all = Vec::new();
        for number in [CITIZEN, OTHER] {
            let found = self.desk.search(evidence, about(number)).await;
            assert!(found.complete);
            for record in &found.records {
                let extra = Extra::new(record.leaf.clone(), &record.openings).unwrap();
                let entry = record.entries.first();
                let whole = match entry {
                    Some(entry) => extra.with_batch(entry),
                    None => extra,
                };
                assert_eq!(whole.check(), None, "{record:?}");
            }
            let records = found.records.iter();
            all.push(json!(
                records
                    .map(|it| [it.seq, it.openings.len() as u64])
                    .collect::<Vec<_>>()
            ));
        }
        json!(all)
    }

    /// What is found after another start, with what it has filed.
    async fn found_by_a_start(&self) -> Value {
        let (evidence, handle) = self.desk.start();
        let found = self.found(&evidence).await;
        handle.close().await.unwrap();
        found
    }

    /// How many records are indexed, and how many of them can be opened.
    fn indexed(&self) -> Value {
        let made = crate::reindex(&self.desk.config, |_| ()).unwrap();
        json!([made.records, made.opened])
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/golden")
}

/// What is checked out others may read.
fn only_for_the_owner(path: &Path) {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        entries.for_each(|entry| only_for_the_owner(&entry.unwrap().path()));
    } else {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn the_verifier_reads_the_logs_of_earlier_builds() {
    for golden in Golden::all() {
        assert_eq!(golden.verified(), golden.expected["verified"]);
    }
}

#[tokio::test]
async fn a_start_goes_on_with_the_logs_of_earlier_builds() {
    for golden in Golden::all() {
        let before = leaves(golden.desk.path()).len();
        let (evidence, handle) = golden.desk.start();
        golden.desk.exchange(&evidence).await;
        handle.close().await.unwrap();
        let mut said = kinds(golden.desk.path()).split_off(before);
        said.retain(|kind| kind != "CONFIG");
        let expected = ["ACCESS UNKNOWN", "START", "ACCESS ALLOW", "STOP"];
        assert_eq!(said, expected);
        let verified = golden.verified();
        assert_eq!(verified["attempts"], 0);
        assert_eq!(verified["shown"], leaves(golden.desk.path()).len());
    }
}

#[tokio::test]
async fn a_start_finds_what_earlier_builds_have_recorded() {
    for golden in Golden::all() {
        assert_eq!(golden.found_by_a_start().await, golden.expected["found"]);
    }
}

#[tokio::test]
async fn the_index_of_the_logs_of_earlier_builds_is_made_again() {
    for golden in Golden::all() {
        assert_eq!(golden.indexed(), golden.expected["indexed"]);
        assert_eq!(golden.found_by_a_start().await, golden.expected["found"]);
    }
}
