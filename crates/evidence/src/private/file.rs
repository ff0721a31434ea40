//! Filing: from the frames of the write-ahead log to keyring and index, in their order.
//!
//! *Invariant:* the keys of a record are in the keyring before the record is in the index.

use std::collections::HashMap;
use std::sync::Arc;

use super::entry::{Gist, Part, entry, marks, open};
use super::epoch::Epoch;
use super::index::{Entry, Index};
use super::intake::Intake;
use super::keyring::{Keyring, RecordKey};
use super::parts::{Parts, Portion};
use super::sealed::Sealed;
use super::tags::TagKeys;
use super::thread::Erasure;
use crate::frame::{Frame, Kind};
use crate::publish::Written;
use crate::{Error, batch, priority};

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
    /// How many sealed openings could not be opened and were not erased either.
    lost: u64,
}

/// How far the databases are.
#[derive(Clone, Copy, Debug)]
struct Filed {
    keys: u64,
    index: u64,
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
            lost: 0,
        })
    }

    /// The number of the next record.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// The number of the first record that is not in both databases.
    pub(super) fn filed(&self) -> u64 {
        self.filed.keys.min(self.filed.index)
    }

    /// True if nothing is missing between what was taken last and these batches.
    pub(super) fn continues(&self, batches: &[Arc<Written>]) -> bool {
        let numbers = || batches.iter().map(|batch| batch.batch);
        let begins = |next: u64| numbers().next().is_some_and(|first| first <= next);
        self.next_batch.is_some_and(begins)
            && numbers().zip(numbers().skip(1)).all(|(a, b)| a + 1 == b)
    }

    /// True before anything was read.
    pub(super) const fn is_new(&self) -> bool {
        self.next_batch.is_none()
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
            Kind::Open | Kind::Segment | Kind::Batch | Kind::Newer => {}
        }
        Ok(())
    }

    /// Makes what was taken durable in both databases.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        if self.next > self.filed.keys {
            self.keyring.file(self.log, &mut self.keys, self.next)?;
            self.filed.keys = self.next;
        }
        if self.next > self.filed.index {
            self.index.file(self.log, &mut self.entries, self.next)?;
            self.filed.index = self.next;
        }
        self.keys.clear();
        self.entries.clear();
        self.held = 0;
        Ok(())
    }

    /// How many sealed openings could not be opened since this was asked last, and were not erased
    /// either: their keys are lost.
    pub(super) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Destroys the keys to everything that is filed of a person, and forgets where it is; how many
    /// records it was. Tried again after a failure, it counts what was found before as well.
    pub(super) fn erase(&mut self, erasure: &mut Erasure) -> Result<u64, Error> {
        let promise = &erasure.promise;
        self.tags.refresh(&mut self.keyring)?;
        let tags = self.tags.tags(&promise.kind, &promise.id);
        // From here on no node files what was recorded before: what is found now is all there will be.
        self.keyring.erase_persons(&tags, promise.until_ms)?;
        let mut records = Vec::new();
        for (log, seq) in self.index.marked(&tags)? {
            records.push(self.index.portion(log, seq, &tags)?);
        }
        erasure.found = erasure.found.max(records.len() as u64);
        self.keyring.erase_records(&records)?;
        self.index.forget(&tags, &records)?;
        self.keyring.keep(promise)?;
        Ok(erasure.found)
    }

    /// True if something that waits for its leaf is sealed under an older intake key.
    pub(super) fn waits_for_intake_before(&self, number: u64) -> bool {
        let waiting = self.open.values().flatten().chain(&self.loose);
        waiting
            .filter_map(|bytes| Sealed::read(bytes))
            .any(|sealed| sealed.intake < number)
    }

    fn leaf(&mut self, seq: u64, json: &[u8], sealed: &[Vec<u8>]) -> Result<(), Error> {
        priority::give_way();
        let Ok(gist) = serde_json::from_slice::<Gist<'_>>(json) else {
            return Ok(()); // of a version to come: its place is counted, its meaning is not known
        };
        let epoch = Epoch::of(gist.ts);
        self.tags.make(epoch, &mut self.keyring)?;
        let parts = self.unseal(seq, epoch, sealed)?;
        self.held += parts.len().max(1);
        if seq >= self.filed.index {
            let leaf = self.index.keeps_leaves().then(|| json.to_vec());
            self.entries.push(entry(seq, &gist, &parts, leaf));
        }
        if seq >= self.filed.keys {
            let is_about_many = gist.t == batch::KIND;
            self.keys.extend(parts.into_iter().map(|part| RecordKey {
                seq,
                part: part.number,
                ts: gist.ts,
                is_about_many,
                persons: part.persons().collect(),
                epoch,
                secret: part.secret,
            }));
        }
        Ok(())
    }

    /// Opens what a leaf hides; what was erased is left out.
    fn unseal<'a>(
        &mut self,
        seq: u64,
        epoch: Epoch,
        sealed: &'a [Vec<u8>],
    ) -> Result<Vec<Part<'a>>, Error> {
        let is_kept = seq < self.filed.keys;
        let known = match is_kept {
            true => self.keyring.record(&Portion {
                log: self.log,
                seq,
                parts: Parts::All,
            })?,
            false => Vec::new(),
        };
        let mut parts = Vec::with_capacity(sealed.len());
        for (number, bytes) in sealed.iter().enumerate() {
            let Some(sealed) = Sealed::read(bytes) else {
                continue;
            };
            let own = known.iter().find(|(of, _)| *of == number);
            let secret = match own {
                Some((_, secret)) => Some(secret.clone()),
                None if is_kept => None,
                None => self.intake.record_key(&sealed),
            };
            match secret.and_then(|secret| Some((open(&secret, sealed.text)?, secret))) {
                Some((openings, secret)) => parts.push(Part {
                    number,
                    text: sealed.text,
                    marks: marks(&self.tags, epoch, &openings),
                    openings,
                    secret,
                }),
                None if is_kept => {}
                None => self.lost += 1,
            }
        }
        Ok(parts)
    }
}

/// So many sealed openings are filed with one commit, and those of the record they end in: some ten
/// megabytes.
const AT_ONCE: usize = if cfg!(test) { 64 } else { 16_384 };
