//! What a later version of the program has written: a verifier counts it and checks the rest, a start
//! leaves the log as it is.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt as _;

use super::*;
use crate::frame;
use crate::keys::PublicKeys;
use crate::recover::Recovered;
use crate::tree::sha256;
use crate::verify::{self, Report, Trust, VerifyError};

const LATER: &str = r#"{"v":2,"t":"ORACLE","ts":1771234567890,"of":"what is to come"}"#;
const LATER_ATTEMPT: &str = r#"{"v":2,"t":"ORACLE","ts":1771234567890,"of":"nobody knows""#;

/// A frame by the number of its kind, its key and what follows that.
type Parts<'a> = (u8, u64, &'a str);

const LEAF: u8 = Kind::Leaf as u8;
const OPEN: u8 = Kind::Open as u8;

/// A log that has ended.
async fn ended() -> Desk {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    desk
}

impl Desk {
    /// Writes one more batch, by the book: `decisions/0028`.
    fn append(&self, frames: &[Parts<'_>]) {
        let recovered = Recovered::read(self.path(), &self.config.origin).unwrap();
        let chain = &recovered.chain;
        let (mut bytes, mut linked, mut seq) = (Vec::new(), chain.running.to_vec(), chain.seq);
        for (kind, key, body) in frames {
            let is_leaf = *kind == LEAF;
            let mut one = Vec::new();
            frame::append(&mut one, Kind::Newer, [&key.to_le_bytes(), body.as_bytes()]);
            one[8] = *kind;
            frame::finish(&mut one, if is_leaf { seq } else { 0 });
            bytes.extend(one);
            linked.push(*kind);
            linked.extend(key.to_le_bytes());
            linked.extend(sha256(&[&[if is_leaf { 0 } else { 2 }], body.as_bytes()]));
            seq += u64::from(is_leaf);
        }
        let mut trailer = chain.batch.to_le_bytes().to_vec();
        trailer.extend(((seq - chain.seq) as u32).to_le_bytes());
        trailer.extend(sha256(&[&linked]));
        bytes.extend(frame::whole(Kind::Batch, seq, &trailer));
        let path = segment::path(self.path(), recovered.segment);
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(&bytes, recovered.used).unwrap();
    }

    fn checked(&self) -> Result<Report, VerifyError> {
        let trust = Trust {
            keys: PublicKeys::read(self.path()).unwrap().log,
            ..Trust::default()
        };
        verify::whole(self.path(), &trust, |_| ()).map(|(_, report)| report)
    }

    /// A start says where what it does not know is, and changes no file.
    fn is_left_as_it_is(&self, file: &str) {
        let before = files(self.path());
        let started = self.try_start(Alarm::new(|error| panic!("{error}")));
        let Err(Error::Newer { path, what }) = started else {
            panic!("{started:?}");
        };
        assert!(path.ends_with(file), "{what} in {}", path.display());
        assert_eq!(files(self.path()), before, "{what}");
    }
}

/// Every file of a log but the one that is locked.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if !path.ends_with("lock") {
            all.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    all
}

#[tokio::test]
async fn a_verifier_counts_what_it_does_not_know_and_checks_the_rest() {
    let desk = ended().await;
    desk.append(&[(9, 70, "?"), (LEAF, 0, LATER), (200, 0, "")]);
    let report = desk.checked().unwrap();
    assert_eq!((report.newer_frames, report.census.newer), (2, 1));
    assert_eq!(report.census.leaves, 4);
    assert!(!report.census.by_type.contains_key("ORACLE"));
}

#[tokio::test]
async fn what_is_not_known_is_hashed_all_the_same() {
    let desk = ended().await;
    desk.append(&[(9, 70, "?"), (LEAF, 0, LATER)]);
    let path = segment::path(desk.path(), 0);
    let mut bytes = fs::read(&path).unwrap();
    let ends = batch_ends(desk.path());
    let begin = ends[ends.len() - 2];
    let (_, frame, _) = frame::split_first_mut(&mut bytes[begin..]).unwrap();
    *frame.last_mut().unwrap() = b'!';
    frame::finish(frame, 0);
    fs::write(&path, &bytes).unwrap();
    // Its batch was the last one: it is no whole one any more.
    let report = verify::directory(desk.path(), |_| ()).unwrap();
    assert_eq!((report.newer_frames, report.census.newer), (0, 0));
    assert!(report.torn_bytes > 0);
}

#[tokio::test]
async fn a_start_leaves_what_it_does_not_know_as_it_is() {
    let cases: [&[Parts<'_>]; 4] = [
        &[(9, 70, "?")],
        &[(255, 0, "")],
        &[(LEAF, 0, LATER)],
        &[(OPEN, 70, LATER_ATTEMPT)],
    ];
    for frames in cases {
        let desk = ended().await;
        desk.append(frames);
        desk.is_left_as_it_is("0000000000000000.seg");
    }
}

/// Else it would be taken for one that a crash has torn, and cut.
#[tokio::test]
async fn a_segment_of_a_later_format_is_neither_cut_nor_verified() {
    let desk = ended().await;
    let mut later = frame::whole(Kind::Segment, 0, b"LTEVLOG2 and whatever it is");
    later.extend(b"then what nobody can read");
    fs::write(segment::path(desk.path(), 0), later).unwrap();
    desk.is_left_as_it_is("0000000000000000.seg");
    let read = verify::directory(desk.path(), |_| ());
    assert!(matches!(read, Err(VerifyError::Newer(0))), "{read:?}");
}

#[tokio::test]
async fn keys_of_a_later_version_are_counted_and_never_lost() {
    let desk = ended().await;
    let path = desk.path().join("keys");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}v2 log a-key+of+tomorrow\n")).unwrap();
    assert_eq!(desk.checked().unwrap().newer_keys, 1);
    desk.is_left_as_it_is("keys");
    // What was damaged is not taken for what is to come.
    for damaged in [text.replacen("log", "lox", 1), format!("{text}v1 log x\n")] {
        fs::write(&path, damaged).unwrap();
        assert!(PublicKeys::read(desk.path()).is_err());
    }
}
