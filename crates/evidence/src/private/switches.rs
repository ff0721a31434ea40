//! What operators have stopped, kept for the next start and for the other nodes: a file of a node
//! that stands alone, or a table in the PostgreSQL of several.
//!
//! Not here: what a switch does, and the record of it.
//!
//! *Invariant:* a row that this version does not understand is an error, never nothing: what is
//! stopped is not resumed by being unreadable.

use exchange::{OfficerId, ReasonText, Switch};
use jiff::Timestamp;

use super::access::Access;
use super::lazy::Lazy;
use super::postgres::Postgres;
use super::sql::{Database, Durability, Value};
use super::sqlite::Sqlite;
use super::suspensions;
use crate::keys::make_dir;
use crate::{Config, Error};

/// Something that is stopped, since when, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// What.
    pub switch: Switch,
    /// Since when.
    pub since: Timestamp,
    /// Who has stopped it.
    pub operator: OfficerId,
    /// Why.
    pub reason: ReasonText,
}

/// Where it is kept what operators have stopped. Cloned by reference count.
#[derive(Clone, Debug)]
pub struct SwitchStore {
    /// Says where the database is; its file is read for every connection.
    config: Config,
    pub(super) db: Lazy<Box<dyn Database>>,
}

impl SwitchStore {
    /// The store of a node. Nothing is opened before it is used.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let (config, of) = (config.clone(), config.clone());
        let db = Lazy::new(move || open(&of));
        Self { config, db }
    }

    /// True if other nodes write to it as well.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.config.database.is_some()
    }

    /// Everything that is stopped, in the order of its names.
    ///
    /// # Errors
    /// The store cannot be read, or holds what a later version has written.
    pub async fn load(&self) -> Result<Vec<Stopped>, Error> {
        self.db
            .with(|db| {
                let sql = "SELECT switch, since, operator, reason FROM stopped ORDER BY switch";
                db.rows(sql, &[])
            })
            .await?
            .iter()
            .map(|row| read(row).ok_or_else(|| self.unknown("a switch")))
            .collect()
    }

    /// Keeps that something is stopped; what is stopped already stays as it is.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn stop(&self, stopped: &Stopped) -> Result<(), Error> {
        let text = |text: &str| Value::Text(text.to_owned());
        let values = [
            text(&stopped.switch.to_string()),
            Value::Int(stopped.since.as_millisecond()),
            text(stopped.operator.reveal()),
            text(stopped.reason.reveal()),
        ];
        let sql = "INSERT INTO stopped (switch, since, operator, reason) \
                   VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        self.run(sql, values).await
    }

    /// Keeps that something is not stopped any more.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn resume(&self, switch: &Switch) -> Result<(), Error> {
        let values = [Value::Text(switch.to_string())];
        let sql = "DELETE FROM stopped WHERE switch = $1";
        self.run(sql, values).await
    }

    /// Runs a statement that changes something.
    pub(super) async fn run<const N: usize>(
        &self,
        sql: &'static str,
        values: [Value; N],
    ) -> Result<(), Error> {
        let run = self.db.with(move |db| db.run(sql, &values));
        run.await.map(drop)
    }

    /// What the store is one of.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// A row that this version does not understand.
    pub(super) fn unknown(&self, what: &'static str) -> Error {
        let path = self.config.keys_dir().join(FILE);
        Error::Newer { path, what }
    }
}

fn open(config: &Config) -> Result<Box<dyn Database>, Error> {
    let mut db: Box<dyn Database> = match Access::read(config)? {
        Some(access) => Box::new(Postgres::open(&access, Durability::Full, PATIENCE)?),
        None => {
            let dir = config.keys_dir();
            make_dir(&dir)?;
            Box::new(Sqlite::open(&dir.join(FILE), Durability::Full)?)
        }
    };
    db.define(&[TABLE, suspensions::TABLE], &[])?;
    Ok(db)
}

fn read(row: &[Value]) -> Option<Stopped> {
    let [switch, since, operator, reason] = row else {
        return None;
    };
    Some(Stopped {
        switch: Switch::parse(switch.text())?,
        since: Timestamp::from_millisecond(since.int()).ok()?,
        operator: OfficerId::parse(operator.text()).ok()?,
        reason: ReasonText::parse(reason.text()).ok()?,
    })
}

const TABLE: &str = "stopped (switch TEXT PRIMARY KEY, since BIGINT NOT NULL, \
                     operator TEXT NOT NULL, reason TEXT NOT NULL)";
/// Beside the keyring: apart from the index, which may be made again.
const FILE: &str = "switches.db";
/// How long a statement may take: what is stopped on one node stops on all within five seconds.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(switch: &str, reason: &str) -> Stopped {
        Stopped {
            switch: Switch::parse(switch).unwrap(),
            since: Timestamp::from_millisecond(1_800_000_000_123).unwrap(),
            operator: OfficerId::parse("VH-7").unwrap(),
            reason: ReasonText::parse(reason).unwrap(),
        }
    }

    fn store(dir: &std::path::Path) -> SwitchStore {
        SwitchStore::new(&Config::new(dir, "log.example/1", "n1"))
    }

    #[tokio::test]
    async fn what_is_stopped_is_found_by_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let first = store(dir.path());
        assert_eq!(first.load().await.unwrap(), []);
        let [agency, source] = [
            stopped("agency:H55", "lộ khóa"),
            stopped("source:tax", "bảo trì"),
        ];
        for it in [&source, &agency, &stopped("agency:H55", "lần nữa")] {
            first.stop(it).await.unwrap();
        }
        let next = store(dir.path());
        let both = [agency.clone(), source.clone()];
        assert_eq!(next.load().await.unwrap(), both);
        next.resume(&source.switch).await.unwrap();
        assert_eq!(first.load().await.unwrap(), [agency]);
    }

    #[tokio::test]
    async fn a_row_of_a_later_version_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let row = |db: &mut Box<dyn Database>| {
            db.run("INSERT INTO stopped VALUES ('region:x', 1, 'a', 'b')", &[])
        };
        store.db.with(row).await.unwrap();
        let error = store.load().await.unwrap_err().to_string();
        assert!(
            error.contains("holds a switch of a later version"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_store_that_was_gone_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("log");
        std::fs::write(&place, "no directory").unwrap();
        let store = store(&place);
        assert!(store.load().await.is_err());
        std::fs::remove_file(&place).unwrap();
        assert_eq!(store.load().await.unwrap(), []);
    }
}
