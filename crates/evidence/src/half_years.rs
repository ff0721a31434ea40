//! Which logs a node has: one for good, or one for each half-year, in a directory of its own below
//! that of the node.
//!
//! A log of a half-year is whole: records, public files, keys that sign, lock store. What is private
//! (keyring, tag keys, intake keys, index) is shared by all of them. Not here: the turn from one log to
//! the next.
//!
//! *Invariant:* once a log has begun, no older one is written on, but to close it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use exchange::Clock;

use crate::private::Epoch;
use crate::publish::{CHECKPOINT_FILE, read_checkpoint};
use crate::segment::{self, WAL_DIR};
use crate::writer::now_ms;
use crate::{Config, Error, gaps};

impl Config {
    /// The log that a gateway writes which starts at that time: the one there is, or that of the
    /// half-year. A newer log that has begun is gone on with, whatever the clock says; one that the
    /// last record of the newest names is begun first.
    ///
    /// # Errors
    /// The settings of half-years contradict each other, a log is missing, or the directory cannot be
    /// read.
    pub fn at_start(&self, clock: &dyn Clock) -> Result<Self, Error> {
        self.check_half_years()?;
        if !self.has_half_years() {
            return Ok(self.clone());
        }
        let now = Epoch::of(now_ms(clock));
        let begun = self.begun()?;
        let newest = begun.last().map_or(now, |(newest, _)| *newest);
        let named = gaps::check(self, &begun)?;
        Ok(self.of(named.unwrap_or(now.max(newest))))
    }

    /// Says what is wrong with the settings of half-years.
    ///
    /// # Errors
    /// The setting, and what is wrong with it.
    pub fn check_half_years(&self) -> Result<(), Error> {
        let bad = |setting, problem| Err(Error::Setting { setting, problem });
        if self.origin.replacen(PLACE, "", 1).contains(['{', '}']) {
            return bad("origin", "has braces that are not one {half-year}");
        }
        let (host, _) = self.origin.split_once('/').unwrap_or_default();
        if self.has_half_years() && (self.origin.starts_with(PLACE) || host.contains('{')) {
            return bad("origin", "has {half-year} in the name of the host");
        }
        let lock = self.lock_file.as_deref().and_then(Path::to_str);
        if lock.is_some_and(|lock| lock.contains(PLACE) != self.has_half_years()) {
            return bad(
                "lock_file",
                "has {half-year} if, and only if, origin has it",
            );
        }
        Ok(())
    }

    /// True if every half-year has a log of its own.
    #[must_use]
    pub fn has_half_years(&self) -> bool {
        self.origin.contains(PLACE)
    }

    /// The log of a half-year.
    pub(crate) fn of(&self, epoch: Epoch) -> Self {
        let name = epoch.to_string();
        let lock_file = match &self.lock_file {
            Some(path) => match path.to_str() {
                Some(text) => Some(PathBuf::from(text.replace(PLACE, &name))),
                None => Some(path.clone()),
            },
            None if self.database.is_some() => None,
            None => Some(lock_beside(&self.dir, &name)),
        };
        Self {
            dir: self.dir.join(&name),
            keys_dir: Some(self.keys_dir()),
            signing_dir: Some(self.signing_dir().join(&name)),
            index_dir: Some(self.index_dir()),
            lock_file,
            origin: self.origin.replace(PLACE, &name),
            ..self.clone()
        }
    }

    /// Where versions before had the lock store of this log, if it is that of a half-year and the
    /// settings name no other: within the directory of the node, and so in every copy of that.
    pub(crate) fn lock_within(&self) -> Option<PathBuf> {
        let (node, name) = (self.dir.parent()?, self.dir.file_name()?.to_str()?);
        let is_beside = self.lock_file.as_ref() == Some(&lock_beside(node, name));
        is_beside.then(|| self.dir.with_added_extension(HEAD))
    }

    /// The half-year of a log by its name; none if the node has no such log.
    pub(crate) fn half_year(&self, origin: &str) -> Option<Epoch> {
        let (before, after) = self.origin.split_once(PLACE)?;
        let name = origin.strip_prefix(before)?.strip_suffix(after)?;
        name.parse().ok()
    }

    /// The log of that name; none if the node has no such log.
    pub(crate) fn named(&self, origin: &str) -> Option<Self> {
        if self.has_half_years() {
            return self.half_year(origin).map(|epoch| self.of(epoch));
        }
        (origin == self.origin).then(|| self.clone())
    }

    /// The newest log that was written: the only one, where half-years have none of their own.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn newest(&self) -> Result<Option<Self>, Error> {
        if !self.has_half_years() {
            return Ok(Some(self.clone()));
        }
        Ok(self.begun()?.pop().map(|(_, log)| log))
    }

    /// The logs of half-years that were written, oldest first.
    pub(crate) fn begun(&self) -> Result<Vec<(Epoch, Self)>, Error> {
        let mut begun = Vec::new();
        for epoch in half_years(&self.dir)? {
            let log = self.of(epoch);
            if log.has_begun()? {
                begun.push((epoch, log));
            }
        }
        Ok(begun)
    }

    /// True if a log has its write-ahead log: one that was only prepared, or was retired, has none.
    pub(crate) fn has_records(&self) -> Result<bool, Error> {
        Ok(self.dir.join(WAL_DIR).is_dir() && !segment::list(&self.dir)?.is_empty())
    }

    /// True if a log was written: one that was only prepared was not.
    fn has_begun(&self) -> Result<bool, Error> {
        if self.has_records()? {
            return Ok(true);
        }
        let shown = read_checkpoint(&self.dir.join(CHECKPOINT_FILE))?;
        Ok(shown.is_some_and(|shown| shown.checkpoint().size > 0))
    }
}

/// The half-years that have a directory, oldest first.
pub(crate) fn half_years(dir: &Path) -> Result<Vec<Epoch>, Error> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("list", dir))?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("list", dir))?;
        let name = entry.file_name();
        let epoch = name.to_str().and_then(|name| name.parse::<Epoch>().ok());
        all.extend(epoch.filter(|_| entry.path().is_dir()));
    }
    all.sort_unstable();
    Ok(all)
}

/// Where the lock store of the log in a directory may be, if the settings name no place: beside the
/// directory; of a half-year beside that of the node, or still within it.
#[must_use]
pub fn lock_files(dir: &Path) -> Vec<PathBuf> {
    let name = dir.file_name().and_then(|name| name.to_str());
    let half_year = name.filter(|name| name.parse::<Epoch>().is_ok());
    let beside = half_year.zip(dir.parent());
    let beside = beside.map(|(name, node)| lock_beside(node, name));
    let all = beside.into_iter().chain([dir.with_added_extension(HEAD)]);
    all.filter(|file| file.is_file()).collect()
}

/// The lock store of a half-year, beside the directory of the node.
fn lock_beside(node: &Path, half_year: &str) -> PathBuf {
    node.with_added_extension(format!("{half_year}.{HEAD}"))
}

/// What the name of a lock store ends in.
pub(crate) const HEAD: &str = "head";
/// What stands for the half-year in the name of a log.
pub(crate) const PLACE: &str = "{half-year}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_year_has_a_log_of_its_own_and_the_private_side_is_shared() {
        let node = Config::new("/log", "audit.example/gw-1/{half-year}", "gw-1");
        let log = node.of("2027h1".parse().unwrap());
        assert_eq!(log.origin, "audit.example/gw-1/2027h1");
        assert_eq!(log.dir, Path::new("/log/2027h1"));
        assert_eq!(log.lock_file(), Path::new("/log.2027h1.head"));
        assert_eq!(
            log.lock_within().unwrap(),
            Path::new("/log/2027h1.head"),
            "as before"
        );
        assert_eq!(log.signing_dir(), Path::new("/log/private/2027h1"));
        assert_eq!(log.keys_dir(), Path::new("/log/private"));
        assert_eq!(log.index_dir(), Path::new("/log/index"));
        assert_eq!(node.named(&log.origin).unwrap().dir, log.dir);
        for other in ["audit.example/gw-2/2027h1", "audit.example/gw-1/2027h3", ""] {
            assert!(node.named(other).is_none(), "{other}");
        }
    }

    #[test]
    fn settings_that_mix_half_years_with_one_log_are_refused() {
        let config = |origin: &str, lock: Option<&str>| Config {
            lock_file: lock.map(PathBuf::from),
            ..Config::new("/log", origin, "gw-1")
        };
        let (one, many) = ("a.example/gw-1", "a.example/{half-year}");
        for (origin, lock, is_good) in [
            (one, None, true),
            (one, Some("/head"), true),
            (many, None, true),
            (many, Some("/heads/{half-year}"), true),
            (one, Some("/heads/{half-year}"), false),
            (many, Some("/head"), false),
            ("a.example/{half_year}", None, false),
            ("a.example/{half-year}/{half-year}", None, false),
            ("{half-year}.a.example/gw-1", None, false),
            ("{half-year}", None, false),
        ] {
            let checked = config(origin, lock).check_half_years();
            assert_eq!(checked.is_ok(), is_good, "{origin} {lock:?}");
        }
    }
}
