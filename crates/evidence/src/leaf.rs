//! The JSON of a leaf. Not here: its sequence number and framing.
//!
//! The leaf of an exchange is written in two halves: the head when the exchange is opened (it goes
//! into the OPEN frame as it is), the tail when it is sealed. The time is set last, by the writer:
//! its thirteen digits are overwritten in place.

use std::fmt;

use base64_simd::STANDARD;
use exchange::{Field, FieldSet, Mask, RequestId, Source, Visibility};
use jiff::civil::Date;
use memchr::memmem;
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};

use crate::commitment::Commitment;
use crate::link::{Before, Follower};
use crate::open::Flags;
use crate::tree::Hash;

/// The version of a leaf, `v`: what a reader must know to tell what it says.
pub(crate) const VERSION: u64 = 1;
/// The earliest time a leaf can carry: 9 September 2001, the first with thirteen digits.
pub(crate) const MIN_TS: u64 = 1_000_000_000_000;
/// The latest: 20 November 2286.
pub(crate) const MAX_TS: u64 = 9_999_999_999_999;

/// Who asks and why: the first half of an `ACCESS`, `BATCH` or `DENIED` leaf.
#[derive(Debug, Serialize)]
pub(crate) struct Head<'a> {
    pub(crate) v: u8,
    pub(crate) t: &'static str,
    pub(crate) ts: u64,
    pub(crate) node: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rid: Option<Shown<RequestId>>,
    pub(crate) caller: Caller<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) purpose: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) off: Option<Commitment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dos: Option<Commitment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) con: Option<Commitment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) txt: Option<Commitment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sub: Option<Commitment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) crit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pol: Option<Digest<'a>>,
    pub(crate) vis: Shown<Visibility>,
    /// The record that this one repeats: its log and its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replay_of: Option<String>,
}

/// The caller in a leaf.
#[derive(Debug, Serialize)]
pub(crate) struct Caller<'a> {
    pub(crate) ag: &'a str,
    pub(crate) sys: &'a str,
    pub(crate) cert: Shown<Fingerprint<'a>>,
}

/// The first half of a leaf that hides the rest.
#[derive(Debug, Serialize)]
pub(crate) struct SealedHead<'a> {
    pub(crate) v: u8,
    pub(crate) t: &'static str,
    pub(crate) ts: u64,
    pub(crate) node: &'a str,
    pub(crate) vis: Shown<Visibility>,
    pub(crate) r#try: Commitment,
}

/// The second half of a leaf that hides everything but its type and time.
#[derive(Debug, Serialize)]
pub(crate) struct SealedTail {
    pub(crate) all: Commitment,
}

/// What happened: the second half of an `ACCESS`, `BATCH`, `DENIED`, `DISCLOSURE` or `ADMIN` leaf.
#[derive(Debug, Serialize)]
pub(crate) struct Tail<S: Serialize> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) who: Option<Commitment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ver: Option<Commitment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) src: Option<S>,
    /// What was done with the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<&'static str>,
    /// With how many records it was done; of a batch, how many subjects it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) n: Option<u64>,
    /// The root over the entries of a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subs_root: Option<Root>,
    pub(crate) dec: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<&'static str>,
    #[serde(skip_serializing_if = "Flags::is_none")]
    pub(crate) flag: Flags,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opened: Option<u64>,
}

impl<S: Serialize> Tail<S> {
    /// A tail that says nothing but the decision.
    pub(crate) const fn of(dec: &'static str) -> Self {
        Self {
            who: None,
            ver: None,
            src: None,
            act: None,
            n: None,
            subs_root: None,
            dec,
            why: None,
            flag: Flags::NONE,
            opened: None,
        }
    }
}

/// One source in a leaf, or in an entry of a batch.
#[derive(Debug, Serialize)]
pub(crate) struct SourceEntry {
    pub(crate) s: SourceName,
    pub(crate) st: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) f: Option<Paths>,
    /// The fields that claims were compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) c: Option<Paths>,
    /// Of those, the masked ones, each with what is left of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) m: Option<Masks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) asof: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) r: Option<Commitment>,
}

/// A leaf about the log itself: `START`, `STOP`, `LINK`, `RECOVERY`, `CONFIG`, `CLOCK`, `INDEX_ROOT`.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Event<'a> {
    pub(crate) v: u8,
    pub(crate) t: &'static str,
    pub(crate) ts: u64,
    pub(crate) node: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ver: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pol: Option<Digest<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_seq: Option<u64>,
    /// By how many milliseconds the clock was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<i64>,
    /// The day of the root of an index, how many records come before its end, and the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) day: Option<Shown<Date>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upto: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root: Option<Root>,
    /// What was done with a log, and its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) act: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<&'a str>,
    /// How many records it was; of a root, how many tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) n: Option<u64>,
    /// The log of the half-year before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prev: Option<&'a Before>,
    /// The log of the half-year that follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<&'a Follower>,
}

impl Event<'_> {
    /// The whole leaf.
    pub(crate) fn to_leaf(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        write(&mut out, self);
        out
    }
}

/// What any reader of a leaf needs.
#[derive(Debug, Deserialize)]
pub(crate) struct Gist<'a> {
    pub(crate) v: u64,
    #[serde(borrow)]
    pub(crate) t: std::borrow::Cow<'a, str>,
    pub(crate) ts: u64,
}

/// Writes the head, open at its end.
pub(crate) fn write_head(out: &mut Vec<u8>, head: &impl Serialize) {
    write(out, head);
    out.pop();
}

/// The head of a leaf that hides the rest, open at its end.
pub(crate) fn sealed_head(t: &'static str, node: &str, ts: u64, tried: Commitment) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    let vis = Shown(Visibility::Sealed);
    let head = SealedHead {
        v: 1,
        t,
        ts,
        node,
        vis,
        r#try: tried,
    };
    write_head(&mut out, &head);
    out
}

/// Writes the tail behind an open head.
pub(crate) fn write_tail(out: &mut Vec<u8>, tail: &impl Serialize) {
    let at = out.len();
    write(out, tail);
    if let Some(brace) = out.get_mut(at) {
        *brace = b',';
    }
}

/// Sets the time of a leaf.
pub(crate) fn stamp(leaf: &mut [u8], ts: u64) {
    let Some(place) = ts_place(leaf).and_then(|at| leaf.get_mut(at)) else {
        return;
    };
    let mut rest = ts;
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
}

/// The time of a leaf or of an open head.
pub(crate) fn ts(leaf: &[u8]) -> Option<u64> {
    let digits = leaf.get(ts_place(leaf)?)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// True if a leaf or an open head is of a later version than this program writes.
pub(crate) fn is_newer(leaf: &[u8]) -> bool {
    let rest = leaf.strip_prefix(b"{\"v\":").unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let version = rest.get(..digits).and_then(|it| str::from_utf8(it).ok());
    version.is_some_and(|version| version.parse().map_or(digits > 0, |it: u64| it > VERSION))
}

/// The digest of the policy that a leaf names; none if it names none, or not in the open.
pub(crate) fn policy(leaf: &[u8]) -> Option<[u8; 32]> {
    // No text of JSON holds this: its quotes would be escaped.
    const MARK: &[u8] = b"\"pol\":\"sha256:";
    let at = memmem::find(leaf, MARK)? + MARK.len();
    let mut digest = [0; 32];
    hex::decode_to_slice(leaf.get(at..at + 64)?, &mut digest).ok()?;
    Some(digest)
}

/// Where the time stands: behind `{"v":1,"t":"TYPE","ts":`.
fn ts_place(leaf: &[u8]) -> Option<std::ops::Range<usize>> {
    const MARK: &[u8] = b"\"ts\":";
    const DIGITS: usize = 13;
    let front = leaf.get(..64).unwrap_or(leaf);
    let at = front.windows(MARK.len()).position(|w| w == MARK)? + MARK.len();
    Some(at..at + DIGITS)
}

/// Writes a whole leaf.
pub(crate) fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    // Writing to memory cannot fail, and every map here has text keys.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "a leaf is always JSON");
}

/// Any value with a text form.
#[derive(Clone, Debug)]
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The fingerprint of a certificate, in hex already.
#[derive(Debug)]
pub(crate) struct Fingerprint<'a>(pub(crate) &'a str);

impl fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        f.write_str(self.0)
    }
}

/// A SHA-256 digest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest<'a>(pub(crate) &'a [u8; 32]);

impl Serialize for Digest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = *b"sha256:0000000000000000000000000000000000000000000000000000000000000000";
        let (_, hex) = text.split_at_mut(b"sha256:".len());
        hex::encode_to_slice(self.0, hex).map_err(S::Error::custom)?;
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// The root of a Merkle tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root(pub(crate) Hash);

impl Serialize for Root {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode_to_string(self.0))
    }
}

/// The name of a source in capitals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceName(pub(crate) Source);

impl Serialize for SourceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        let name = self.0.name().chars();
        name.map(|c| c.to_ascii_uppercase())
            .try_for_each(|c| f.write_char(c))
    }
}

/// The paths of a set of masked fields, each with its mask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Masks(pub(crate) FieldSet);

impl Serialize for Masks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.iter().map(Field::info);
        serializer.collect_map(fields.map(|info| (info.path, info.mask.map(Mask::name))))
    }
}

/// The paths of a set of fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paths(pub(crate) FieldSet);

impl Serialize for Paths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Field::path))
    }
}
