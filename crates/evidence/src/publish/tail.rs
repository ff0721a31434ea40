//! Reading the leaves of the write-ahead log from some number on, as far as it is durable.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use crate::Error;
use crate::chain::Chain;
use crate::frame::{Frame, Kind};
use crate::scan::{Broken, Scan};
use crate::segment;

/// A place in the write-ahead log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) at: u64,
}

/// Reads the write-ahead log, batch by batch.
#[derive(Debug)]
pub(crate) struct Tail {
    dir: PathBuf,
    /// The number of the next leaf that is wanted.
    next: u64,
    /// Behind the last batch that was read.
    place: Place,
    /// Of the segment that is being read; none before the first and between two.
    chain: Option<Chain>,
    bytes: Vec<u8>,
}

impl Tail {
    /// Begins at the segment that holds the leaf of that number.
    ///
    /// # Errors
    /// A segment cannot be read, or the one that must hold the leaf is not there any more.
    pub(crate) fn from(dir: impl Into<PathBuf>, next: u64) -> Result<Self, Error> {
        let dir = dir.into();
        let mut tail = Self {
            next,
            place: Place::default(),
            chain: None,
            bytes: Vec::new(),
            dir,
        };
        let numbers = segment::list(&tail.dir)?;
        // The last segment may have no head yet, if it is new or a crash has torn it.
        let begins = |number: &u64| -> Result<bool, Error> {
            let head = segment::head(&tail.dir, *number)?;
            Ok(head.is_some_and(|head| head.chain.seq <= next))
        };
        let (mut low, mut high) = (0, numbers.len());
        while low < high {
            let middle = low.midpoint(high);
            match numbers.get(middle) {
                Some(number) if begins(number)? => low = middle + 1,
                _ => high = middle,
            }
        }
        let held = low.checked_sub(1).and_then(|place| numbers.get(place));
        tail.place.segment = match (held, numbers.first()) {
            (Some(number), _) => *number,
            (None, None) if next == 0 => 0,
            (None, Some(0)) if next == 0 => 0,
            (None, _) => return Err(Error::Forgotten { seq: next }),
        };
        Ok(tail)
    }

    /// The same, and before it every attempt whose leaf has that number or a higher one.
    ///
    /// # Errors
    /// As [`Tail::from`].
    pub(crate) fn with_attempts(dir: impl Into<PathBuf>, next: u64) -> Result<Self, Error> {
        let mut tail = Self::from(dir, next)?;
        if let Some(head) = segment::head(&tail.dir, tail.place.segment)? {
            tail.place.segment = head.replay_from.min(tail.place.segment);
        }
        Ok(tail)
    }

    /// The number of the batch that follows what was read.
    pub(crate) fn next_batch(&self) -> u64 {
        self.chain.as_ref().map_or(0, |chain| chain.batch)
    }

    /// Tells `visit` every frame, from the beginning of the segment that holds the next leaf, up to
    /// the batch that ends at `end`, or to the one that brings the number of leaves to `limit`.
    ///
    /// # Errors
    /// The log cannot be read or is damaged, or `visit` fails.
    pub(crate) fn read_to(
        &mut self,
        end: Place,
        limit: u64,
        mut visit: impl FnMut(&Frame<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while self.place < end && self.next < limit {
            let path = segment::path(&self.dir, self.place.segment);
            let file = File::open(&path).map_err(Error::io("read", &path))?;
            let until = if self.place.segment == end.segment {
                end.at
            } else {
                file.metadata().map_err(Error::io("read", &path))?.len()
            };
            self.read_segment(&file, until, limit, &mut visit)?;
            if self.place.segment < end.segment && self.place.at >= until {
                self.place = Place {
                    segment: self.place.segment + 1,
                    at: 0,
                };
                self.chain = None;
            }
        }
        Ok(())
    }

    fn read_segment(
        &mut self,
        file: &File,
        until: u64,
        limit: u64,
        visit: &mut impl FnMut(&Frame<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut stretch = STRETCH;
        while self.place.at < until && self.next < limit {
            let len = stretch.min(until - self.place.at);
            self.bytes.resize(len as usize, 0);
            let path = || segment::path(&self.dir, self.place.segment);
            file.read_exact_at(&mut self.bytes, self.place.at)
                .map_err(|error| Error::io("read", path())(error))?;
            let before = self.place.at;
            let bytes = std::mem::take(&mut self.bytes);
            let read = self.read_batches(&bytes, limit, visit);
            self.bytes = bytes;
            match read? {
                _ if self.place.at > before => {}
                Stopped::Limit => {}
                // A crash may have left zeros behind the last batch of a segment.
                Stopped::Zeros => self.place.at += len,
                Stopped::Broken(_) if len < until - before => stretch *= 2,
                Stopped::Broken(broken) => {
                    return Err(Error::Damaged(broken.damage(self.place.segment)));
                }
            }
        }
        Ok(())
    }

    /// Reads the whole batches in the bytes; why it stopped.
    fn read_batches(
        &mut self,
        bytes: &[u8],
        limit: u64,
        visit: &mut impl FnMut(&Frame<'_>) -> Result<(), Error>,
    ) -> Result<Stopped, Error> {
        let mut scan = Scan::resume(bytes, self.place.segment, 0);
        let mut chain = match self.chain.take() {
            Some(chain) => chain,
            None => match Scan::new(bytes, self.place.segment) {
                Ok((begun, head)) => {
                    scan = begun;
                    head.chain
                }
                Err(broken) => return Ok(Stopped::Broken(broken)),
            },
        };
        let (from, mut frames) = (self.place.at, Vec::new());
        let stopped = loop {
            self.place.at = from + scan.at() as u64;
            if self.next >= limit {
                break Stopped::Limit;
            }
            match scan.next(&mut chain, &mut frames) {
                Ok(true) => {}
                Ok(false) => break Stopped::Zeros,
                Err(broken) => break Stopped::Broken(broken.behind(from)),
            }
            for frame in &frames {
                visit(frame)?;
                if frame.kind == Kind::Leaf {
                    self.next = self.next.max(frame.seq + 1);
                }
            }
        };
        self.chain = Some(chain);
        Ok(stopped)
    }
}

/// Why reading stopped.
enum Stopped {
    /// Enough leaves were read.
    Limit,
    /// Zeros follow.
    Zeros,
    /// What follows is no whole batch.
    Broken(Broken),
}

/// How much is read at once; more if a single batch is larger.
const STRETCH: u64 = if cfg!(test) { 509 } else { 1 << 20 };
