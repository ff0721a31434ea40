//! What a log says when it is opened again: where to go on, what was torn, what was left open.
//!
//! Not here: repairing it. The writer cuts the torn tail and writes the leaves that say so.

use std::collections::BTreeMap;
use std::path::Path;

use crate::chain::Chain;
use crate::frame::{Frame, Kind};
use crate::leaf;
use crate::scan::{self, Broken, Scan};
use crate::segment::{self, Head, Window};
use crate::{Damage, Error};

/// Where the log ends and what is to be done about it.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// The state behind the last whole batch.
    pub(crate) chain: Chain,
    /// The segment at which replay began.
    pub(crate) from: u64,
    /// The segment to write to.
    pub(crate) segment: u64,
    /// How far that segment is used; 0 if it has no head yet.
    pub(crate) used: u64,
    /// Where the last whole batch of that segment begins; with the head, if it is the first.
    pub(crate) last_batch: u64,
    /// The bytes behind the last whole batch that are to be cut.
    pub(crate) torn: u64,
    /// Every OPEN without its LEAF: key and open head, in the order of their keys.
    pub(crate) unfinished: BTreeMap<u64, Vec<u8>>,
    /// The policy that was named last, as far as it was read.
    pub(crate) policy: Option<[u8; 32]>,
    /// What of a later version there is.
    newer: Option<&'static str>,
}

impl Recovered {
    /// Reads as much of the log as is needed.
    ///
    /// # Errors
    /// A file cannot be read, the log has another origin, it is damaged where it was durable, or a
    /// later version has written what this one cannot go on with.
    pub(crate) fn read(dir: &Path, origin: &str) -> Result<Self, Error> {
        let numbers = segment::list(dir)?;
        let mut recovered = Self::default();
        let Some(&last) = numbers.last() else {
            return Ok(recovered);
        };
        let from = replay_from(dir, &numbers, origin)?;
        recovered.from = from;
        let mut linked = false;
        for segment in from..=last {
            recovered.segment = segment;
            let window = Window::open(dir, segment)?;
            recovered.replay(window, origin, segment == last, linked)?;
            linked = true;
            if let Some(what) = recovered.newer {
                let path = segment::path(dir, segment);
                return Err(Error::Newer { path, what });
            }
        }
        Ok(recovered)
    }

    fn replay(
        &mut self,
        mut window: Window,
        origin: &str,
        is_last: bool,
        linked: bool,
    ) -> Result<(), Error> {
        let segment = self.segment;
        let (mut at, head) = loop {
            let more = window.read_on(0)?;
            match Scan::new(window.bytes(), segment) {
                Ok((scan, head)) => break (scan.at(), head),
                // Not torn, though nothing in it can be read.
                Err(_) if Head::is_newer(window.bytes()) => {
                    self.newer = Some("the format");
                    return Ok(());
                }
                Err(_) if more => {}
                Err(_)
                    if is_last && !scan::holds_trailer_after(window.bytes(), self.chain.batch) =>
                {
                    (self.used, self.torn) = (0, scan::torn(window.bytes(), 0));
                    return Ok(());
                }
                Err(broken) => return Err(Error::Damaged(broken.damage(segment))),
            }
        };
        self.link(&head, origin, linked)?;
        self.last_batch = 0;
        let begin = at as u64;
        loop {
            let end = self.replay_window(&window, &mut at, begin);
            // What seems broken may only be cut off by the window.
            if window.read_on(at)? {
                at = 0;
                continue;
            }
            match end {
                Err(broken) if is_last => {
                    let scan = Scan::resume(window.bytes(), segment, at);
                    scan.check_torn(&self.chain, broken)?;
                }
                Err(broken) => return Err(Error::Damaged(broken.damage(segment))),
                Ok(()) => {}
            }
            break;
        }
        // A head without a batch was never durable: it is written again with the first batch.
        let used = window.start() + at as u64;
        (self.used, self.torn) = if used > begin {
            (used, scan::torn(window.bytes(), at))
        } else {
            (0, used + scan::torn(window.bytes(), at))
        };
        Ok(())
    }

    /// Replays the whole batches in a window; leaves `at` behind the last of them.
    fn replay_window(&mut self, window: &Window, at: &mut usize, begin: u64) -> Result<(), Broken> {
        let mut scan = Scan::resume(window.bytes(), self.segment, *at);
        let mut frames = Vec::new();
        let in_file = |broken: Broken| broken.behind(window.start());
        while scan.next(&mut self.chain, &mut frames).map_err(in_file)? {
            self.note(&frames);
            let before = window.start() + *at as u64;
            self.last_batch = if before == begin { 0 } else { before };
            *at = scan.at();
        }
        Ok(())
    }

    /// Goes on from the head of a segment, which must continue the segment before it.
    fn link(&mut self, head: &Head, origin: &str, linked: bool) -> Result<(), Error> {
        check_origin(head, origin)?;
        if linked && head.chain != self.chain {
            return Err(Error::Damaged(Damage {
                segment: head.segment,
                offset: 0,
                problem: "a segment does not continue the one before it",
            }));
        }
        self.chain = head.chain.clone();
        Ok(())
    }

    fn note(&mut self, frames: &[Frame<'_>]) {
        let mut leaves = frames.iter().rev().filter_map(Frame::leaf);
        self.policy = leaves.find_map(leaf::policy).or(self.policy);
        for frame in frames {
            let Ok((key, json)) = frame.body() else {
                continue;
            };
            match frame.kind {
                Kind::Newer => self.newer = Some("frames"),
                Kind::Open | Kind::Leaf if leaf::is_newer(json) => self.newer = Some("records"),
                Kind::Open | Kind::Leaf | Kind::Opening | Kind::Segment | Kind::Batch => {}
            }
            match frame.kind {
                Kind::Open => drop(self.unfinished.insert(key, json.to_vec())),
                Kind::Leaf => drop(self.unfinished.remove(&key)),
                Kind::Opening | Kind::Segment | Kind::Batch | Kind::Newer => {}
            }
        }
    }
}

/// The segment at which replay begins: the newest readable head says so.
fn replay_from(dir: &Path, numbers: &[u64], origin: &str) -> Result<u64, Error> {
    let (first, last) = (
        numbers.first().copied().unwrap_or_default(),
        numbers.last().copied().unwrap_or_default(),
    );
    for segment in [last, last.saturating_sub(1)] {
        if segment >= first
            && let Some(head) = segment::head(dir, segment)?
        {
            check_origin(&head, origin)?;
            return Ok(head.replay_from.max(first));
        }
    }
    Ok(last)
}

fn check_origin(head: &Head, origin: &str) -> Result<(), Error> {
    if head.origin == origin {
        return Ok(());
    }
    Err(Error::Origin {
        expected: origin.to_owned(),
        found: head.origin.clone(),
    })
}
