//! Reading a segment batch by batch, for recovery and for the verifier. Writes nothing.

use crate::Damage;
use crate::chain::{Chain, Trailer};
use crate::frame::{Frame, HEAD_LEN, Kind};
use crate::segment::Head;

/// A segment in memory, and how far it was read.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    segment: u64,
    at: usize,
}

/// Why a segment cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Where.
    pub(crate) at: usize,
    /// Why.
    pub(crate) problem: &'static str,
}

impl<'a> Scan<'a> {
    /// Begins behind the head of the segment.
    pub(crate) fn new(bytes: &'a [u8], segment: u64) -> Result<(Self, Head), Broken> {
        let broken = |problem| Broken { at: 0, problem };
        let (head, at) = Head::read(bytes).map_err(broken)?;
        if head.segment != segment {
            return Err(broken("a segment carries another number than its file"));
        }
        Ok((Self { bytes, segment, at }, head))
    }

    /// Goes on where an earlier reading of the same segment has ended.
    pub(crate) const fn resume(bytes: &'a [u8], segment: u64, at: usize) -> Self {
        Self { bytes, segment, at }
    }

    /// The end of the last whole batch.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// Reads the next batch into `frames` and advances the chain over it; false at the end.
    ///
    /// # Errors
    /// What follows is no whole batch; nothing has advanced then.
    pub(crate) fn next(
        &mut self,
        chain: &mut Chain,
        frames: &mut Vec<Frame<'a>>,
    ) -> Result<bool, Broken> {
        frames.clear();
        let mut at = self.at;
        let rest = |at| self.bytes.get(at..).unwrap_or_default();
        if rest(at).iter().take(HEAD_LEN).all(|byte| *byte == 0) && self.torn() == 0 {
            return Ok(false);
        }
        loop {
            let broken = |problem| Broken { at, problem };
            let frame = Frame::read(rest(at)).map_err(broken)?;
            match frame.kind {
                Kind::Open | Kind::Leaf | Kind::Opening | Kind::Newer => frames.push(frame),
                Kind::Batch => {
                    chain.follow(frames, &frame).map_err(broken)?;
                    self.at = at + frame.len();
                    return Ok(true);
                }
                Kind::Segment => return Err(broken("a segment has a second head")),
            }
            at += frame.len();
        }
    }

    /// The number of bytes behind the last whole batch that are not the zeros of preallocation.
    pub(crate) fn torn(&self) -> u64 {
        torn(self.bytes, self.at)
    }

    /// Refuses a damage that no crash explains.
    ///
    /// One batch is written at a time, so a crash tears at most the next one: a trailer with a
    /// higher number proves that a batch that was durable is damaged.
    pub(crate) fn check_torn(&self, chain: &Chain, broken: Broken) -> Result<(), Damage> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if holds_trailer_after(rest, chain.batch) {
            return Err(broken.damage(self.segment));
        }
        Ok(())
    }
}

impl Broken {
    /// The same, of a stretch that begins at `start`.
    pub(crate) fn behind(self, start: u64) -> Self {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        Self {
            at: self.at.saturating_add(start),
            ..self
        }
    }

    /// The same as a damage of that segment.
    pub(crate) fn damage(self, segment: u64) -> Damage {
        Damage {
            segment,
            offset: self.at as u64,
            problem: self.problem,
        }
    }
}

/// The number of bytes from `at` to the last one that is not zero.
pub(crate) fn torn(bytes: &[u8], at: usize) -> u64 {
    // Whole pages are compared at once: what is left of a segment is mostly zeros.
    const PAGE: usize = 4096;
    let rest = bytes.get(at..).unwrap_or_default();
    let pages = rest.chunks(PAGE).zip((0_u64..).step_by(PAGE));
    let Some((page, start)) = pages.filter(|(page, _)| !is_zero(page)).last() else {
        return 0;
    };
    let last = page.iter().rposition(|byte| *byte != 0);
    start + last.map_or(0, |last| last as u64 + 1)
}

/// True if the bytes are all the same as their neighbour, and the first is zero.
fn is_zero(page: &[u8]) -> bool {
    match page {
        [] => true,
        [first, rest @ ..] => *first == 0 && page.starts_with(rest),
    }
}

/// True if a whole trailer of a batch behind number `batch` stands anywhere in the bytes.
pub(crate) fn holds_trailer_after(bytes: &[u8], batch: u64) -> bool {
    const FRAME_LEN: usize = HEAD_LEN + Trailer::LEN;
    let len = (Trailer::LEN as u32).to_le_bytes();
    bytes
        .windows(FRAME_LEN)
        .filter(|window| window.starts_with(&len))
        .filter_map(|window| Frame::read(window).ok())
        .filter(|frame| frame.kind == Kind::Batch)
        .filter_map(|frame| Trailer::read(frame.payload))
        .any(|trailer| trailer.batch > batch)
}
