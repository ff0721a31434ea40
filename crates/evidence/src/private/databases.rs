//! Where keyring and index are kept.

use crate::keys::{make_dir, secret};
use crate::{Config, Error};

use super::index::Index;
use super::keyring::Keyring;
use super::sql::Durability;
use super::sqlite::Sqlite;

/// Opens the keyring of a log.
pub(super) fn keyring(config: &Config) -> Result<Keyring, Error> {
    let dir = config.keys_dir();
    let (master, db) = (dir.join(MASTER_FILE), dir.join(KEYRING_FILE));
    if db.exists() && !master.exists() {
        let problem = "is missing, and nothing in the keyring opens without it";
        return Err(Error::Key {
            path: master,
            problem,
        });
    }
    let master = secret::read_or_make(&master)?;
    let db = Sqlite::open(&db, Durability::Full)?;
    Keyring::open(Box::new(db), &master)
}

/// Opens the index.
pub(super) fn index(config: &Config) -> Result<Index, Error> {
    let dir = config.index_dir();
    make_dir(&dir)?;
    let db = Sqlite::open(&dir.join(INDEX_FILE), Durability::Relaxed)?;
    Index::open(Box::new(db))
}

const MASTER_FILE: &str = "keyring.key";
const KEYRING_FILE: &str = "keyring.db";
pub(super) const INDEX_FILE: &str = "index.db";
