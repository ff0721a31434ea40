//! What is still to be done of erasures, kept in the keyring so that no end of the process forgets it:
//! whom to erase, and that the files of the databases are to be cleaned.
//!
//! Not here: when it is done (`thread.rs`).
//!
//! *Invariant:* a promise is durable before anybody is told of it, names nobody but under the master
//! key, and goes in the change that says what is left to be cleaned.

use std::fmt;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use super::aead::Key;
use super::keyring::Keyring;
use super::sql::{Database, Row, Value, at_once, insert};
use crate::Error;

/// The tables: promises, and marks that files are to be cleaned, each by a number of its own.
pub(super) const TABLES: [&str; 2] = [
    "to_erase (number BIGINT PRIMARY KEY, whom BYTEA NOT NULL, until_ms BIGINT NOT NULL, \
     node TEXT NOT NULL)",
    "to_clean (number BIGINT PRIMARY KEY)",
];

/// A person who is to be erased.
pub(crate) struct Promise {
    /// Its own number, drawn by lot.
    pub(super) number: i64,
    /// The kind of the person's number.
    pub(super) kind: String,
    /// The person's number.
    pub(super) id: Zeroizing<Vec<u8>>,
    /// When it was asked for, in milliseconds since 1970.
    pub(super) until_ms: u64,
}

impl fmt::Debug for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Promise({})", self.number)
    }
}

impl Promise {
    /// Somebody is to be erased.
    pub(super) fn new(kind: &str, id: &[u8], until_ms: u64) -> Result<Self, Error> {
        let mut number = [0; 8];
        let drawn = SystemRandom::new().fill(&mut number);
        drawn.map_err(|_| Error::Crypto("draw a number"))?;
        Ok(Self {
            number: i64::from_le_bytes(number),
            kind: kind.to_owned(),
            id: Zeroizing::new(id.to_vec()),
            until_ms,
        })
    }

    /// Whom it names: kind ‖ 0x00 ‖ number, under the master key.
    fn seal(&self, master: &Key) -> Result<Vec<u8>, Error> {
        let mut plain = Zeroizing::new(Vec::with_capacity(self.kind.len() + 1 + self.id.len()));
        plain.extend_from_slice(self.kind.as_bytes());
        plain.push(0);
        plain.extend_from_slice(&self.id);
        let mut sealed = Vec::new();
        let done = master.seal(LABEL, &plain, &mut sealed);
        done.map_err(|_| Error::Crypto("seal a promise"))?;
        Ok(sealed)
    }

    fn open(row: &[Value], master: &Key) -> Option<Self> {
        let [number, whom, until_ms] = row else {
            return None;
        };
        let plain = master.open(LABEL, whom.bytes())?;
        let place = plain.iter().position(|byte| *byte == 0)?;
        let (kind, id) = plain.split_at_checked(place)?;
        Some(Self {
            number: number.int(),
            kind: String::from_utf8_lossy(kind).into_owned(),
            id: Zeroizing::new(id.get(1..)?.to_vec()),
            until_ms: until_ms.number(),
        })
    }
}

impl Keyring {
    /// Promises that somebody will be erased; `node` is to do it.
    pub(super) fn promise(&mut self, promise: &Promise, node: &str) -> Result<(), Error> {
        let row = [
            Value::Int(promise.number),
            Value::Bytes(promise.seal(&self.master)?),
            Value::of(promise.until_ms),
            Value::Text(node.to_owned()),
        ];
        let into = "to_erase (number, whom, until_ms, node)";
        insert(&mut *self.db, into, vec![row])
    }

    /// What was promised before that time and not done: by this node, and by any other that has had
    /// an hour for it. One that the master key does not open is an error of its own.
    pub(super) fn promised(
        &mut self,
        node: &str,
        before_ms: u64,
    ) -> Result<Vec<Result<Promise, Error>>, Error> {
        let sql = "SELECT number, whom, until_ms FROM to_erase \
                   WHERE until_ms < $1 AND (until_ms < $2 OR node = $3) ORDER BY until_ms";
        let values = [
            Value::of(before_ms),
            Value::of(before_ms.saturating_sub(LEFT_MS)),
            Value::Text(node.to_owned()),
        ];
        let rows = self.db.rows(sql, &values)?;
        let lost = || Error::Crypto("open a promise with the master key");
        let open = |row: &Row| Promise::open(row, &self.master).ok_or_else(lost);
        Ok(rows.iter().map(open).collect())
    }

    /// Says that a promise is kept, and that the files of the databases are to be cleaned.
    pub(super) fn keep(&mut self, promise: &Promise) -> Result<(), Error> {
        let number = [Value::Int(promise.number)];
        at_once(&mut *self.db, |db| {
            db.run("DELETE FROM to_erase WHERE number = $1", &number)?;
            insert(db, "to_clean (number)", vec![number])
        })
    }

    /// The marks that files are to be cleaned.
    pub(super) fn marks(&mut self) -> Result<Vec<i64>, Error> {
        let rows = self.db.rows("SELECT number FROM to_clean", &[])?;
        let numbers = rows.iter().filter_map(|row| row.first());
        Ok(numbers.map(Value::int).collect())
    }

    /// Makes what was erased unreadable in the files of the database, as far as it can.
    pub(super) fn clean(&mut self) -> Result<(), Error> {
        self.db.scrub(&["subject_key", "record_key", "to_erase"])
    }

    /// Says that the files are cleaned of what these marks stand for.
    pub(super) fn cleaned(&mut self, marks: &[i64]) -> Result<(), Error> {
        at_once(&mut *self.db, |db| remove(db, marks))
    }
}

fn remove(db: &mut dyn Database, marks: &[i64]) -> Result<(), Error> {
    for mark in marks {
        db.run(
            "DELETE FROM to_clean WHERE number = $1",
            &[Value::Int(*mark)],
        )?;
    }
    Ok(())
}

const LABEL: &[u8] = b"lienthong.promise/v1";
/// An hour: a node that has not done by then what it has promised is down, or has no database.
const LEFT_MS: u64 = 3_600 * 1_000;
