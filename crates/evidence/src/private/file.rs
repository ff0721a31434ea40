//! Filing: from the frames of the write-ahead log to keyring and index, in their order.
//!
//! *Invariant:* the keys of a record are in the keyring before the record is in the index.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use exchange::Opening;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};
use serde::Deserialize;

use super::aead::Key;
use super::epoch::Epoch;
use super::index::{Entry, Index};
use super::intake::Intake;
use super::keyring::{Keyring, RECORD_LABEL, RecordKey};
use super::opening::Openings;
use super::parts::{Parts, Portion};
use super::sealed::{OPENINGS_LABEL, Sealed};
use super::tags::{NOBODY, OFFICER, PERSON, Tag, TagKeys};
use crate::frame::{Frame, Kind};
use crate::keys::secret::Secret;
use crate::publish::Written;
use crate::{Error, batch};

/// Where records are filed, and those that wait to be.
#[derive(Debug)]
pub(super) struct Desk {
    log: i64,
    intake: Arc<Intake>,
    pub(super) keyring: Keyring,
    pub(super) index: Index,
    tags: TagKeys,
    /// The first record that the keyring, and the first that the index does not have.
    filed: Filed,
    /// The number of the next record.
    next: u64,
    /// Sealed openings of exchanges whose leaf has not come yet, by their key.
    open: HashMap<u64, Vec<Vec<u8>>>,
    /// Those of the next leaf without a key.
    loose: Vec<Vec<u8>>,
    keys: Vec<RecordKey>,
    entries: Vec<Entry>,
    /// How many sealed openings they have; one of those that have none.
    held: usize,
    /// The number of the next batch; none before the first was read.
    next_batch: Option<u64>,
}

/// How far the databases are.
#[derive(Clone, Copy, Debug)]
struct Filed {
    keys: u64,
    index: u64,
}

/// What of a leaf is filed.
#[derive(Debug, Deserialize)]
struct Gist<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
    ts: u64,
    #[serde(borrow)]
    rid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    caller: Option<Caller<'a>>,
    #[serde(borrow)]
    vis: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct Caller<'a> {
    #[serde(borrow)]
    ag: Cow<'a, str>,
}

impl Desk {
    /// A desk at the place that both databases have reached.
    pub(super) fn new(
        log: i64,
        intake: Arc<Intake>,
        mut keyring: Keyring,
        mut index: Index,
        tags: TagKeys,
    ) -> Result<Self, Error> {
        let filed = Filed {
            keys: keyring.next(log)?,
            index: index.next(log)?,
        };
        Ok(Self {
            log,
            intake,
            keyring,
            index,
            tags,
            next: filed.keys.min(filed.index),
            filed,
            open: HashMap::new(),
            loose: Vec::new(),
            keys: Vec::new(),
            entries: Vec::new(),
            held: 0,
            next_batch: None,
        })
    }

    /// The number of the next record.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// True if the batch comes right behind what was taken last.
    pub(super) fn is_next(&self, batch: &Written) -> bool {
        self.next_batch.is_some_and(|next| batch.batch <= next)
    }

    /// Takes a batch that is handed on in memory, unless it was taken before.
    pub(super) fn take(&mut self, batch: &Written) -> Result<(), Error> {
        if self.next_batch.is_some_and(|next| batch.batch < next) {
            return Ok(());
        }
        self.next_batch = Some(batch.batch + 1);
        batch.frames().try_for_each(|frame| self.frame(&frame))
    }

    /// Begins to read again from the write-ahead log.
    pub(super) fn start_over(&mut self) {
        self.open.clear();
        self.loose.clear();
        self.next_batch = None;
    }

    /// Says that everything before that batch was read.
    pub(super) fn has_read_before(&mut self, batch: u64) {
        self.next_batch = Some(batch);
    }

    /// Takes one frame.
    pub(super) fn frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let Ok((key, body)) = frame.body() else {
            return Ok(());
        };
        match frame.kind {
            Kind::Opening if key == 0 => self.loose.push(body.to_vec()),
            Kind::Opening => self.open.entry(key).or_default().push(body.to_vec()),
            Kind::Leaf => {
                let sealed = if key == 0 {
                    std::mem::take(&mut self.loose)
                } else {
                    self.open.remove(&key).unwrap_or_default()
                };
                if frame.seq >= self.next {
                    self.leaf(frame.seq, body, &sealed)?;
                    self.next = frame.seq + 1;
                }
                if self.held >= AT_ONCE {
                    self.flush()?;
                }
            }
            Kind::Open | Kind::Segment | Kind::Batch => {}
        }
        Ok(())
    }

    /// Makes what was taken durable in both databases.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        if self.next > self.filed.keys {
            let keys = std::mem::take(&mut self.keys);
            self.keyring.begin()?;
            self.keyring.file(self.log, keys, self.next)?;
            self.keyring.commit()?;
            self.filed.keys = self.next;
        }
        if self.next > self.filed.index {
            let entries = std::mem::take(&mut self.entries);
            self.index.file(self.log, entries, self.next)?;
            self.filed.index = self.next;
        }
        self.keys.clear();
        self.entries.clear();
        self.held = 0;
        Ok(())
    }

    /// True if something that waits for its leaf is sealed under an older intake key.
    pub(super) fn waits_for_intake_before(&self, number: u64) -> bool {
        let waiting = self.open.values().flatten().chain(&self.loose);
        waiting
            .filter_map(|bytes| Sealed::read(bytes))
            .any(|sealed| sealed.intake < number)
    }

    fn leaf(&mut self, seq: u64, json: &[u8], sealed: &[Vec<u8>]) -> Result<(), Error> {
        let Ok(gist) = serde_json::from_slice::<Gist<'_>>(json) else {
            return Ok(()); // of a version to come: its place is counted, its meaning is not known
        };
        let epoch = Epoch::of(gist.ts);
        let mut tags = Vec::new();
        let mut texts = Vec::with_capacity(sealed.len());
        let (log, is_about_many) = (self.log, gist.t == batch::KIND);
        let mut parts = Vec::new();
        let known = if seq < self.filed.keys {
            self.keyring.record(&Portion {
                log,
                seq,
                parts: Parts::All,
            })?
        } else {
            Vec::new()
        };
        for (part, bytes) in sealed.iter().enumerate() {
            let Some(sealed) = Sealed::read(bytes) else {
                continue;
            };
            let own = known.iter().find(|(of, _)| *of == part);
            let secret = match own {
                Some((_, secret)) => Some(secret.clone()),
                None if seq < self.filed.keys => None,
                None => self.intake.record_key(&sealed),
            };
            let opened = secret.and_then(|secret| Some((open(&secret, sealed.text)?, secret)));
            let Some((openings, secret)) = opened else {
                continue; // erased
            };
            if seq >= self.filed.keys {
                self.keep(seq, part, epoch, &openings, &secret)?;
            }
            for opening in &openings {
                tags.extend(self.tag(epoch, opening)?);
            }
            if is_about_many {
                let of = self.persons(epoch, &openings)?;
                parts.extend(of.into_iter().map(|tag| (tag, part)));
            }
            texts.push((part, sealed.text.to_vec()));
        }
        self.held += texts.len().max(1);
        if seq >= self.filed.index {
            self.entries.push(Entry {
                seq,
                ts: gist.ts,
                kind: gist.t.into_owned(),
                agency: gist.caller.map(|caller| caller.ag.into_owned()),
                request: gist.rid.map(Cow::into_owned),
                shown_from: shown_from(gist.vis.as_deref().unwrap_or_default()),
                tags,
                parts,
                sealed: texts,
            });
        }
        Ok(())
    }

    /// Puts the key of sealed openings under that of the person they are about.
    fn keep(
        &mut self,
        seq: u64,
        part: usize,
        epoch: Epoch,
        openings: &[Opening],
        secret: &Secret,
    ) -> Result<(), Error> {
        let Some(&subject) = self.persons(epoch, openings)?.first() else {
            return Ok(());
        };
        self.keyring.begin()?;
        let key = self.keyring.subject(epoch, &subject)?;
        let wrapped = key
            .wrap(RECORD_LABEL, secret)
            .map_err(|_| Error::Crypto("seal a record key"))?;
        self.keys.push(RecordKey {
            seq,
            part,
            subject,
            wrapped,
        });
        Ok(())
    }

    /// The tags of the persons that openings name; that of nobody if they name none.
    fn persons(&mut self, epoch: Epoch, openings: &[Opening]) -> Result<Vec<Tag>, Error> {
        let mut tags = Vec::new();
        for opening in openings.iter().filter(|it| is_person(&it.field)) {
            tags.extend(self.tag(epoch, opening)?);
        }
        if tags.is_empty() {
            tags.push(self.tags.tag(epoch, NOBODY, &[])?);
        }
        Ok(tags)
    }

    /// The tag of what an opening holds, if it is a person or an officer.
    fn tag(&mut self, epoch: Epoch, opening: &Opening) -> Result<Option<Tag>, Error> {
        kind(&opening.field)
            .map(|kind| self.tags.tag(epoch, kind, &opening.value))
            .transpose()
    }
}

/// Opens sealed openings with their record key.
pub(super) fn open(secret: &Secret, text: &[u8]) -> Option<Vec<Opening>> {
    let plain = Key::new(secret).ok()?.open(OPENINGS_LABEL, text)?;
    Openings::parse(&plain)
}

/// Of what kind the tag of an opening is; none if it has none.
fn kind(field: &str) -> Option<&str> {
    match field {
        WHO => Some(PERSON),
        OFFICER | PERSON => Some(field),
        other => other.starts_with("sub.").then_some(other),
    }
}

fn is_person(field: &str) -> bool {
    field != OFFICER && kind(field).is_some()
}

/// From when the person may see a record, in milliseconds since 1970: at once, from a day on, or
/// never.
fn shown_from(visibility: &str) -> u64 {
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
/// So many sealed openings are filed with one commit, and those of the record they end in.
const AT_ONCE: usize = 1_000;
