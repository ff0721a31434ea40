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
use crate::Error;
use crate::keys::secret::{self, Secret};

/// The keys to all that is sealed.
pub(super) struct Keyring {
    db: Box<dyn Database>,
    master: Key,
    random: SystemRandom,
    is_changing: bool,
}

/// The key of a record under that of a person.
#[derive(Debug)]
pub(super) struct RecordKey {
    pub(super) seq: u64,
    /// Which of the record's sealed openings it opens.
    pub(super) part: usize,
    /// The person.
    pub(super) subject: Tag,
    pub(super) wrapped: Vec<u8>,
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
            is_changing: false,
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

    /// The key of a person; made if there is none.
    pub(super) fn subject(&mut self, epoch: Epoch, tag: &Tag) -> Result<Key, Error> {
        if let Some(key) = self.known(tag)? {
            return Ok(key);
        }
        let fresh = secret::fresh(&self.random)?;
        let wrapped = self.master.wrap(SUBJECT_LABEL, &fresh).map_err(refused)?;
        let row = [
            Value::Bytes(tag.to_vec()),
            Value::Text(epoch.to_string()),
            Value::Bytes(wrapped),
        ];
        insert(
            &mut *self.db,
            "subject_key (tag, epoch, wrapped)",
            vec![row],
        )?;
        // Another node may have been faster.
        self.known(tag)?.ok_or(Error::Crypto("keep a person's key"))
    }

    /// The key of a person; none if it was erased, or there never was one.
    fn known(&mut self, tag: &Tag) -> Result<Option<Key>, Error> {
        let sql = "SELECT wrapped FROM subject_key WHERE tag = $1";
        let rows = self.db.rows(sql, &[Value::Bytes(tag.to_vec())])?;
        let Some(wrapped) = rows.first().and_then(|row| row.first()) else {
            return Ok(None);
        };
        let secret = self.master.unwrap(SUBJECT_LABEL, wrapped.bytes());
        let secret = secret.ok_or(Error::Crypto("open a person's key with the master key"))?;
        Key::new(&secret).map(Some).map_err(refused)
    }

    /// Adds the keys of records; what lies before `next` is filed then.
    pub(super) fn file(&mut self, log: i64, keys: Vec<RecordKey>, next: u64) -> Result<(), Error> {
        let rows = keys.into_iter().map(|key| {
            [
                Value::Int(log),
                Value::of(key.seq),
                Value::of(key.part as u64),
                Value::Bytes(key.subject.to_vec()),
                Value::Bytes(key.wrapped),
            ]
        });
        let into = "record_key (log, seq, part, subject, wrapped)";
        insert(&mut *self.db, into, rows.collect())?;
        self.db.run(
            "INSERT INTO filed_keys (log, next) VALUES ($1, $2) \
             ON CONFLICT (log) DO UPDATE SET next = excluded.next",
            &[Value::Int(log), Value::of(next)],
        )?;
        Ok(())
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
            let key = self.known(&tag)?;
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

    /// Destroys the keys of all persons of a half-year, and those of all records of a log.
    pub(super) fn retire(&mut self, epoch: Epoch, log: i64) -> Result<(), Error> {
        at_once(&mut *self.db, |db| {
            let epoch = [Value::Text(epoch.to_string())];
            db.run("DELETE FROM subject_key WHERE epoch = $1", &epoch)?;
            db.run("DELETE FROM record_key WHERE log = $1", &[Value::Int(log)])
        })?;
        self.db.scrub()
    }

    /// Begins to change several things at once, unless that has begun.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        if !self.is_changing {
            self.db.run("BEGIN", &[])?;
            self.is_changing = true;
        }
        Ok(())
    }

    /// Makes what has changed since [`Keyring::begin`] durable. What is dropped before is undone.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.is_changing = false;
        self.db.run("COMMIT", &[]).map(drop)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({:?})", self.db)
    }
}

fn refused(_: aws_lc_rs::error::Unspecified) -> Error {
    Error::Crypto("seal a person's key")
}

const SUBJECT_LABEL: &[u8] = b"lienthong.subject/v1";
/// What a record key under a person's key is labelled with.
pub(super) const RECORD_LABEL: &[u8] = b"lienthong.record/v1";
