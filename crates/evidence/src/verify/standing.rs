//! Checks a log while it is written: what is public, and what of the write-ahead log is durable. It
//! is read a stretch at a time, and the kernel keeps none of it in memory for that.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use rustix::fs::{Advice, fadvise};

use super::VerifyError;
use super::directory::walk_to;
use super::public::{self, FetchError, Files, PublicReport, Trust};
use super::whole::Shown;
use crate::Error;
use crate::publish::Place;
use crate::tree::leaf_hash;

/// Is told how many bytes were read, before they are checked; may wait, and may end the check.
pub(crate) type Pause<'a> = &'a mut dyn FnMut(u64) -> Result<(), Error>;

/// Checks the public log.
pub(crate) fn standing_public(
    dir: &Path,
    trust: &Trust,
    pause: Pause<'_>,
) -> Result<PublicReport, VerifyError> {
    public::public(&mut Quiet { dir, pause }, trust, |_| ())
}

/// Checks the write-ahead log up to a place that is durable, and that its first `shown` records are
/// those of the public log.
pub(crate) fn standing_wal(
    dir: &Path,
    end: Place,
    shown: u64,
    pause: Pause<'_>,
) -> Result<(), VerifyError> {
    let files = Quiet {
        dir,
        pause: &mut |_| Ok(()),
    };
    let (mut public, mut compared) = (Shown::new(files, shown), Ok(()));
    let read = |window: &crate::segment::Window| {
        window.forget();
        pause(window.bytes().len() as u64).map_err(VerifyError::Unreadable)
    };
    walk_to(dir, end, read, |seq, leaf| {
        if seq < shown && compared.is_ok() {
            compared = public.compare(seq, &leaf_hash(leaf));
        }
    })?;
    compared
}

/// The files of a log in its directory.
struct Quiet<'a> {
    dir: &'a Path,
    pause: Pause<'a>,
}

impl Files for Quiet<'_> {
    fn get(&mut self, path: &str) -> Result<Option<Vec<u8>>, FetchError> {
        let mut file = match File::open(self.dir.join(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        fadvise(&file, 0, None, Advice::DontNeed).ok();
        (self.pause)(bytes.len() as u64)?;
        Ok(Some(bytes))
    }
}
