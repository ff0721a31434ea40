//! The files of the log and what is done to them. Only the writing thread has a [`Log`].

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, FlockOperation, OFlags};
use rustix::io::Errno;

use super::ahead::Ahead;
use super::blocks::{BLOCK, Blocks};
use crate::chain::Chain;
use crate::publish::Place;
use crate::recover::Recovered;
use crate::replace::sync_dir;
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
    /// The bytes of the block that the log ends in.
    end: Blocks,
    /// How far it was written, with zeros ahead of the batches.
    ahead: Ahead,
    /// The same of the next segment, once it is begun.
    spare: Option<Ahead>,
    /// How often zeros went along with a batch.
    along: u32,
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
        let file = open_segment(&path).map_err(Error::io("open", &path))?;
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
            end: Blocks::default(),
            ahead: Ahead::at(recovered.used),
            spare: None,
            along: 0,
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

    /// Where the last batch ends.
    pub(crate) const fn end(&self) -> Place {
        Place {
            segment: self.segment,
            at: self.used,
        }
    }

    /// True if a batch of that many bytes belongs into the next segment.
    pub(crate) const fn is_full(&self, bytes: usize) -> bool {
        self.used > 0 && self.used + bytes as u64 + TRAILER_ROOM > self.size
    }

    /// Closes the segment and begins the next one; its head goes out with the next batch.
    pub(crate) fn roll(&mut self, chain: &Chain, replay_from: u64) -> Result<(), Error> {
        self.ahead.stop(); // or it would grow again
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
        self.file = open_segment(&next).map_err(Error::io("open", &next))?;
        self.path = next;
        self.end.clear();
        (self.has_spare, self.used) = (false, 0);
        self.ahead = self.spare.take().unwrap_or(Ahead::at(0));
        self.segment += 1;
        self.head = self.head_frame(chain, replay_from);
        Ok(())
    }

    /// Writes a batch behind the last one. It is not durable before [`Log::sync`].
    ///
    /// Now and then zeros go along, for the batches to come; under load a thread is ahead with them.
    pub(crate) fn write(&mut self, frames: &[u8], trailer: &[u8]) -> Result<(), Error> {
        let begin = begin_of_block(self.used);
        for part in [&self.head, frames, trailer] {
            self.end.extend(part);
        }
        let (len, used) = (self.end.len(), begin + self.end.len() as u64);
        let is_covered = self.ahead.covers(used);
        let room = match is_covered {
            true => 0,
            false => self.size.saturating_sub(used).min(AHEAD),
        };
        self.end.extend_zeros(room as usize);
        self.end
            .write_to(&self.file, begin)
            .map_err(Error::io("write", &self.path))?;
        self.end.keep_last(len);
        self.used = used;
        self.head.clear();
        if !is_covered {
            self.ahead = Ahead::at(used + room);
            self.along = self.along.saturating_add(1);
        }
        self.run_ahead(is_covered);
        Ok(())
    }

    /// Under load, lets a thread write zeros ahead of the batches, in this segment and in the next.
    fn run_ahead(&mut self, is_covered: bool) {
        if self.along < BUSY || self.size < LARGE {
            return;
        }
        if !is_covered && let Ok(file) = self.file.try_clone() {
            self.ahead.begin(file, self.size);
        }
        if self.spare.is_none() && self.has_spare && self.used > self.size / 2 {
            let mut spare = Ahead::at(0);
            if let Ok(file) = open_segment(&self.spare_path()) {
                spare.begin(file, self.size);
            }
            self.spare = Some(spare);
        }
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
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o640);
        let file = match options.open(&path) {
            // Of inodes.
            Err(error) if is_full(&error) => return Ok(false),
            opened => opened.map_err(Error::io("create", &path))?,
        };
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
    fn write_again(&mut self, last_batch: u64) -> Result<(), Error> {
        let begin = begin_of_block(last_batch.min(self.used));
        let mut bytes = vec![0; (self.used - begin) as usize];
        File::open(&self.path)
            .and_then(|file| file.read_exact_at(&mut bytes, begin))
            .map_err(Error::io("read", &self.path))?;
        self.end.extend(&bytes);
        self.end
            .write_to(&self.file, begin)
            .map_err(Error::io("write again", &self.path))?;
        self.end.keep_last(bytes.len());
        Ok(())
    }

    fn sync_dir(&self) -> Result<(), Error> {
        sync_dir(&self.dir.join(WAL_DIR))
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

/// Opens a segment to be written past the page cache, where the file system knows how.
fn open_segment(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o640);
    let direct = options
        .clone()
        .custom_flags(OFlags::DIRECT.bits().cast_signed())
        .open(path);
    match direct {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => options.open(path),
        opened => opened,
    }
}

/// True if the disk, or what one may have of it, is full.
fn is_full(error: &io::Error) -> bool {
    let kind = error.kind();
    matches!(
        kind,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Where the block begins that this place lies in.
const fn begin_of_block(at: u64) -> u64 {
    at - at % BLOCK as u64
}

/// Reserves the bytes of a file; where the file system cannot, only its length is set.
fn preallocate(file: &File, size: u64) -> Result<(), Errno> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size.max(1)) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => rustix::fs::ftruncate(file, size),
        result => result,
    }
}

/// How many zeros go along with a batch: for some twenty batches under load, and in a fraction of a
/// millisecond.
const AHEAD: u64 = 256 << 10;
/// How often they do before a thread is ahead: 4 MiB of records, which a quiet node does not have
/// between two starts.
const BUSY: u32 = 16;
/// Smaller segments are not worth a thread.
const LARGE: u64 = 8 << 20;

/// A head and a trailer, generously.
const TRAILER_ROOM: u64 = 512;
