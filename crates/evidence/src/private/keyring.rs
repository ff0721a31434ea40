//! The keyring: for each person and half-year a key, under it a key for each record.
//!
//! Kept apart from the index, and of both this is the one that cannot be made again: a person's key
//! that is deleted here is gone, and what is sealed under it with it. Keys of persons stand under
//! the master key, a file.
//!
//! *Invariant:* no key stands here unsealed.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;

use super::aead::Key;
use super::epoch::Epoch;
use super::parts::Portion;
use super::sql::{Database, Value, at_once, insert};
use super::tags::Tag;
use crate::keys::secret::{self, Secret};
use crate::{Error, priority};

/// The keys to all that is sealed.
pub(super) struct Keyring {
    db: Box<dyn Database>,
    master: Key,
    random: SystemRandom,
}

/// The key of a record, to be put under that of a person.
pub(super) struct RecordKey {
    pub(super) seq: u64,
    /// Which of the record's sealed openings it opens.
    pub(super) part: usize,
    /// The person.
    pub(super) subject: Tag,
    /// In which half-year.
    pub(super) epoch: Epoch,
    pub(super) secret: Secret,
}

impl Keyring {
    /// Opens the keyring; its tables are made if there are none.
    pub(super) fn open(mut db: Box<dyn Database>, master: &Secret) -> Result<Self, Error> {
        let by_key = db.by_key();
        for table in [
            "subject_key (tag BYTEA PRIMARY KEY, epoch TEXT NOT NULL, wrapped BYTEA NOT NULL)",
            "record_key (log BIGINT, seq BIGINT, part BIGINT, subject BYTEA NOT NULL, \
             wrapped BYTEA NOT NULL, PRIMARY KEY (log, seq, part))",
            "filed_keys (log BIGINT PRIMARY KEY, next BIGINT NOT NULL)",
        ] {
            db.run(&format!("CREATE TABLE IF NOT EXISTS {table} {by_key}"), &[])?;
        }
        Ok(Self {
            db,
            master: Key::new(master).map_err(|_| Error::Crypto("use the master key"))?,
            random: SystemRandom::new(),
        })
    }

    /// The number of the first record of a log whose keys are not here yet.
    pub(super) fn next(&mut self, log: i64) -> Result<u64, Error> {
        let sql = "SELECT next FROM filed_keys WHERE log = $1";
        let rows = self.db.rows(sql, &[Value::Int(log)])?;
        let next = rows.first().and_then(|row| row.first());
        Ok(next.map_or(0, Value::number))
    }

    /// True if there are keys of persons of a half-year.
    pub(super) fn has(&mut self, epoch: Epoch) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM subject_key WHERE epoch = $1 LIMIT 1";
        let rows = self.db.rows(sql, &[Value::Text(epoch.to_string())])?;
        Ok(!rows.is_empty())
    }

    /// Adds the keys of records, each under that of its person, which is made if there is none; what
    /// lies before `next` is filed then.
    pub(super) fn file(
        &mut self,
        log: i64,
        mut keys: Vec<RecordKey>,
        next: u64,
    ) -> Result<(), Error> {
        // So each person's key is looked up once, and neighbours in the table are.
        keys.sort_unstable_by_key(|key| (key.subject, key.seq, key.part));
        let Self { db, master, random } = self;
        at_once(&mut **db, |db| {
            let mut rows = Vec::with_capacity(keys.len());
            for of_one in keys.chunk_by(|a, b| a.subject == b.subject) {
                priority::give_way();
                rows.extend(under_person(db, (master, random), log, of_one)?);
            }
            // In the order of the table.
            rows.sort_unstable_by_key(|(place, _)| *place);
            let rows = rows.into_iter().map(|(_, row)| row).collect();
            insert(db, "record_key (log, seq, part, subject, wrapped)", rows)?;
            db.run(
                "INSERT INTO filed_keys (log, next) VALUES ($1, $2) \
                 ON CONFLICT (log) DO UPDATE SET next = excluded.next",
                &[Value::Int(log), Value::of(next)],
            )
            .map(drop)
        })
    }

    /// The keys of a record by part; those of persons who were erased are not among them.
    pub(super) fn record(&mut self, portion: &Portion) -> Result<Vec<(usize, Secret)>, Error> {
        let (condition, values) = portion.condition();
        let sql = format!(
            "SELECT part, subject, wrapped FROM record_key WHERE {condition} ORDER BY part"
        );
        let mut keys = Vec::new();
        for row in self.db.rows(&sql, &values)? {
            let [part, subject, wrapped] = row.as_slice() else {
                continue;
            };
            let Ok(tag) = Tag::try_from(subject.bytes()) else {
                continue;
            };
            let key = known(&mut *self.db, &self.master, &tag)?;
            let secret = key.and_then(|key| key.unwrap(RECORD_LABEL, wrapped.bytes()));
            let part = usize::try_from(part.number()).unwrap_or(usize::MAX);
            keys.extend(secret.map(|secret| (part, secret)));
        }
        Ok(keys)
    }

    /// Destroys the keys of persons and of records; how many of records there were.
    pub(super) fn erase(&mut self, tags: &[Tag], records: &[Portion]) -> Result<u64, Error> {
        let erased = at_once(&mut *self.db, |db| {
            for tag in tags {
                let tag = [Value::Bytes(tag.to_vec())];
                db.run("DELETE FROM subject_key WHERE tag = $1", &tag)?;
            }
            let mut erased = 0;
            for portion in records {
                let (condition, values) = portion.condition();
                let sql = format!("DELETE FROM record_key WHERE {condition}");
                erased += db.run(&sql, &values)?;
            }
            Ok(erased)
        })?;
        self.db.scrub()?;
        Ok(erased)
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordKey({}, {})", self.seq, self.part)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({:?})", self.db)
    }
}

/// Rows with the keys of records that are about one person, each with its place.
fn under_person(
    db: &mut dyn Database,
    (master, random): (&Key, &SystemRandom),
    log: i64,
    keys: &[RecordKey],
) -> Result<Vec<((u64, usize), [Value; 5])>, Error> {
    let Some(first) = keys.first() else {
        return Ok(Vec::new());
    };
    let person = match known(db, master, &first.subject)? {
        Some(key) => key,
        None => make(db, master, random, first)?,
    };
    let rows = keys.iter().map(|key| {
        let wrapped = person.wrap(RECORD_LABEL, &key.secret).map_err(refused)?;
        let row = [
            Value::Int(log),
            Value::of(key.seq),
            Value::of(key.part as u64),
            Value::Bytes(key.subject.to_vec()),
            Value::Bytes(wrapped),
        ];
        Ok(((key.seq, key.part), row))
    });
    rows.collect()
}

/// The key of a person; none if it was erased, or there never was one.
fn known(db: &mut dyn Database, master: &Key, tag: &Tag) -> Result<Option<Key>, Error> {
    let sql = "SELECT wrapped FROM subject_key WHERE tag = $1";
    let rows = db.rows(sql, &[Value::Bytes(tag.to_vec())])?;
    let Some(wrapped) = rows.first().and_then(|row| row.first()) else {
        return Ok(None);
    };
    let secret = master.unwrap(SUBJECT_LABEL, wrapped.bytes());
    let secret = secret.ok_or(Error::Crypto("open a person's key with the master key"))?;
    Key::new(&secret).map(Some).map_err(refused)
}

/// Makes the key of a person of whom there is none.
fn make(
    db: &mut dyn Database,
    master: &Key,
    random: &SystemRandom,
    of: &RecordKey,
) -> Result<Key, Error> {
    let fresh = secret::fresh(random)?;
    let wrapped = master.wrap(SUBJECT_LABEL, &fresh).map_err(refused)?;
    let added = db.run(
        "INSERT INTO subject_key (tag, epoch, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[
            Value::Bytes(of.subject.to_vec()),
            Value::Text(of.epoch.to_string()),
            Value::Bytes(wrapped),
        ],
    )?;
    if added == 1 {
        return Key::new(&fresh).map_err(refused);
    }
    // Another node was faster.
    let key = known(db, master, &of.subject)?;
    key.ok_or(Error::Crypto("keep a person's key"))
}

fn refused(_: aws_lc_rs::error::Unspecified) -> Error {
    Error::Crypto("seal a person's key")
}

const SUBJECT_LABEL: &[u8] = b"lienthong.subject/v1";
/// What a record key under a person's key is labelled with.
pub(super) const RECORD_LABEL: &[u8] = b"lienthong.record/v1";
