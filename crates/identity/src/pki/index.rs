//! The index of an authority: a journal of what it has issued and revoked, one CSV line each.
//!
//! Not here: certificates and keys. Lines are only ever appended, under the lock of the file, so
//! two programs that issue at once lose nothing.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, WriterBuilder};
use jiff::Timestamp;

use crate::{Error, files};

/// What an issued certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A caller: an agency's system, or the gateway towards an agency.
    Client,
    /// A listener.
    Server,
}

/// One issued certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its serial number, lower-case hex.
    pub serial: String,
    /// What it is for.
    pub profile: Profile,
    /// The SPIFFE id, or the name of the server.
    pub name: String,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
}

/// The open index; the file is locked until it is dropped.
#[derive(Debug)]
pub(super) struct Index {
    path: PathBuf,
    file: File,
}

impl Profile {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Client, Self::Server]
            .into_iter()
            .find(|profile| profile.name() == name)
    }
}

impl Index {
    /// Makes an empty index.
    pub(super) fn create(dir: &Path) -> Result<(), Error> {
        files::create(&dir.join(FILE), HEADER.as_bytes(), files::PUBLIC)
    }

    /// Opens and locks the index of an authority.
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let opened = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .and_then(|file| file.lock().map(|()| file));
        match opened {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// Every certificate, oldest first.
    pub(super) fn entries(&mut self) -> Result<Vec<Entry>, Error> {
        let mut text = Vec::new();
        self.file
            .rewind()
            .and_then(|()| self.file.read_to_end(&mut text))
            .map_err(|source| Error::Read {
                path: self.path.clone(),
                source,
            })?;
        let mut entries: Vec<Entry> = Vec::new();
        // The first line is the header.
        for (record, line) in ReaderBuilder::new()
            .from_reader(text.as_slice())
            .records()
            .zip(2..)
        {
            let taken = record.ok().and_then(|record| take(&mut entries, &record));
            taken.ok_or_else(|| Error::Index {
                path: self.path.clone(),
                line,
            })?;
        }
        Ok(entries)
    }

    /// Notes a certificate that is about to be handed out.
    pub(super) fn issued(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Error> {
        self.append(ISSUED, entry, at)
    }

    /// Notes that a certificate is revoked.
    pub(super) fn revoked(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Error> {
        self.append(REVOKED, entry, at)
    }

    fn append(&mut self, event: &str, entry: &Entry, at: Timestamp) -> Result<(), Error> {
        let mut writer = WriterBuilder::new().from_writer(Vec::new());
        let written = writer.write_record([
            at.to_string().as_str(),
            event,
            &entry.serial,
            entry.profile.name(),
            &entry.name,
            &entry.not_after.to_string(),
        ]);
        let line = written
            .map_err(std::io::Error::from)
            .and_then(|()| writer.into_inner().map_err(csv::IntoInnerError::into_error));
        line.and_then(|line| self.file.write_all(&line))
            .and_then(|()| self.file.sync_all())
            .map_err(|source| files::write_error(&self.path, source))
    }
}

/// Takes one line of the journal; none if it is no line of ours.
fn take(entries: &mut Vec<Entry>, record: &StringRecord) -> Option<()> {
    let at: Timestamp = record.get(0)?.parse().ok()?;
    let serial = record.get(2).filter(|text| hex::decode(text).is_ok())?;
    match record.get(1)? {
        ISSUED => entries.push(Entry {
            serial: serial.to_owned(),
            profile: Profile::parse(record.get(3)?)?,
            name: record.get(4)?.to_owned(),
            not_after: record.get(5)?.parse().ok()?,
            revoked: None,
        }),
        REVOKED => {
            let entry = entries.iter_mut().find(|entry| entry.serial == serial)?;
            entry.revoked.get_or_insert(at);
        }
        _ => return None,
    }
    Some(())
}

const FILE: &str = "issued.csv";
const HEADER: &str = "at,event,serial,profile,name,not_after\n";
const ISSUED: &str = "issued";
const REVOKED: &str = "revoked";
