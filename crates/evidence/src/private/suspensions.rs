//! Who is suspended for how they asked, kept for the next start and for the other nodes, beside what
//! operators have stopped.
//!
//! Not here: who is suspended, and what that does.
//!
//! *Invariants:* no officer and no first digits of a number are kept in the clear, only names under a
//! key that every node has and the store has not. A row that this version does not understand is an error, never
//! nothing.

use exchange::{AgencyCode, SystemId};
use jiff::Timestamp;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::databases;
use super::sql::Value;
use super::switches::SwitchStore;
use crate::Error;

/// Somebody who is suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspended {
    /// Who, under a name that every node gives them and nobody else can.
    pub id: String,
    /// Of what they are one: an officer, a system…
    pub level: String,
    /// The agency that asked.
    pub agency: AgencyCode,
    /// The system from which the last question came.
    pub system: SystemId,
    /// Since when.
    pub since: Timestamp,
}

/// Where it is kept who is suspended. Cloned by reference count.
#[derive(Clone, Debug)]
pub struct SuspensionStore(SwitchStore);

impl SuspensionStore {
    /// The store in the same database as the switches.
    #[must_use]
    pub const fn beside(switches: SwitchStore) -> Self {
        Self(switches)
    }

    /// The key under which every node names the same officer the same.
    ///
    /// # Errors
    /// The master key is not there, and none can be made.
    pub async fn key(&self) -> Result<Zeroizing<[u8; 32]>, Error> {
        let config = self.0.config().clone();
        let working = spawn_blocking(move || databases::suspension_key(&config));
        working.await.unwrap_or(Err(Error::Ended))
    }

    /// Everybody who is suspended, the earliest first.
    ///
    /// # Errors
    /// The store cannot be read, or holds what a later version has written.
    pub async fn load(&self) -> Result<Vec<Suspended>, Error> {
        let sql = "SELECT id, level, agency, system, since FROM suspended ORDER BY since, id";
        let rows = self.0.db.with(|db| db.rows(sql, &[])).await?;
        rows.iter()
            .map(|row| read(row).ok_or_else(|| self.0.unknown("a suspension")))
            .collect()
    }

    /// Keeps that somebody is suspended; who is already stays as they are.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn keep(&self, suspended: &Suspended) -> Result<(), Error> {
        let text = |text: &str| Value::Text(text.to_owned());
        let values = [
            text(&suspended.id),
            text(&suspended.level),
            text(suspended.agency.as_str()),
            text(suspended.system.as_str()),
            Value::Int(suspended.since.as_millisecond()),
        ];
        let sql = "INSERT INTO suspended (id, level, agency, system, since) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        self.0.run(sql, values).await
    }

    /// Keeps that somebody is not suspended any more.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn lift(&self, id: &str) -> Result<(), Error> {
        let values = [Value::Text(id.to_owned())];
        let sql = "DELETE FROM suspended WHERE id = $1";
        self.0.run(sql, values).await
    }
}

fn read(row: &[Value]) -> Option<Suspended> {
    let [id, level, agency, system, since] = row else {
        return None;
    };
    Some(Suspended {
        id: id.text().to_owned(),
        level: level.text().to_owned(),
        agency: AgencyCode::parse(agency.text())?,
        system: SystemId::parse(system.text())?,
        since: Timestamp::from_millisecond(since.int()).ok()?,
    })
}

pub(super) const TABLE: &str = "suspended (id TEXT PRIMARY KEY, level TEXT NOT NULL, \
                                agency TEXT NOT NULL, system TEXT NOT NULL, since BIGINT NOT NULL)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn store(dir: &std::path::Path) -> SuspensionStore {
        let config = Config::new(dir, "log.example/1", "n1");
        SuspensionStore::beside(SwitchStore::new(&config))
    }

    fn suspended(id: &str, since_ms: i64) -> Suspended {
        Suspended {
            id: id.to_owned(),
            level: "officer".to_owned(),
            agency: AgencyCode::parse("H55").unwrap(),
            system: SystemId::parse("desk").unwrap(),
            since: Timestamp::from_millisecond(since_ms).unwrap(),
        }
    }

    #[tokio::test]
    async fn who_is_suspended_is_found_by_the_next_start_until_it_is_lifted() {
        let dir = tempfile::tempdir().unwrap();
        let first = store(dir.path());
        assert_eq!(first.load().await.unwrap(), []);
        let (late, early) = (suspended("b", 2_000), suspended("a", 1_000));
        for it in [&late, &early, &suspended("a", 9_000)] {
            first.keep(it).await.unwrap();
        }
        let next = store(dir.path());
        assert_eq!(next.load().await.unwrap(), [early.clone(), late]);
        next.lift("b").await.unwrap();
        assert_eq!(first.load().await.unwrap(), [early]);
    }

    #[tokio::test]
    async fn the_key_is_the_same_after_a_start_and_another_for_another_node() {
        let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let key = store(one.path()).key().await.unwrap();
        assert_eq!(key, store(one.path()).key().await.unwrap());
        assert_ne!(key, store(other.path()).key().await.unwrap());
    }
}
