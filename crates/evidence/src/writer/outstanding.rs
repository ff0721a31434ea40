//! Which segments hold an OPEN without its LEAF, so that replay after a crash reads no more.

use std::collections::VecDeque;

use crate::frame::Kind;

/// Counts unfinished attempts per segment.
///
/// Keys only grow, so a segment is known by the first key that was opened in it.
#[derive(Debug, Default)]
pub(crate) struct Outstanding(VecDeque<Segment>);

#[derive(Debug)]
struct Segment {
    number: u64,
    first_key: u64,
    open: u64,
}

impl Outstanding {
    /// Begins with the attempts that a crash has left in the segments from `number` on.
    pub(crate) fn after_crash(number: u64, open: usize) -> Self {
        let mut segments = VecDeque::new();
        if open > 0 {
            segments.push_back(Segment {
                number,
                first_key: 0,
                open: open as u64,
            });
        }
        Self(segments)
    }

    /// Takes note of a frame that goes into segment `number`.
    pub(crate) fn note(&mut self, kind: Kind, key: u64, number: u64) {
        match kind {
            Kind::Open => self.opened(key, number),
            Kind::Leaf if key != 0 => self.closed(key),
            Kind::Leaf | Kind::Opening | Kind::Segment | Kind::Batch | Kind::Newer => {}
        }
    }

    /// The oldest segment with an unfinished attempt.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.0.front().map(|segment| segment.number)
    }

    fn opened(&mut self, key: u64, number: u64) {
        match self.0.back_mut() {
            Some(last) if last.number == number => last.open += 1,
            _ => self.0.push_back(Segment {
                number,
                first_key: key,
                open: 1,
            }),
        }
    }

    fn closed(&mut self, key: u64) {
        let mut newest_first = self.0.iter_mut().rev();
        if let Some(segment) = newest_first.find(|segment| segment.first_key <= key) {
            segment.open = segment.open.saturating_sub(1);
        }
        while self.0.front().is_some_and(|segment| segment.open == 0) {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replay_begins_at_the_oldest_unfinished_attempt() {
        let mut outstanding = Outstanding::after_crash(3, 1);
        outstanding.note(Kind::Open, 8, 4);
        outstanding.note(Kind::Open, 9, 5);
        assert_eq!(outstanding.oldest(), Some(3));
        outstanding.note(Kind::Leaf, 7, 5);
        assert_eq!(outstanding.oldest(), Some(4));
        outstanding.note(Kind::Leaf, 9, 5);
        outstanding.note(Kind::Leaf, 0, 5);
        assert_eq!(outstanding.oldest(), Some(4));
        outstanding.note(Kind::Leaf, 8, 6);
        assert_eq!(outstanding.oldest(), None);
    }
}
