//! The lock store of several nodes: a row for each log, in the database that they share.
//!
//! *Invariant:* a row is replaced by one statement that names what is replaced.

use super::access::Access;
use super::databases::PATIENCE;
use super::postgres::Postgres;
use super::sql::{Database, Durability, Value};
use crate::{Config, Error};

/// The row of one log.
#[derive(Debug)]
pub(crate) struct LockTable {
    /// Says where the way to the database stands; it is read for every connection.
    config: Config,
    name: String,
    /// None before the first use, and after a failure.
    db: Option<Box<dyn Database>>,
}

impl LockTable {
    /// The row of a log, in the database that its settings name; none if they name none. Nothing is
    /// connected before it is used.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>, Error> {
        let access = Access::read(config)?;
        Ok(access.map(|access| Self {
            config: config.clone(),
            name: access.name,
            db: None,
        }))
    }

    /// The database, without its password.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What it holds.
    pub(crate) fn load(&mut self) -> Result<Option<String>, Error> {
        let origin = [Value::Text(self.config.origin.clone())];
        self.with(|db| {
            let sql = "SELECT checkpoint FROM lock_store WHERE origin = $1";
            let rows = db.rows(sql, &origin)?;
            let held = rows.first().and_then(|row| row.first());
            Ok(held.map(|held| held.text().to_owned()))
        })
    }

    /// Replaces what it holds, if that is what is expected; false if it is not.
    pub(crate) fn replace(
        &mut self,
        expected: Option<&str>,
        next: &str,
        size: u64,
    ) -> Result<bool, Error> {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut values = vec![text(&self.config.origin), Value::of(size), text(next)];
        values.extend(expected.map(text));
        let sql = match expected {
            Some(_) => {
                "UPDATE lock_store SET size = $2, checkpoint = $3 \
                 WHERE origin = $1 AND checkpoint = $4"
            }
            None => {
                "INSERT INTO lock_store (origin, size, checkpoint) VALUES ($1, $2, $3) \
                 ON CONFLICT DO NOTHING"
            }
        };
        self.with(|db| Ok(db.run(sql, &values)? == 1))
    }

    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Database) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut db = match self.db.take() {
            Some(db) => db,
            None => self.connect()?,
        };
        let done = work(&mut *db)?;
        self.db = Some(db);
        Ok(done)
    }

    fn connect(&self) -> Result<Box<dyn Database>, Error> {
        let access = Access::read(&self.config)?.ok_or(Error::Setting {
            setting: "database",
            problem: "is missing",
        })?;
        let mut db = Postgres::open(&access, Durability::Full, PATIENCE)?;
        let table = "lock_store (origin TEXT PRIMARY KEY, size BIGINT NOT NULL, \
                     checkpoint TEXT NOT NULL)";
        db.define(&[table], &[])?;
        Ok(Box::new(db))
    }
}
