//! The files of the log and what is done to them. Only the writing thread has a [`Log`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, FlockOperation};
use rustix::io::Errno;

use crate::chain::Chain;
use crate::recover::Recovered;
use crate::segment::{self, Head, SPARE_FILE, WAL_DIR};
use crate::{Config, Error};

/// The open segment, and the directory that is held against other writers.
#[derive(Debug)]
pub(crate) struct Log {
    dir: PathBuf,
    origin: String,
    size: u64,
    reserve_bytes: u64,
    reserve_percent: u64,
    file: File,
    path: PathBuf,
    segment: u64,
    used: u64,
    /// How far zeros were written ahead of the batches.
    zeroed: u64,
    /// The head of a new segment, until its first batch takes it along.
    head: Vec<u8>,
    has_spare: bool,
    _held: File,
}

/// Holds the directory of a log against other writers until the file is closed.
pub(crate) fn hold(dir: &Path) -> Result<File, Error> {
    let wal = dir.join(WAL_DIR);
    fs::create_dir_all(&wal).map_err(Error::io("create", &wal))?;
    let path = dir.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(Error::io("open", &path))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(Error::Held(dir.to_owned())),
        Err(errno) => Err(Error::io("lock", path)(errno.into())),
    }
}

impl Log {
    /// Opens the last segment where the log ends, and cuts what is torn behind it.
    pub(crate) fn open(config: &Config, recovered: &Recovered, held: File) -> Result<Self, Error> {
        let path = segment::path(&config.dir, recovered.segment);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let mut log = Self {
            dir: config.dir.clone(),
            origin: config.origin.clone(),
            size: config.segment_bytes,
            reserve_bytes: config.reserve_bytes,
            reserve_percent: u64::from(config.reserve_percent),
            file,
            path,
            segment: recovered.segment,
            used: recovered.used,
            zeroed: recovered.used,
            head: Vec::new(),
            has_spare: false,
            _held: held,
        };
        log.cut()?;
        log.write_again(recovered.last_batch)?;
        log.file.sync_all().map_err(Error::io("sync", &log.path))?;
        log.sync_dir()?;
        if log.used == 0 {
            log.head = log.head_frame(&recovered.chain, recovered.from);
        }
        Ok(log)
    }

    /// The number of the open segment.
    pub(crate) const fn segment(&self) -> u64 {
        self.segment
    }

    /// True if a batch of that many bytes belongs into the next segment.
    pub(crate) const fn is_full(&self, bytes: usize) -> bool {
        self.used > 0 && self.used + bytes as u64 + TRAILER_ROOM > self.size
    }

    /// Closes the segment and begins the next one; its head goes out with the next batch.
    pub(crate) fn roll(&mut self, chain: &Chain, replay_from: u64) -> Result<(), Error> {
        self.file
            .set_len(self.used)
            .map_err(Error::io("truncate", &self.path))?;
        if !self.prepare_spare()? {
            return Err(Error::io("preallocate", self.spare_path())(
                Errno::NOSPC.into(),
            ));
        }
        let (spare, next) = (
            self.spare_path(),
            segment::path(&self.dir, self.segment + 1),
        );
        fs::rename(&spare, &next).map_err(Error::io("rename", &spare))?;
        self.sync_dir()?;
        self.file = OpenOptions::new()
            .write(true)
            .open(&next)
            .map_err(Error::io("open", &next))?;
        self.path = next;
        (self.has_spare, self.used, self.zeroed) = (false, 0, 0);
        self.segment += 1;
        self.head = self.head_frame(chain, replay_from);
        Ok(())
    }

    /// Writes a batch behind the last one. It is not durable before [`Log::sync`].
    ///
    /// Now and then zeros go along, for the batches to come: the first write to a preallocated
    /// block changes the file's extents, which doubles what a sync writes; the second does not.
    pub(crate) fn write(&mut self, frames: &[u8], trailer: &[u8]) -> Result<(), Error> {
        let end = self.used + (self.head.len() + frames.len() + trailer.len()) as u64;
        let zeros = if end > self.zeroed {
            let room = self.size.saturating_sub(end).min(ZEROS.len() as u64);
            self.zeroed = end + room;
            ZEROS.get(..room as usize).unwrap_or_default()
        } else {
            &[]
        };
        write_all_at(&self.file, [&self.head, frames, trailer, zeros], self.used)
            .map_err(Error::io("write", &self.path))?;
        self.used = end;
        self.head.clear();
        Ok(())
    }

    /// Makes everything written durable. Called once per batch, and never again after it failed:
    /// the kernel forgets the pages it could not write.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::io("sync", &self.path))
    }

    /// Preallocates the next segment if there is none; false if the disk has no room for it.
    pub(crate) fn prepare_spare(&mut self) -> Result<bool, Error> {
        if self.has_spare {
            return Ok(true);
        }
        let path = self.spare_path();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o640)
            .open(&path)
            .map_err(Error::io("create", &path))?;
        match preallocate(&file, self.size) {
            Ok(()) => self.has_spare = true,
            Err(Errno::NOSPC | Errno::DQUOT) => {
                fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            }
            Err(errno) => return Err(Error::io("preallocate", path)(errno.into())),
        }
        if self.has_spare {
            file.sync_all().map_err(Error::io("sync", &path))?;
        }
        Ok(self.has_spare)
    }

    /// The free bytes of the disk, and how many must be.
    pub(crate) fn free_and_reserve(&self) -> Result<(u64, u64), Error> {
        let stat = rustix::fs::statvfs(&self.dir)
            .map_err(|errno| Error::io("look at the disk of", &self.dir)(errno.into()))?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        let share = bytes(stat.f_blocks) / 100 * self.reserve_percent;
        Ok((bytes(stat.f_bavail), self.reserve_bytes.max(share)))
    }

    /// Cuts the file behind its last whole batch and preallocates the rest again, as zeros.
    fn cut(&self) -> Result<(), Error> {
        self.file
            .set_len(self.used)
            .map_err(Error::io("truncate", &self.path))?;
        preallocate(&self.file, self.size.max(self.used))
            .map_err(|errno| Error::io("preallocate", &self.path)(errno.into()))
    }

    /// Writes the last batch once more. If its sync failed, the kernel shows bytes that are not on
    /// the disk and takes them for clean; written again they are synced again.
    fn write_again(&self, last_batch: u64) -> Result<(), Error> {
        let len = usize::try_from(self.used.saturating_sub(last_batch)).unwrap_or_default();
        let mut batch = vec![0; len];
        self.file
            .read_exact_at(&mut batch, last_batch)
            .and_then(|()| self.file.write_all_at(&batch, last_batch))
            .map_err(Error::io("write again", &self.path))
    }

    fn sync_dir(&self) -> Result<(), Error> {
        let wal = self.dir.join(WAL_DIR);
        File::open(&wal)
            .and_then(|dir| dir.sync_all())
            .map_err(Error::io("sync", wal))
    }

    fn head_frame(&self, chain: &Chain, replay_from: u64) -> Vec<u8> {
        let head = Head {
            segment: self.segment,
            replay_from,
            chain: chain.clone(),
            origin: self.origin.clone(),
        };
        head.to_frame()
    }

    fn spare_path(&self) -> PathBuf {
        self.dir.join(WAL_DIR).join(SPARE_FILE)
    }
}

/// Writes the parts one behind the other.
fn write_all_at(file: &File, parts: [&[u8]; 4], mut at: u64) -> io::Result<()> {
    let mut parts = parts.map(IoSlice::new);
    let mut parts = parts.as_mut_slice();
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match rustix::io::pwritev(file, parts, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                at += written as u64;
                IoSlice::advance_slices(&mut parts, written);
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Reserves the bytes of a file; where the file system cannot, only its length is set.
fn preallocate(file: &File, size: u64) -> Result<(), Errno> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size.max(1)) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => rustix::fs::ftruncate(file, size),
        result => result,
    }
}

/// What is written ahead at once: some twenty batches under load, and a fraction of a millisecond.
static ZEROS: [u8; 256 << 10] = [0; 256 << 10];

/// A head and a trailer, generously.
const TRAILER_ROOM: u64 = 512;
