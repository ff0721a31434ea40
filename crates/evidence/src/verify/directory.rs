//! Walks every segment of a log.

use std::collections::BTreeSet;
use std::path::Path;

use super::census::Census;
use super::{Progress, VerifyError};
use crate::chain::Chain;
use crate::frame::{Frame, Kind};
use crate::publish::Place;
use crate::scan::{self, Broken, Scan};
use crate::segment::{self, Head, Window};

/// What a log holds, when nothing is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The name of the log.
    pub origin: String,
    /// Its leaves.
    pub census: Census,
    /// The sequence numbers of the first and the last leaf.
    pub seqs: Option<(u64, u64)>,
    /// The number of segments.
    pub segments: u64,
    /// The bytes of whole batches.
    pub bytes: u64,
    /// The bytes behind the last whole batch: a batch that is being written, or one that a crash
    /// has torn.
    pub torn_bytes: u64,
    /// The attempts that have no leaf yet.
    pub open_attempts: u64,
    /// The frames of a kind that a later version has added.
    pub newer_frames: u64,
    /// The lines of a later version in the file `keys`, if that was read.
    pub newer_keys: u64,
}

/// Checks a log from its first byte to its last whole batch.
///
/// # Errors
/// The first thing that is wrong.
pub fn directory(dir: &Path, progress: impl FnMut(Progress)) -> Result<Report, VerifyError> {
    walk(dir, progress, |_, _| ())
}

/// The same, and tells `visit` the sequence number and the JSON of every leaf.
pub(super) fn walk(
    dir: &Path,
    mut progress: impl FnMut(Progress),
    mut visit: impl FnMut(u64, &[u8]),
) -> Result<Report, VerifyError> {
    if !dir.join(segment::WAL_DIR).is_dir() {
        return Err(VerifyError::NoLog(dir.to_owned()));
    }
    let numbers = segment::list(dir).map_err(VerifyError::Unreadable)?;
    let mut walk = Walk::default();
    for (place, &number) in (1..).zip(&numbers) {
        let is_last = place == numbers.len() as u64;
        if number != place - 1 {
            return Err(walk.damage(Broken {
                at: 0,
                problem: "a segment before this one is missing",
            }));
        }
        walk.segment = number;
        walk.segment(dir, is_last, &mut visit)?;
        progress(Progress {
            done: place,
            of: numbers.len() as u64,
            leaves: walk.report.census.leaves,
        });
    }
    walk.report.segments = numbers.len() as u64;
    walk.report.open_attempts = walk.open.len() as u64;
    Ok(walk.report)
}

/// Checks a log that is being written from its first byte to a place that is durable, a stretch at a
/// time; `pause` gets each before it is checked, `visit` the number and the JSON of every leaf.
pub(super) fn walk_to(
    dir: &Path,
    end: Place,
    mut pause: impl FnMut(&Window) -> Result<(), VerifyError>,
    mut visit: impl FnMut(u64, &[u8]),
) -> Result<(), VerifyError> {
    let mut walk = Walk::default();
    for segment in 0..=end.segment {
        walk.segment = segment;
        let until = (segment == end.segment).then_some(end.at);
        walk.stretches(dir, until, &mut pause, &mut visit)?;
    }
    Ok(())
}

#[derive(Default)]
struct Walk {
    report: Report,
    chain: Chain,
    open: BTreeSet<u64>,
    last_key: u64,
    segment: u64,
}

impl Walk {
    /// Reads a segment, and again what the writer may have changed meanwhile.
    fn segment(
        &mut self,
        dir: &Path,
        is_last: bool,
        visit: &mut impl FnMut(u64, &[u8]),
    ) -> Result<(), VerifyError> {
        let (mut at, mut doubt) = (0, None);
        loop {
            let bytes = segment::read(dir, self.segment).map_err(VerifyError::Unreadable)?;
            let Err(broken) = self.read(&bytes, &mut at, visit)? else {
                break;
            };
            let rest = bytes.get(at..).unwrap_or_default();
            if is_last && !scan::holds_trailer_after(rest, self.chain.batch) {
                break;
            }
            // A batch that was half written when it was read is whole by now.
            if !is_last || doubt == Some(broken) {
                return Err(self.damage(broken));
            }
            doubt = Some(broken);
        }
        self.report.bytes += at as u64;
        Ok(())
    }

    /// Reads on from `at` to the end, or to where it is broken; leaves `at` behind the last whole
    /// batch.
    fn read(
        &mut self,
        bytes: &[u8],
        at: &mut usize,
        visit: &mut impl FnMut(u64, &[u8]),
    ) -> Result<Result<(), Broken>, VerifyError> {
        self.report.torn_bytes = scan::torn(bytes, *at);
        let mut scan = Scan::resume(bytes, self.segment, *at);
        if *at == 0 {
            let head;
            (scan, head) = match Scan::new(bytes, self.segment) {
                Ok(begun) => begun,
                Err(_) if Head::is_newer(bytes) => return Err(VerifyError::Newer(self.segment)),
                Err(broken) => return Ok(Err(broken)),
            };
            self.link(head)?;
        }
        let end = self.batches(&mut scan, at, visit)?;
        self.report.torn_bytes = scan.torn();
        Ok(end)
    }

    /// Reads a segment a stretch at a time: to its end, or `until` a place in it.
    fn stretches(
        &mut self,
        dir: &Path,
        until: Option<u64>,
        pause: &mut impl FnMut(&Window) -> Result<(), VerifyError>,
        visit: &mut impl FnMut(u64, &[u8]),
    ) -> Result<(), VerifyError> {
        let mut window = Window::open(dir, self.segment).map_err(VerifyError::Unreadable)?;
        let (mut at, mut is_begun) = (0, false);
        loop {
            let end = self.stretch(&window, &mut at, &mut is_begun, visit)?;
            let place = window.start() + at as u64;
            if until.is_some_and(|until| place >= until) {
                return Ok(());
            }
            // What seems broken may only be cut off by the window.
            if window.read_on(at).map_err(VerifyError::Unreadable)? {
                at = 0;
                pause(&window)?;
                continue;
            }
            let short = Broken {
                at,
                problem: "a segment ends before what was durable",
            };
            let end = match until {
                Some(_) => end.and(Err(short)),
                None => end,
            };
            return end.map_err(|broken| self.damage(broken.behind(window.start())));
        }
    }

    /// Reads the whole batches in a window from `at` on; leaves `at` behind the last of them.
    fn stretch(
        &mut self,
        window: &Window,
        at: &mut usize,
        is_begun: &mut bool,
        visit: &mut impl FnMut(u64, &[u8]),
    ) -> Result<Result<(), Broken>, VerifyError> {
        let mut scan = Scan::resume(window.bytes(), self.segment, *at);
        if !*is_begun {
            let head;
            (scan, head) = match Scan::new(window.bytes(), self.segment) {
                Ok(begun) => begun,
                Err(_) if Head::is_newer(window.bytes()) => {
                    return Err(VerifyError::Newer(self.segment));
                }
                Err(broken) => return Ok(Err(broken)),
            };
            self.link(head)?;
            *is_begun = true;
        }
        self.batches(&mut scan, at, visit)
    }

    /// Reads whole batches to where it ends or is broken; leaves `at` behind the last of them.
    fn batches(
        &mut self,
        scan: &mut Scan<'_>,
        at: &mut usize,
        visit: &mut impl FnMut(u64, &[u8]),
    ) -> Result<Result<(), Broken>, VerifyError> {
        let mut frames = Vec::new();
        loop {
            *at = scan.at();
            match scan.next(&mut self.chain, &mut frames) {
                Ok(true) => self.note(&frames, scan.at(), visit)?,
                Ok(false) => return Ok(Ok(())),
                Err(broken) => return Ok(Err(broken)),
            }
        }
    }

    fn link(&mut self, head: Head) -> Result<(), VerifyError> {
        let broken = |problem| Broken { at: 0, problem };
        if head.chain != self.chain || head.replay_from > head.segment {
            return Err(self.damage(broken("a segment does not continue the one before it")));
        }
        if head.segment > 0 && head.origin != self.report.origin {
            return Err(self.damage(broken("a segment belongs to another log")));
        }
        self.report.origin = head.origin;
        Ok(())
    }

    /// Checks the frames of a whole batch that ends at `end`.
    fn note(
        &mut self,
        frames: &[Frame<'_>],
        end: usize,
        visit: &mut impl FnMut(u64, &[u8]),
    ) -> Result<(), VerifyError> {
        for frame in frames {
            let noted = frame.body().and_then(|(key, json)| match frame.kind {
                Kind::Open => self.note_open(key),
                Kind::Opening => Ok(()),
                Kind::Newer => {
                    self.report.newer_frames += 1;
                    Ok(())
                }
                Kind::Leaf | Kind::Segment | Kind::Batch => {
                    self.note_leaf(key, json)?;
                    visit(frame.seq, json);
                    let (first, _) = self.report.seqs.unwrap_or((frame.seq, frame.seq));
                    self.report.seqs = Some((first, frame.seq));
                    Ok(())
                }
            });
            noted.map_err(|problem| self.damage(Broken { at: end, problem }))?;
        }
        Ok(())
    }

    fn note_open(&mut self, key: u64) -> Result<(), &'static str> {
        if key <= self.last_key {
            return Err("the key of an attempt is used twice");
        }
        self.last_key = key;
        self.open.insert(key);
        Ok(())
    }

    fn note_leaf(&mut self, key: u64, json: &[u8]) -> Result<(), &'static str> {
        if key != 0 && !self.open.remove(&key) {
            return Err("a leaf closes an attempt that is not open");
        }
        self.report.census.add(json)
    }

    fn damage(&self, broken: Broken) -> VerifyError {
        VerifyError::Damaged(broken.damage(self.segment))
    }
}
