//! The little SQL that index and keyring are written in: the same for SQLite and PostgreSQL.
//!
//! Parameters are `$1`, `$2` and so on, first used in this order; integers are 64 bits. Not here:
//! which tables there are.

use std::fmt;

use crate::{Error, priority};

/// A value in a statement or a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    Null,
}

/// A row of an answer.
pub(super) type Row = Vec<Value>;

/// A database that is open.
pub(super) trait Database: Send + fmt::Debug {
    /// Runs one statement; the number of rows that it changed.
    fn run(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error>;

    /// Asks for rows.
    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error>;

    /// Makes those tables and indexes that are missing. Each begins with its name; a table is always
    /// found by its whole key.
    fn define(&mut self, tables: &[&str], indexes: &[&str]) -> Result<(), Error>;

    /// Begins a change; of those that write at once, one waits for the other here.
    fn begin(&mut self) -> Result<(), Error>;

    /// True if other nodes write to it as well.
    fn is_shared(&self) -> bool;

    /// How the insertion of many rows begins, as part of a change that fails as a whole.
    fn insertion(&self) -> &'static str {
        "INSERT"
    }

    /// Holds the keys of persons until what is changed at once is done: those who add to them
    /// together, who erases one alone.
    fn hold(&mut self, how: Hold) -> Result<(), Error>;

    /// Makes what was deleted from these tables unreadable in the files of the database, as far as
    /// the database can. It may take as long as a statement may.
    fn scrub(&mut self, tables: &[&str]) -> Result<(), Error>;
}

/// How something is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// With others that hold it so.
    Together,
    /// With nobody.
    Alone,
}

/// How durable a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// On the disk when it returns.
    Full,
    /// Whole after a power cut, but perhaps not the last: for what can be made again.
    Relaxed,
}

/// Does several things, or none of them.
pub(super) fn at_once<T>(
    db: &mut dyn Database,
    work: impl FnOnce(&mut dyn Database) -> Result<T, Error>,
) -> Result<T, Error> {
    db.begin()?;
    match work(db) {
        Ok(done) => {
            db.run("COMMIT", &[])?;
            Ok(done)
        }
        Err(error) => {
            // The first error says why; after it the connection is not used again.
            db.run("ROLLBACK", &[]).ok();
            Err(error)
        }
    }
}

/// Adds rows, many with one statement; those that are there already stay.
pub(super) fn insert<const N: usize>(
    db: &mut dyn Database,
    into: &str,
    rows: impl IntoIterator<Item = [Value; N]>,
) -> Result<(), Error> {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let statement = |rows| statement(db.insertion(), into, rows, N);
    let (many, one) = (statement(MANY), statement(1));
    let mut values: Vec<Value> = Vec::with_capacity(MANY * N);
    loop {
        priority::give_way();
        values.clear();
        values.extend(rows.by_ref().take(MANY).flatten());
        if values.len() == MANY * N {
            db.run(&many, &values)?;
            continue;
        }
        for row in values.chunks_exact(N) {
            db.run(&one, row)?;
        }
        return Ok(());
    }
}

fn statement(insertion: &str, into: &str, rows: usize, columns: usize) -> String {
    let rows = (0..rows).map(|row| {
        let places = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    format!("{insertion} INTO {into} VALUES {rows} ON CONFLICT DO NOTHING")
}

/// The list `$from, …` of so many parameters.
pub(super) fn places(from: usize, count: usize) -> String {
    let places = (from..from + count).map(|place| format!("${place}"));
    places.collect::<Vec<_>>().join(", ")
}

impl Value {
    /// A number that is never larger than 2⁶³.
    pub(super) fn of(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }

    pub(super) fn int(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            Self::Text(_) | Self::Bytes(_) | Self::Null => 0,
        }
    }

    pub(super) fn number(&self) -> u64 {
        u64::try_from(self.int()).unwrap_or(0)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Int(_) | Self::Text(_) | Self::Null => &[],
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Int(_) | Self::Bytes(_) | Self::Null => "",
        }
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

/// So many rows go with one statement: at eight columns, 256 parameters.
const MANY: usize = 32;
