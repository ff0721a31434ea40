//! Segments, the files of the log: `wal/0000000000000000.seg` and so on, in order.
//!
//! A segment begins with a SEGMENT frame that repeats the state of the log; batches follow; what
//! is left of the preallocated file is zeros. All but the last end right behind their last batch.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::chain::Chain;
use crate::frame::{self, Frame, Kind};
use crate::replace::sync_dir;

/// The directory of the segments below that of the log.
pub(crate) const WAL_DIR: &str = "wal";
/// The preallocated file that becomes the next segment.
pub(crate) const SPARE_FILE: &str = "spare";

/// What every segment begins with, whatever its format; the number of the format follows.
const MARK: &[u8; 7] = b"LTEVLOG";
const FORMAT: u8 = b'1';

/// The head of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its number.
    pub(crate) segment: u64,
    /// The oldest segment that holds an OPEN without its LEAF, when this one was begun.
    pub(crate) replay_from: u64,
    /// The state of the log before its first batch.
    pub(crate) chain: Chain,
    /// The name of the log.
    pub(crate) origin: String,
}

impl Head {
    /// The head as a whole frame.
    pub(crate) fn to_frame(&self) -> Vec<u8> {
        let mut payload = MARK.to_vec();
        payload.push(FORMAT);
        let chain = &self.chain;
        for number in [
            self.segment,
            self.replay_from,
            chain.batch,
            chain.key,
            chain.ts,
        ] {
            payload.extend_from_slice(&number.to_le_bytes());
        }
        payload.extend_from_slice(&chain.running);
        payload.extend_from_slice(self.origin.as_bytes());
        frame::whole(Kind::Segment, chain.seq, &payload)
    }

    /// Reads the head at the front of a segment; also says where the batches begin.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, usize), &'static str> {
        let frame = Frame::read(bytes)?;
        if frame.kind != Kind::Segment {
            return Err("a segment does not begin with its head");
        }
        Self::parse(&frame)
            .map(|head| (head, frame.len()))
            .ok_or("the head of a segment is of another format")
    }

    /// True if the bytes begin with the head of a segment of a later format, whole.
    pub(crate) fn is_newer(bytes: &[u8]) -> bool {
        let frame = Frame::read(bytes).ok();
        let rest = frame.and_then(|frame| frame.payload.strip_prefix(MARK));
        let format = rest.and_then(|rest| rest.first());
        format.is_some_and(|format| *format > FORMAT)
    }

    fn parse(frame: &Frame<'_>) -> Option<Self> {
        let rest = frame.payload.strip_prefix(MARK)?.strip_prefix(&[FORMAT])?;
        let (segment, rest) = number(rest)?;
        let (replay_from, rest) = number(rest)?;
        let (batch, rest) = number(rest)?;
        let (key, rest) = number(rest)?;
        let (ts, rest) = number(rest)?;
        let (running, origin) = rest.split_first_chunk()?;
        Some(Self {
            segment,
            replay_from,
            chain: Chain {
                batch,
                seq: frame.seq,
                key,
                ts,
                running: *running,
            },
            origin: std::str::from_utf8(origin).ok()?.to_owned(),
        })
    }
}

/// The path of a segment.
pub(crate) fn path(dir: &Path, segment: u64) -> PathBuf {
    dir.join(WAL_DIR).join(format!("{segment:016}.seg"))
}

/// The numbers of the segments there are, in order.
pub(crate) fn list(dir: &Path) -> Result<Vec<u64>, Error> {
    let wal = dir.join(WAL_DIR);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(&wal).map_err(Error::io("list", &wal))? {
        let name = entry.map_err(Error::io("list", &wal))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".seg"));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Destroys the segments of a log, if there are any.
///
/// # Errors
/// A file cannot be removed.
pub(crate) fn destroy(dir: &Path) -> Result<(), Error> {
    let wal = dir.join(WAL_DIR);
    match fs::remove_dir_all(&wal) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", wal)(error))
        }
        _ => sync_dir(dir),
    }
}

/// Reads the head of a segment.
pub(crate) fn head(dir: &Path, segment: u64) -> Result<Option<Head>, Error> {
    const ENOUGH: usize = 1 << 16;
    let mut window = Window::open(dir, segment)?;
    while window.bytes().len() < ENOUGH && window.read_on(0)? {
        if let Ok((head, _)) = Head::read(window.bytes()) {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

/// Reads a whole segment, without most of the zeros at its end.
pub(crate) fn read(dir: &Path, segment: u64) -> Result<Vec<u8>, Error> {
    let mut window = Window::open(dir, segment)?;
    while window.read_on(0)? {}
    Ok(window.bytes)
}

/// A segment that is read from its front, a stretch at a time: a gateway that starts has better
/// use for the memory than 64 MiB that are mostly zeros.
#[derive(Debug)]
pub(crate) struct Window {
    file: fs::File,
    path: PathBuf,
    bytes: Vec<u8>,
    start: u64,
    /// Zeros that were read and are not in `bytes`, since nothing has followed them yet.
    zeros: usize,
    ended: bool,
}

impl Window {
    /// Opens a segment; nothing of it is read yet.
    pub(crate) fn open(dir: &Path, segment: u64) -> Result<Self, Error> {
        let path = path(dir, segment);
        Ok(Self {
            file: fs::File::open(&path).map_err(Error::io("read", &path))?,
            path,
            bytes: Vec::new(),
            start: 0,
            zeros: 0,
            ended: false,
        })
    }

    /// What is in the window.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where in the file the window begins.
    pub(crate) const fn start(&self) -> u64 {
        self.start
    }

    /// Lets the kernel forget what it has kept of the file.
    pub(crate) fn forget(&self) {
        // Advice: where it is not taken, the pages go when others need the memory.
        rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::DontNeed).ok();
    }

    /// Lets the first `done` bytes go and reads on; false if the file had ended before. Of the
    /// zeros at its end as many are kept as a frame may end in.
    pub(crate) fn read_on(&mut self, done: usize) -> Result<bool, Error> {
        /// Short in tests, so that its borders cut through everything.
        const STRETCH: u64 = if cfg!(test) { 509 } else { 1 << 20 };
        const KEPT_ZEROS: usize = 1 << 17;
        /// Between two writes of one batch; a file that was made up may have more.
        const MOST_ZEROS: usize = 64 << 20;
        if self.ended {
            return Ok(false);
        }
        self.start += self.bytes.drain(..done.min(self.bytes.len())).len() as u64;
        let mut stretch = Vec::with_capacity(STRETCH as usize);
        loop {
            stretch.clear();
            let read = (&mut self.file).take(STRETCH).read_to_end(&mut stretch);
            if read.map_err(Error::io("read", &self.path))? == 0 {
                self.ended = true;
                self.bytes
                    .resize(self.bytes.len() + self.zeros.min(KEPT_ZEROS), 0);
                return Ok(true);
            }
            let last = stretch.iter().rposition(|byte| *byte != 0);
            let (written, rest) = stretch.split_at(last.map_or(0, |last| last + 1));
            let zeros_before = std::mem::replace(&mut self.zeros, rest.len());
            if written.is_empty() {
                self.zeros += zeros_before;
                continue;
            }
            let zeros = zeros_before.min(MOST_ZEROS);
            self.bytes.resize(self.bytes.len() + zeros, 0);
            self.bytes.extend_from_slice(written);
            return Ok(true);
        }
    }
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_back() {
        let head = Head {
            segment: 3,
            replay_from: 2,
            chain: Chain {
                batch: 9,
                seq: 40,
                key: 17,
                ts: 1_771_234_567_890,
                running: [5; 32],
            },
            origin: "audit.gw.example/gw-2/2027h1".to_owned(),
        };
        let bytes = head.to_frame();
        assert_eq!(Head::read(&bytes), Ok((head, bytes.len())));
    }
}
