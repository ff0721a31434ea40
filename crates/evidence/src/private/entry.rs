//! What is filed of a record: from its leaf and what it hides to an entry of the index.
//!
//! Not here: how that was opened, and where the entry goes (`file.rs`).

use std::borrow::Cow;

use exchange::Opening;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};
use serde::Deserialize;

use super::aead::Key;
use super::epoch::Epoch;
use super::index::Entry;
use super::opening::Openings;
use super::reviews::Reviewing;
use super::sealed::OPENINGS_LABEL;
use super::tags::{NOBODY, OFFICER, PERSON, Tag, TagKeys};
use crate::batch;
use crate::keys::secret::Secret;

/// What of a leaf is filed.
#[derive(Debug, Deserialize)]
pub(super) struct Gist<'a> {
    #[serde(borrow)]
    pub(super) t: Cow<'a, str>,
    pub(super) ts: u64,
    #[serde(borrow)]
    pub(super) rid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) caller: Option<Caller<'a>>,
    #[serde(borrow)]
    pub(super) vis: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) crit: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) flag: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) act: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) on: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) dec: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Caller<'a> {
    #[serde(borrow)]
    pub(super) ag: Cow<'a, str>,
}

/// What is filed of a record in the index.
pub(super) fn entry(seq: u64, gist: &Gist<'_>, parts: &[Part<'_>], leaf: Option<Vec<u8>>) -> Entry {
    let hidden = parts.iter().find_map(|part| hidden(&part.openings));
    let (caller, rid) = match &hidden {
        Some(hidden) => (hidden.caller.as_ref(), hidden.rid.as_ref()),
        None => (gist.caller.as_ref(), gist.rid.as_ref()),
    };
    let is_about_many = gist.t == batch::KIND;
    let of_persons = |part: &Part<'_>| {
        let number = part.number;
        let each = part.persons().map(|tag| (tag, number));
        each.collect::<Vec<_>>()
    };
    let marks = parts.iter().flat_map(|part| &part.marks);
    let sealed = parts.iter().map(|part| (part.number, part.text.to_vec()));
    Entry {
        seq,
        ts: gist.ts,
        kind: gist.t.to_string(),
        agency: caller.map(|caller| caller.ag.to_string()),
        request: rid.map(|rid| rid.to_string()),
        shown_from: shown_from(gist.vis.as_deref().unwrap_or_default()),
        tags: marks.filter_map(Mark::named).collect(),
        parts: if is_about_many {
            parts.iter().flat_map(of_persons).collect()
        } else {
            Vec::new()
        },
        sealed: sealed.collect(),
        leaf,
        reviewing: Reviewing::of(hidden.as_ref().unwrap_or(gist)),
    }
}

/// Sealed openings of a leaf, opened.
pub(super) struct Part<'a> {
    pub(super) number: usize,
    pub(super) text: &'a [u8],
    pub(super) openings: Vec<Opening>,
    pub(super) marks: Vec<Mark>,
    pub(super) secret: Secret,
}

/// Whom sealed openings name.
pub(super) struct Mark {
    tag: Tag,
    bearer: Bearer,
}

/// Who bears a tag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bearer {
    Person,
    Officer,
    /// Stands for the person where none is named.
    Nobody,
}

impl Mark {
    /// The tag of somebody.
    fn named(&self) -> Option<Tag> {
        (self.bearer != Bearer::Nobody).then_some(self.tag)
    }
}

impl Part<'_> {
    /// Whose it is: those persons', or nobody's.
    pub(super) fn persons(&self) -> impl Iterator<Item = Tag> {
        let marks = self.marks.iter();
        marks
            .filter(|mark| mark.bearer != Bearer::Officer)
            .map(|mark| mark.tag)
    }
}

/// What a sealed record says of its caller, or what is known of that after a crash.
pub(super) fn hidden(openings: &[Opening]) -> Option<Gist<'_>> {
    let of = |field: &str| openings.iter().find(|opening| opening.field == field);
    let opening = of(ALL).or_else(|| of(TRIED))?;
    serde_json::from_slice(&opening.value).ok()
}

/// Whom openings name; nobody if they name no person.
pub(super) fn marks(tags: &TagKeys, epoch: Epoch, openings: &[Opening]) -> Vec<Mark> {
    let mark = |opening: &Opening| {
        // A verification that has found nobody names "".
        let kind = kind(&opening.field).filter(|_| !opening.value.is_empty())?;
        let tag = tags.tag(epoch, kind, &opening.value)?;
        let bearer = if kind == OFFICER {
            Bearer::Officer
        } else {
            Bearer::Person
        };
        Some(Mark { tag, bearer })
    };
    let mut marks: Vec<Mark> = openings.iter().filter_map(mark).collect();
    if marks.iter().all(|mark| mark.bearer == Bearer::Officer) {
        let tag = tags.tag(epoch, NOBODY, &[]);
        marks.extend(tag.map(|tag| Mark {
            tag,
            bearer: Bearer::Nobody,
        }));
    }
    marks
}

/// Opens sealed openings with their record key.
pub(super) fn open(secret: &Secret, text: &[u8]) -> Option<Vec<Opening>> {
    let plain = Key::new(secret).ok()?.open(OPENINGS_LABEL, text)?;
    Openings::parse(&plain)
}

/// Of what kind the tag of an opening is; none if it has none.
pub(super) fn kind(field: &str) -> Option<&str> {
    match field {
        WHO => Some(PERSON),
        OFFICER | PERSON => Some(field),
        other => other.starts_with("sub.").then_some(other),
    }
}

/// From when the person may see a record, in milliseconds since 1970: at once, from a day on, or
/// never.
pub(super) fn shown_from(visibility: &str) -> u64 {
    match visibility.split_once(':') {
        None if visibility == "CITIZEN" => 0,
        Some(("DELAYED", day)) => {
            let day = day.parse::<Date>().ok();
            let midnight = day.and_then(|day| day.to_zoned(TimeZone::fixed(offset(7))).ok());
            midnight.map_or(NEVER, |midnight| {
                u64::try_from(midnight.timestamp().as_millisecond()).unwrap_or(0)
            })
        }
        _ => NEVER,
    }
}

const NEVER: u64 = i64::MAX as u64;
/// The opening that names the person whom the number in the question turned out to be of.
const WHO: &str = "who";
/// The openings that hold a sealed record: whole, and as far as it went before a crash.
const ALL: &str = "all";
const TRIED: &str = "try";
