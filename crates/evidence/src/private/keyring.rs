//! The keyring: for each person and half-year a key, under it a key for each record.
//!
//! Kept apart from the index, and of both this is the one that cannot be made again: a person's key
//! that is deleted here is gone, and what is sealed under it with it. Keys of persons stand under
//! the master key, a file.
//!
//! *Invariant:* no key stands here unsealed.

use std::collections::HashSet;
use std::fmt;

use aws_lc_rs::rand::SystemRandom;

use super::aead::Key;
use super::epoch::Epoch;
use super::erased::{self, Erased};
use super::parts::Portion;
use super::promise;
use super::sql::{Database, Hold, Value, at_once, insert};
use super::tags::Tag;
use crate::keys::secret::{self, Secret};
use crate::{Error, priority};

/// The keys to all that is sealed.
pub(super) struct Keyring {
    pub(super) db: Box<dyn Database>,
    pub(super) master: Key,
    random: SystemRandom,
    erased: Erased,
}

/// The key of a record, to be put under that of a person.
pub(super) struct RecordKey {
    pub(super) seq: u64,
    /// Which of the record's sealed openings it opens.
    pub(super) part: usize,
    /// When it was recorded, in milliseconds since 1970.
    pub(super) ts: u64,
    /// Whether the record is about many, whose openings are erased each by itself.
    pub(super) is_about_many: bool,
    /// Whom they name; it is put under the key of the first.
    pub(super) persons: Vec<Tag>,
    /// The half-year.
    pub(super) epoch: Epoch,
    pub(super) secret: Secret,
}

impl Keyring {
    /// Opens the keyring; its tables are made if there are none.
    pub(super) fn open(mut db: Box<dyn Database>, master: &Secret) -> Result<Self, Error> {
        define(&mut *db)?;
        Ok(Self {
            db,
            master: Key::new(master).map_err(|_| Error::Crypto("use the master key"))?,
            random: SystemRandom::new(),
            erased: Erased::default(),
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

    /// The keys of tags that are kept here, for all nodes.
    pub(super) fn tag_keys(&mut self) -> Result<Vec<(Epoch, Secret)>, Error> {
        let rows = self.db.rows("SELECT epoch, wrapped FROM tag_key", &[])?;
        let keys = rows.iter().filter_map(|row| match row.as_slice() {
            [epoch, wrapped] => Some((epoch.text().parse().ok()?, wrapped)),
            _ => None,
        });
        keys.map(|(epoch, wrapped)| Ok((epoch, self.tag_key_in(wrapped)?)))
            .collect()
    }

    /// The key of tags of a half-year, by whichever node made it first; none if it is lost: there are
    /// persons under one.
    pub(super) fn tag_key(&mut self, epoch: Epoch) -> Result<Option<Secret>, Error> {
        let known = "SELECT wrapped FROM tag_key WHERE epoch = $1";
        let epoch_is = [Value::Text(epoch.to_string())];
        let mut rows = self.db.rows(known, &epoch_is)?;
        if rows.is_empty() && !self.has(epoch)? {
            let fresh = secret::fresh(&self.random)?;
            let wrapped = self.master.wrap(TAGS_LABEL, &fresh).map_err(refused)?;
            let [epoch] = epoch_is.clone();
            let row = [epoch, Value::Bytes(wrapped)];
            insert(&mut *self.db, "tag_key (epoch, wrapped)", [row])?;
        }
        if rows.is_empty() {
            rows = self.db.rows(known, &epoch_is)?;
        }
        let wrapped = rows.first().and_then(|row| row.first());
        wrapped.map(|wrapped| self.tag_key_in(wrapped)).transpose()
    }

    fn tag_key_in(&self, wrapped: &Value) -> Result<Secret, Error> {
        let secret = self.master.unwrap(TAGS_LABEL, wrapped.bytes());
        secret.ok_or(Error::Crypto("open a key of tags with the master key"))
    }

    /// Adds the keys of records, each under that of its person, which is made if there is none; what
    /// lies before `next` is filed then. Those of persons who were erased since, on another node, are
    /// left out.
    pub(super) fn file(
        &mut self,
        log: i64,
        keys: &mut Vec<RecordKey>,
        next: u64,
    ) -> Result<(), Error> {
        let Self {
            db,
            master,
            random,
            erased,
        } = self;
        at_once(&mut **db, |db| {
            if db.is_shared() {
                // Nobody is erased meanwhile.
                db.hold(Hold::Together)?;
                erased.learn(db)?;
            }
            let is_erased = |key: &RecordKey| {
                let mut persons = key.persons.iter();
                persons.any(|person| erased.is_erased(person, key.ts))
            };
            // Of a record about one person everything goes, as when that is erased once it is filed.
            let whole = keys.iter().filter(|key| !key.is_about_many);
            let whole = whole.filter(|key| is_erased(key)).map(|key| key.seq);
            let whole: HashSet<u64> = whole.collect();
            keys.retain(|key| !is_erased(key) && !whole.contains(&key.seq));
            // So each person's key is looked up once, and neighbours in the table are.
            keys.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
            let mut rows = Vec::with_capacity(keys.len());
            for of_one in keys.chunk_by(|a, b| a.subject() == b.subject()) {
                priority::give_way();
                rows.extend(under_person(db, (master, random), log, of_one)?);
            }
            // In the order of the table.
            rows.sort_unstable_by_key(|(place, _)| *place);
            let rows = rows.into_iter().map(|(_, row)| row);
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

    /// How many keys of a record stand here, whether they open or not.
    pub(super) fn count(&mut self, portion: &Portion) -> Result<usize, Error> {
        let (condition, values) = portion.condition();
        let sql = format!("SELECT part FROM record_key WHERE {condition}");
        Ok(self.db.rows(&sql, &values)?.len())
    }

    /// Destroys the keys of persons. What other nodes have recorded of them until that time, and not
    /// filed yet, is filed without a key, and not found.
    pub(super) fn erase_persons(&mut self, tags: &[Tag], until_ms: u64) -> Result<(), Error> {
        at_once(&mut *self.db, |db| {
            db.hold(Hold::Alone)?;
            if db.is_shared() {
                erased::note(db, tags, until_ms)?;
            }
            for tag in tags {
                let tag = [Value::Bytes(tag.to_vec())];
                db.run("DELETE FROM subject_key WHERE tag = $1", &tag)?;
            }
            Ok(())
        })
    }

    /// Destroys the keys of records.
    pub(super) fn erase_records(&mut self, records: &[Portion]) -> Result<(), Error> {
        at_once(&mut *self.db, |db| {
            for portion in records {
                let (condition, values) = portion.condition();
                let sql = format!("DELETE FROM record_key WHERE {condition}");
                db.run(&sql, &values)?;
            }
            Ok(())
        })
    }

    /// Destroys the keys of all records of a log, and those of the persons of a half-year; of persons
    /// that other nodes have records of, the last of them does. The key of tags that is kept here goes
    /// with the last person.
    pub(super) fn retire(&mut self, epoch: Epoch, log: i64) -> Result<(), Error> {
        at_once(&mut *self.db, |db| {
            db.hold(Hold::Alone)?;
            let epoch = [Value::Text(epoch.to_string())];
            db.run("DELETE FROM record_key WHERE log = $1", &[Value::Int(log)])?;
            let persons = "DELETE FROM subject_key WHERE epoch = $1";
            let unused =
                "NOT EXISTS (SELECT 1 FROM record_key r WHERE r.subject = subject_key.tag)";
            let sql = match db.is_shared() {
                true => format!("{persons} AND {unused}"),
                false => persons.to_owned(),
            };
            db.run(&sql, &epoch)?;
            let tags = "DELETE FROM tag_key WHERE epoch = $1 AND NOT EXISTS \
                        (SELECT 1 FROM subject_key s WHERE s.epoch = tag_key.epoch)";
            db.run(tags, &epoch)
        })?;
        self.db.scrub(&["subject_key", "record_key", "tag_key"])
    }
}

impl RecordKey {
    /// The person under whose key it is put.
    fn subject(&self) -> Option<&Tag> {
        self.persons.first()
    }

    fn order(&self) -> (Option<&Tag>, u64, usize) {
        (self.subject(), self.seq, self.part)
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordKey({}, {})", self.seq, self.part)
    }
}

/// True if a database holds no keyring, or one without keys.
pub(super) fn is_unused(db: &mut dyn Database) -> Result<bool, Error> {
    define(db)?;
    let rows = db.rows("SELECT epoch FROM tag_key LIMIT 1", &[])?;
    Ok(rows.is_empty())
}

fn define(db: &mut dyn Database) -> Result<(), Error> {
    let tables = [
        "subject_key (tag BYTEA PRIMARY KEY, epoch TEXT NOT NULL, wrapped BYTEA NOT NULL)",
        "record_key (log BIGINT, seq BIGINT, part BIGINT, subject BYTEA NOT NULL, \
         wrapped BYTEA NOT NULL, PRIMARY KEY (log, seq, part))",
        "filed_keys (log BIGINT PRIMARY KEY, next BIGINT NOT NULL)",
        "tag_key (epoch TEXT PRIMARY KEY, wrapped BYTEA NOT NULL)",
        erased::TABLE,
    ];
    db.define(&[&tables[..], &promise::TABLES].concat(), &[])
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
) -> Result<Vec<(Place, [Value; 5])>, Error> {
    let first = keys.first();
    let Some((subject, epoch)) = first.and_then(|key| Some((key.subject()?, key.epoch))) else {
        return Ok(Vec::new());
    };
    let person = match known(db, master, subject)? {
        Some(key) => key,
        None => make(db, (master, random), epoch, subject)?,
    };
    let rows = keys.iter().map(|key| {
        let wrapped = person.wrap(RECORD_LABEL, &key.secret).map_err(refused)?;
        let row = [
            Value::Int(log),
            Value::of(key.seq),
            Value::of(key.part as u64),
            Value::Bytes(subject.to_vec()),
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
    (master, random): (&Key, &SystemRandom),
    epoch: Epoch,
    subject: &Tag,
) -> Result<Key, Error> {
    let fresh = secret::fresh(random)?;
    let wrapped = master.wrap(SUBJECT_LABEL, &fresh).map_err(refused)?;
    let added = db.run(
        "INSERT INTO subject_key (tag, epoch, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[
            Value::Bytes(subject.to_vec()),
            Value::Text(epoch.to_string()),
            Value::Bytes(wrapped),
        ],
    )?;
    if added == 1 {
        return Key::new(&fresh).map_err(refused);
    }
    // Another node was faster.
    let key = known(db, master, subject)?;
    key.ok_or(Error::Crypto("keep a person's key"))
}

fn refused(_: aws_lc_rs::error::Unspecified) -> Error {
    Error::Crypto("seal a person's key")
}

/// A record and one of its sealed openings.
type Place = (u64, usize);

const SUBJECT_LABEL: &[u8] = b"lienthong.subject/v1";
const TAGS_LABEL: &[u8] = b"lienthong.tags/v1";
/// What a record key under a person's key is labelled with.
const RECORD_LABEL: &[u8] = b"lienthong.record/v1";
