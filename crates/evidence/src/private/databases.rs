//! Where keyring, index and lock store are kept: files of a node that stands alone, or one
//! PostgreSQL for several.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use super::access::Access;
use super::index::Index;
use super::keyring::{self, Keyring};
use super::pages::PageKey;
use super::postgres::Postgres;
use super::sql::{Database, Durability};
use super::sqlite::Sqlite;
use crate::keys::secret::{SECRET_LEN, Secret};
use crate::keys::{make_dir, secret};
use crate::{Config, Error};

/// Reads how the database is reached, without connecting.
pub(crate) fn check_access(config: &Config) -> Result<(), Error> {
    Access::read(config).map(drop)
}

/// Opens the keyring of a log.
pub(super) fn keyring(config: &Config) -> Result<Keyring, Error> {
    open_keyring(config, PATIENCE)
}

/// Opens keyring and index for what touches every row: what is to be destroyed of a log, or cleaned.
pub(super) fn with_patience(config: &Config) -> Result<(Keyring, Index), Error> {
    let keyring = open_keyring(config, LONG_PATIENCE)?;
    Ok((keyring, open_index(config, LONG_PATIENCE)?))
}

fn open_keyring(config: &Config, patience: Duration) -> Result<Keyring, Error> {
    let path = master(config);
    let Some(access) = Access::read(config)? else {
        let db = config.keys_dir().join(KEYRING_FILE);
        if db.exists() && !path.exists() {
            return Err(no_master(config));
        }
        let master = secret::read_or_make(&path)?;
        let db = Sqlite::open(&db, Durability::Full)?;
        return Keyring::open(Box::new(db), &master);
    };
    let mut db = Postgres::open(&access, Durability::Full, patience)?;
    if !path.exists() && !keyring::is_unused(&mut db)? {
        return Err(no_master(config));
    }
    Keyring::open(Box::new(db), &secret::read_or_make(&path)?)
}

/// The master key of an open keyring, which makes it where nothing is under one yet.
pub(super) fn master_key(config: &Config) -> Result<Secret, Error> {
    drop(keyring(config)?);
    secret::read(&master(config))
}

/// The file of the master key.
pub(super) fn master(config: &Config) -> PathBuf {
    config.keys_dir().join(MASTER_FILE)
}

/// Opens the key of page tokens. Where there is no master key yet it is made with the keyring.
pub(super) fn page_key(config: &Config) -> Result<PageKey, Error> {
    let path = master(config);
    if !path.exists() {
        keyring(config)?;
    }
    PageKey::of(&secret::read(&path)?, config.page_token_s.get())
}

/// Opens the key of the names of suspensions, which is derived from the master key.
pub(super) fn suspension_key(config: &Config) -> Result<Zeroizing<[u8; SECRET_LEN]>, Error> {
    derived_key(config, SUSPENSIONS)
}

/// Opens the key of the tags of dossiers, which is derived from the master key.
pub(super) fn dossier_key(config: &Config) -> Result<Zeroizing<[u8; SECRET_LEN]>, Error> {
    derived_key(config, DOSSIERS)
}

/// Opens the key of which the keys of batch jobs are made, which is derived from the master key.
pub(super) fn batch_key(config: &Config) -> Result<Secret, Error> {
    derived(config, BATCHES)
}

fn derived_key(config: &Config, label: &[u8]) -> Result<Zeroizing<[u8; SECRET_LEN]>, Error> {
    let key = derived(config, label)?;
    let key = key.as_slice().first_chunk().copied();
    let key = key.ok_or(Error::Crypto("derive a key"))?;
    Ok(Zeroizing::new(key))
}

fn derived(config: &Config, label: &[u8]) -> Result<Secret, Error> {
    let path = master(config);
    if !path.exists() {
        make_dir(&config.keys_dir())?;
        keyring(config)?;
    }
    secret::derive(&secret::read(&path)?, label)
}

fn no_master(config: &Config) -> Error {
    Error::Key {
        path: master(config),
        problem: "is missing, and nothing in the keyring opens without it",
    }
}

/// Opens the index.
pub(super) fn index(config: &Config) -> Result<Index, Error> {
    open_index(config, PATIENCE)
}

/// Opens the index for everything of a log to be filed again.
pub(super) fn index_to_make_again(config: &Config, log: i64) -> Result<Index, Error> {
    let mut index = open_index(config, LONG_PATIENCE)?;
    if config.database.is_some() {
        index.forget_log(log)?;
    }
    Ok(index)
}

fn open_index(config: &Config, patience: Duration) -> Result<Index, Error> {
    let db: Box<dyn Database> = match Access::read(config)? {
        Some(access) => Box::new(Postgres::open(&access, Durability::Relaxed, patience)?),
        None => {
            let dir = config.index_dir();
            make_dir(&dir)?;
            Box::new(Sqlite::open(&dir.join(INDEX_FILE), Durability::Relaxed)?)
        }
    };
    Index::open(db)
}

/// Removes the index of a node that stands alone.
pub(super) fn forget_index(config: &Config) -> Result<(), Error> {
    let dir = config.index_dir();
    if config.database.is_some() || !dir.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(&dir).map_err(Error::io("list", &dir))? {
        let path = entry.map_err(Error::io("list", &dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(INDEX_FILE)) {
            fs::remove_file(&path).map_err(Error::io("remove", path))?;
        }
    }
    Ok(())
}

const BATCHES: &[u8] = b"lienthong batch jobs v1";
const DOSSIERS: &[u8] = b"lienthong tags of dossiers v1";
const SUSPENSIONS: &[u8] = b"lienthong names of suspensions v1";
const MASTER_FILE: &str = "keyring.key";
const KEYRING_FILE: &str = "keyring.db";
const INDEX_FILE: &str = "index.db";
/// How long the server may take for a statement: each finds its rows by key, and waits for other
/// nodes no longer than they may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The same for what touches every row of a log.
const LONG_PATIENCE: Duration = Duration::from_secs(3_600);
