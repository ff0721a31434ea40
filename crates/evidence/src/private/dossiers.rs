//! What questions have left under way at agencies, kept for the next start of the node: a file beside the
//! index. Each node has its own, of what it has asked itself.
//!
//! Not here: what a dossier is and what moves it; when it is written.
//!
//! *Invariants:* no number of a person and nothing of an answer stands in it, only a keyed tag of the
//! question. A row that this version does not understand is an error, never nothing.

use std::time::Duration;

use exchange::{AgencyCode, Criticality, RequestId, Source, SystemId};
use jiff::Timestamp;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::databases;
use super::lazy::Lazy;
use super::sql::{Database, Durability, Value, at_once};
use super::sqlite::Sqlite;
use crate::keys::make_dir;
use crate::{Config, Error};

/// A dossier as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDossier {
    /// Its number on this node.
    pub number: u64,
    /// The source that has it.
    pub source: Source,
    /// What the source calls it.
    pub code: String,
    /// The address that has it; empty if that is not known.
    pub address: String,
    /// What its question stands for, under a key.
    pub tag: [u8; 16],
    /// The agency that asked.
    pub agency: AgencyCode,
    /// Its system.
    pub system: SystemId,
    /// The id of the request.
    pub request: RequestId,
    /// How urgent it was.
    pub class: Criticality,
    /// After which time it hangs.
    pub ttl: Duration,
    /// How far it is, by its name.
    pub state: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// Since when it is waited for.
    pub since: Timestamp,
    /// When it was asked about last.
    pub asked: Timestamp,
    /// How often since then.
    pub asks: u32,
    /// Why it is not done.
    pub reason: String,
}

/// Where dossiers are kept. Cloned by reference count.
#[derive(Clone, Debug)]
pub struct DossierStore {
    config: Config,
    db: Lazy<Sqlite>,
}

impl DossierStore {
    /// The store of a node. Nothing is opened before it is used.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let (config, of) = (config.clone(), config.clone());
        let db = Lazy::new(move || open(&of));
        Self { config, db }
    }

    /// The key under which a question finds what it has left, the same after a restart.
    ///
    /// # Errors
    /// The master key is not there, and none can be made.
    pub async fn key(&self) -> Result<Zeroizing<[u8; 32]>, Error> {
        let config = self.config.clone();
        let working = spawn_blocking(move || databases::dossier_key(&config));
        working.await.unwrap_or(Err(Error::Ended))
    }

    /// Every dossier, in the order of their numbers.
    ///
    /// # Errors
    /// The store cannot be read, or holds what a later version has written.
    pub async fn load(&self) -> Result<Vec<KeptDossier>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM dossier ORDER BY number");
        let rows = self.db.with(move |db| db.rows(&sql, &[])).await?;
        rows.iter()
            .map(|row| read(row).ok_or_else(|| self.unknown()))
            .collect()
    }

    /// Keeps dossiers as they are, and forgets those of which nothing is given; all of it or nothing.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn keep(&self, changes: Vec<(u64, Option<KeptDossier>)>) -> Result<(), Error> {
        self.db
            .with(move |db| {
                at_once(db, |db| {
                    for (number, dossier) in &changes {
                        db.run(
                            "DELETE FROM dossier WHERE number = $1",
                            &[Value::of(*number)],
                        )?;
                        if let Some(dossier) = dossier {
                            db.run(INSERT, &values(dossier))?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    /// A row that this version does not understand.
    fn unknown(&self) -> Error {
        let path = self.config.index_dir().join(FILE);
        let what = "a dossier";
        Error::Newer { path, what }
    }
}

/// Opens the file; nobody waits for it: what a power cut takes is asked again by whoever wants to know.
fn open(config: &Config) -> Result<Sqlite, Error> {
    let dir = config.index_dir();
    make_dir(&dir)?;
    let mut db = Sqlite::open(&dir.join(FILE), Durability::Relaxed)?;
    db.define(&[TABLE], &[])?;
    // A file may be older than the column.
    if db.rows(ADDRESSED, &[])?.is_empty() {
        db.run(ADD_ADDRESS, &[])?;
    }
    Ok(db)
}

fn values(it: &KeptDossier) -> [Value; 16] {
    let text = |text: &str| Value::Text(text.to_owned());
    let time = |time: Timestamp| Value::Int(time.as_millisecond());
    [
        Value::of(it.number),
        text(it.source.name()),
        text(&it.code),
        Value::Bytes(it.tag.to_vec()),
        text(it.agency.as_str()),
        text(it.system.as_str()),
        text(&it.request.to_string()),
        text(it.class.name()),
        Value::of(u64::try_from(it.ttl.as_millis()).unwrap_or(u64::MAX)),
        text(&it.state),
        time(it.opened),
        time(it.since),
        time(it.asked),
        Value::of(it.asks.into()),
        text(&it.reason),
        text(&it.address),
    ]
}

fn read(row: &[Value]) -> Option<KeptDossier> {
    let [
        number,
        source,
        code,
        tag,
        agency,
        system,
        request,
        class,
        ttl,
        state,
        opened,
        since,
        asked,
        asks,
        reason,
        address,
    ] = row
    else {
        return None;
    };
    let time = |value: &Value| Timestamp::from_millisecond(value.int()).ok();
    Some(KeptDossier {
        number: number.number(),
        source: Source::from_name(source.text())?,
        code: code.text().to_owned(),
        tag: tag.bytes().try_into().ok()?,
        agency: AgencyCode::parse(agency.text())?,
        system: SystemId::parse(system.text())?,
        request: RequestId::parse(request.text())?,
        class: Criticality::from_name(class.text())?,
        ttl: Duration::from_millis(ttl.number()),
        state: state.text().to_owned(),
        opened: time(opened)?,
        since: time(since)?,
        asked: time(asked)?,
        asks: u32::try_from(asks.number()).ok()?,
        reason: reason.text().to_owned(),
        address: address.text().to_owned(),
    })
}

const TABLE: &str = "dossier (number BIGINT PRIMARY KEY, source TEXT NOT NULL, code TEXT NOT NULL, \
                     tag BLOB NOT NULL, agency TEXT NOT NULL, system TEXT NOT NULL, \
                     request TEXT NOT NULL, class TEXT NOT NULL, ttl_ms BIGINT NOT NULL, \
                     state TEXT NOT NULL, opened BIGINT NOT NULL, since BIGINT NOT NULL, \
                     asked BIGINT NOT NULL, asks BIGINT NOT NULL, reason TEXT NOT NULL, \
                     address TEXT NOT NULL)";
const ADDRESSED: &str = "SELECT 1 FROM pragma_table_info('dossier') WHERE name = 'address'";
const ADD_ADDRESS: &str = "ALTER TABLE dossier ADD COLUMN address TEXT NOT NULL DEFAULT ''";
const COLUMNS: &str = "number, source, code, tag, agency, system, request, class, ttl_ms, state, \
                       opened, since, asked, asks, reason, address";
const INSERT: &str = "INSERT INTO dossier VALUES \
                      ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
/// Beside the index, and as that in no backup.
const FILE: &str = "dossiers.db";

#[cfg(test)]
mod tests {
    use super::*;

    fn store(dir: &std::path::Path) -> DossierStore {
        DossierStore::new(&Config::new(dir, "log.example/1", "n1"))
    }

    fn dossier(number: u64, state: &str) -> KeptDossier {
        let at = |ms: i64| Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap();
        KeptDossier {
            number,
            source: Source::CivilStatus,
            code: format!("HT-{number}"),
            address: "host-1".to_owned(),
            tag: [7; 16],
            agency: AgencyCode::parse("H55").unwrap(),
            system: SystemId::parse("desk").unwrap(),
            request: RequestId::fresh(),
            class: Criticality::CitizenWaiting,
            ttl: Duration::from_secs(900),
            state: state.to_owned(),
            opened: at(1),
            since: at(2),
            asked: at(3),
            asks: 4,
            reason: "NOT_DONE".to_owned(),
        }
    }

    #[tokio::test]
    async fn dossiers_are_found_by_the_next_start_as_they_were_last() {
        let dir = tempfile::tempdir().unwrap();
        let first = store(dir.path());
        assert_eq!(first.load().await.unwrap(), []);
        let (one, two) = (dossier(1, "POLLING"), dossier(2, "HUNG"));
        let both = [&two, &one].map(|it| (it.number, Some(it.clone())));
        first.keep(both.into()).await.unwrap();
        let next = store(dir.path());
        assert_eq!(next.load().await.unwrap(), [one, two.clone()]);
        let closed = KeptDossier {
            state: "CLOSED".to_owned(),
            ..two
        };
        let changes = vec![(1, None), (2, Some(closed.clone()))];
        next.keep(changes).await.unwrap();
        assert_eq!(store(dir.path()).load().await.unwrap(), [closed]);
    }

    #[tokio::test]
    async fn a_file_of_before_addresses_were_kept_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let first = store(dir.path());
        let one = dossier(1, "HUNG");
        first.keep(vec![(1, Some(one.clone()))]).await.unwrap();
        let older = |db: &mut Sqlite| db.run("ALTER TABLE dossier DROP COLUMN address", &[]);
        first.db.with(older).await.unwrap();
        let next = store(dir.path());
        let before = KeptDossier {
            address: String::new(),
            ..one.clone()
        };
        assert_eq!(next.load().await.unwrap(), [before]);
        next.keep(vec![(1, Some(one.clone()))]).await.unwrap();
        assert_eq!(next.load().await.unwrap(), [one]);
    }

    #[tokio::test]
    async fn a_row_of_a_later_version_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        store
            .keep(vec![(1, Some(dossier(1, "HUNG")))])
            .await
            .unwrap();
        let change = |db: &mut Sqlite| db.run("UPDATE dossier SET source = 'land'", &[]);
        store.db.with(change).await.unwrap();
        let error = store.load().await.unwrap_err().to_string();
        assert!(
            error.contains("holds a dossier of a later version"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn the_key_is_the_same_after_a_start_and_another_for_another_node() {
        let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let key = store(one.path()).key().await.unwrap();
        assert_eq!(key, store(one.path()).key().await.unwrap());
        assert_ne!(key, store(other.path()).key().await.unwrap());
    }
}
