//! Makes a log with everything in it that this build writes, and reads it as those that are kept. To
//! keep it, say where:
//!
//! ```sh
//! LIENTHONG_KEEP_LOG="$PWD/crates/evidence/src/tests/golden/v2" cargo test -p evidence of_this_build
//! ```

use base64_simd::STANDARD;

use super::*;
use crate::keys::Rotation;
use crate::tests::private::{person, whole};
use crate::tests::rotation::until;

const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// What the callers of the log hold.
type Receipts = Vec<Receipt>;

#[tokio::test]
async fn a_log_of_this_build_has_records_of_every_type_and_is_read() {
    let (mut desk, mut receipts) = (Desk::published(), Receipts::new());
    desk.config.segment_bytes = 24 << 10;
    first_life(&mut desk, &mut receipts).await;
    second_life(&mut desk, &mut receipts).await;
    third_life(&mut desk, &mut receipts).await;
    let dir = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("LIENTHONG_KEEP_LOG").map(PathBuf::from);
    let to = kept.unwrap_or_else(|| dir.path().join("kept"));
    keep(&desk, &receipts, &to);
    let mut expected = json!({"verified": Golden::copy(&to).verified()});
    expected["found"] = Golden::copy(&to).found_by_a_start().await;
    expected["indexed"] = Golden::copy(&to).indexed();
    let text = serde_json::to_string_pretty(&expected).unwrap();
    fs::write(to.join("expected.json"), text + "\n").unwrap();

    let records = expected["verified"]["records"].as_object().unwrap();
    let types: Vec<&str> = records.keys().map(String::as_str).collect();
    assert_eq!(types, TYPES);
    assert_eq!(expected["verified"]["receipts"], receipts.len());
}

/// All but `LINK`, which only a log has that follows another.
const TYPES: [&str; 13] = [
    "ACCESS",
    "ADMIN",
    "BATCH",
    "CLOCK",
    "CONFIG",
    "DENIED",
    "DENIED_SUMMARY",
    "DISCLOSURE",
    "INDEX_ROOT",
    "KEY",
    "RECOVERY",
    "START",
    "STOP",
];

/// Answers, refusals, a batch, a search and an erasure, other agreements, the next day, `STOP`.
async fn first_life(desk: &mut Desk, receipts: &mut Receipts) {
    let (evidence, handle) = desk.start();
    questions(desk, &evidence, receipts).await;
    drop(desk.open(&evidence));
    desk.search(&evidence, about(CITIZEN)).await;
    // What this run promises comes later than its start.
    desk.clock.set(NOW_MS + 1);
    let (disclosure, other) = (desk.disclosure(), person(OTHER));
    assert!(whole(evidence.erase(&disclosure, &other).await) > 0);
    receipts.push(desk.exchange(&evidence).await);
    evidence.config_changed(&[8; 32]).await.unwrap();
    desk.clock.set(NOW_MS + DAY_MS);
    receipts.push(desk.exchange(&evidence).await);
    desk.search(&evidence, about(CITIZEN)).await;
    until(|| kinds(desk.path()).contains(&"INDEX_ROOT".to_owned())).await;
    handle.close().await.unwrap();
}

/// About two persons, seen at once, later and never; refused, and about three at once.
async fn questions(desk: &mut Desk, evidence: &Evidence, receipts: &mut Receipts) {
    for number in [CITIZEN, OTHER] {
        desk.about(IdentifierKind::Personal, number);
        receipts.push(desk.exchange(evidence).await);
        receipts.push(desk.exchange(evidence).await);
    }
    let later = Visibility::Delayed("2027-01-01".parse().unwrap());
    for visibility in [Visibility::Sealed, later] {
        receipts.push(desk.seen_as(evidence, visibility).await);
    }
    let request: &'static Request = Box::leak(Box::new(desk.request.clone()));
    for _ in 0..12 {
        let refused = evidence.refuse(&desk.refusal(Some(request))).await;
        receipts.extend(refused.unwrap());
    }
    receipts.push(desk.batch_of(evidence, 3).seal().await.unwrap());
}

/// Other keys, and a crash in the middle of a batch.
async fn second_life(desk: &mut Desk, receipts: &mut Receipts) {
    let (evidence, handle) = desk.start();
    desk.rotate(Rotation::Begin).await;
    receipts.push(desk.exchange(&evidence).await);
    desk.rotate(Rotation::Finish).await;
    let lost = desk.open(&evidence);
    receipts.push(desk.exchange(&evidence).await);
    drop(handle);
    drop(lost);
    let path = segment::path(
        desk.path(),
        *segment::list(desk.path()).unwrap().last().unwrap(),
    );
    let end = *batch_ends(desk.path()).last().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[end..end + 4].copy_from_slice(b"torn");
    fs::write(path, bytes).unwrap();
}

/// What the crash has left, and another one when everything is published and one attempt is open.
async fn third_life(desk: &mut Desk, receipts: &mut Receipts) {
    let (evidence, handle) = desk.start();
    receipts.push(desk.exchange(&evidence).await);
    let lost = desk.open(&evidence);
    receipts.push(desk.exchange(&evidence).await);
    desk.search(&evidence, about(CITIZEN)).await;
    let all = leaves(desk.path()).len() as u64;
    until(|| desk.shown() == all).await;
    drop(handle);
    drop(lost);
}

/// Copies a log without what is made again and without the zeros of the last segment.
fn keep(desk: &Desk, receipts: &Receipts, to: &Path) {
    let log = to.join("log");
    copy_tree(desk.path(), &log);
    fs::copy(desk.config.lock_file(), to.join("log.head")).unwrap();
    fs::remove_dir_all(log.join("index")).unwrap();
    for spare in ["lock", "wal/spare", "private/keyring.db-shm"] {
        fs::remove_file(log.join(spare)).ok();
    }
    for level in ["tile/0/000.p", "tile/entries/000.p"] {
        keep_the_widest(&log.join(level));
    }
    let last = segment::path(&log, *segment::list(&log).unwrap().last().unwrap());
    let file = fs::OpenOptions::new().write(true).open(last).unwrap();
    file.set_len(*batch_ends(&log).last().unwrap() as u64)
        .unwrap();
    let lines = receipts
        .iter()
        .map(|receipt| format!("{}\n", text(receipt)));
    fs::write(to.join("receipts.jsonl"), lines.collect::<String>()).unwrap();
    fs::write(to.join("expected.json"), "{}").unwrap();
}

/// Removes the partial tiles that only older checkpoints need.
fn keep_the_widest(folder: &Path) {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let width =
        |path: &PathBuf| -> u32 { path.file_name().unwrap().to_str().unwrap().parse().unwrap() };
    let mut paths: Vec<_> = paths.collect();
    paths.sort_by_key(width);
    paths.pop();
    paths.iter().for_each(|path| fs::remove_file(path).unwrap());
}

/// A receipt as its caller gets it.
fn text(receipt: &Receipt) -> Value {
    let at = Timestamp::from_millisecond(receipt.committed_at_ms() as i64).unwrap();
    let path = receipt.path();
    let path: Vec<_> = path
        .iter()
        .map(|hash| STANDARD.encode_to_string(hash))
        .collect();
    json!({
        "logOrigin": receipt.origin(),
        "seq": receipt.seq().to_string(),
        "leafHash": STANDARD.encode_to_string(receipt.leaf_hash()),
        "committedAt": at.to_string(),
        "batchFirst": receipt.batch_first().to_string(),
        "batchSize": receipt.batch_size(),
        "path": path,
        "signature": STANDARD.encode_to_string(receipt.signature()),
    })
}
