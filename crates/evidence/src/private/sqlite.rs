//! The embedded database, SQLite: one file, for a node that stands alone.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::sql::{Database, Durability, Hold, Row, Value};
use crate::Error;

/// A database file that is open.
#[derive(Debug)]
pub(super) struct Sqlite {
    connection: Connection,
    path: PathBuf,
}

impl Sqlite {
    /// Opens the file, or makes it.
    pub(super) fn open(path: &Path, durability: Durability) -> Result<Self, Error> {
        // For its owner alone; the journal that SQLite makes beside it is as the file itself.
        let mut options = OpenOptions::new();
        let made = options.write(true).create(true).mode(0o600).open(path);
        drop(made.map_err(Error::io("open", path))?);
        let failed = |source| failed("open", path, source);
        let connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Relaxed => "NORMAL",
        };
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
                 PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; \
                 PRAGMA cache_size = -{CACHE_KIB}; PRAGMA wal_autocheckpoint = {JOURNAL_PAGES};"
            ))
            .map_err(failed)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// Keeps no more of its pages in memory.
    pub(super) fn cache_at_most(&self, kib: u32) -> Result<(), Error> {
        let set = format!("PRAGMA cache_size = -{kib}");
        let set = self.connection.execute_batch(&set);
        set.map_err(self.failed("prepare"))
    }

    /// Waits no longer than this for others.
    fn wait_at_most(&self, time: Duration) -> Result<(), Error> {
        let set = self.connection.busy_timeout(time);
        set.map_err(self.failed("prepare"))
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
        let path = self.path.clone();
        move |source| failed(action, &path, source)
    }
}

impl Database for Sqlite {
    fn run(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.execute(params_from_iter(values))
        };
        run()
            .map(|rows| rows as u64)
            .map_err(self.failed("write to"))
    }

    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let ask = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let columns = statement.column_count();
            let row = |row: &rusqlite::Row<'_>| {
                (0..columns)
                    .map(|column| row.get_ref(column).map(value))
                    .collect::<Result<Row, _>>()
            };
            let rows = statement.query_map(params_from_iter(values), row)?;
            rows.collect::<Result<Vec<Row>, _>>()
        };
        ask().map_err(self.failed("read"))
    }

    fn define(&mut self, tables: &[&str], indexes: &[&str]) -> Result<(), Error> {
        for table in tables {
            let sql = format!("CREATE TABLE IF NOT EXISTS {table} WITHOUT ROWID");
            self.run(&sql, &[])?;
        }
        for index in indexes {
            self.run(&format!("CREATE INDEX IF NOT EXISTS {index}"), &[])?;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Error> {
        // One that begins by reading is refused, not kept waiting, if another has written meanwhile.
        self.run("BEGIN IMMEDIATE", &[]).map(drop)
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn insertion(&self) -> &'static str {
        // Or it copies each page before it changes it, to be able to undo this statement alone.
        "INSERT OR FAIL"
    }

    fn hold(&mut self, _: Hold) -> Result<(), Error> {
        Ok(()) // one thread of one process changes it
    }

    fn scrub(&mut self, _: &[&str]) -> Result<(), Error> {
        // Pages are zeroed by secure_delete; the journal still holds them as they were, until nobody
        // reads it any more.
        // Who waits for readers here would keep others from writing meanwhile.
        self.wait_at_most(Duration::ZERO)?;
        let scrub = || {
            let mut statement = self.connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)")?;
            statement.query_row([], |row| row.get::<_, i64>(0))
        };
        for _ in 0..SCRUBS {
            if scrub().map_err(self.failed("scrub"))? == 0 {
                return self.wait_at_most(BUSY);
            }
            std::thread::sleep(SCRUB);
        }
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        let busy = rusqlite::Error::SqliteFailure(busy, None);
        Err(self.failed("scrub")(busy))
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Null => ValueRef::Null,
        }))
    }
}

fn value(read: ValueRef<'_>) -> Value {
    match read {
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        // No column of ours holds a fraction.
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
    }
}

fn failed(action: &'static str, path: &Path, source: rusqlite::Error) -> Error {
    Error::Database {
        action,
        database: path.display().to_string(),
        source: source.into(),
    }
}

/// 512 pages: the inner ones of the largest table, whose rows take some 100 bytes, at 800,000 rows. The
/// rows of one commit come sorted, so that each page is wanted once; what does not fit, the system has.
const CACHE_KIB: u32 = 2 << 10;
/// 32 MiB: pages that change again and again are written to their place once for several commits.
const JOURNAL_PAGES: u32 = 8_192;
/// How often it is tried to empty the journal while others read.
const SCRUBS: u32 = 50;
const SCRUB: Duration = Duration::from_millis(100);
/// How long one waits for another that writes.
const BUSY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::super::sql::at_once;
    use super::*;

    /// As the threads of two half-years at their turn.
    #[test]
    fn of_two_that_read_and_then_write_one_waits_for_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("any.db");
        let open = || Sqlite::open(&path, Durability::Relaxed).unwrap();
        let mut db = open();
        db.define(&["sum (id BIGINT PRIMARY KEY, value BIGINT)"], &[])
            .unwrap();
        db.run("INSERT INTO sum (id, value) VALUES (1, 0)", &[])
            .unwrap();
        let mut other = open();
        other.wait_at_most(Duration::ZERO).unwrap();
        let add =
            |db: &mut dyn Database| db.run("UPDATE sum SET value = value + 1 WHERE id = 1", &[]);
        let changed = at_once(&mut db, |db| {
            db.rows("SELECT value FROM sum WHERE id = 1", &[])?;
            assert!(add(&mut other).is_err(), "it would have to wait");
            add(db)
        });
        assert_eq!(changed.unwrap(), 1);
        assert_eq!(add(&mut other).unwrap(), 1);
        let rows = db.rows("SELECT value FROM sum WHERE id = 1", &[]).unwrap();
        assert_eq!(rows[0][0], Value::Int(2));
    }
}
