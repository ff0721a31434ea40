//! An attempt that is recorded and not yet sealed. Not here: what is asked meanwhile.

use std::fmt;

use exchange::{Criticality, Reason, Request, Source};
use jiff::Timestamp;

use crate::commitment::{Commitment, Salt, Salts};
use crate::leaf::{self, Paths, SourceEntry, SourceName, Tail};
use crate::{Evidence, Outcome, SourceOutcome};

/// Proof that an attempt is recorded; without it no agency is asked.
///
/// Dropped before it is sealed, it leaves a leaf that says `ABANDONED`.
#[must_use = "an attempt that is dropped is recorded as abandoned"]
pub struct Open {
    evidence: Evidence,
    key: u64,
    salts: Salts,
    head: Vec<u8>,
    flags: Flags,
    state: State,
}

/// Whether the place in the queue is still this attempt's to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Live,
    Sealed,
}

impl Open {
    pub(crate) const fn new(
        evidence: Evidence,
        key: u64,
        salts: Salts,
        head: Vec<u8>,
        flags: Flags,
    ) -> Self {
        Self {
            evidence,
            key,
            salts,
            head,
            flags,
            state: State::Live,
        }
    }

    /// The salt of the commitment to the record of a source; it goes to the caller with the answer.
    #[must_use]
    pub fn record_salt(&self, source: Source) -> &Salt {
        self.salts.of_source(source)
    }

    pub(crate) const fn key(&self) -> u64 {
        self.key
    }

    /// The leaf of a part: the attempt stays open.
    pub(crate) fn part_leaf(&self, outcome: &Outcome<'_>) -> Vec<u8> {
        let mut leaf = Vec::with_capacity(self.head.len() + TAIL_BYTES);
        leaf.extend_from_slice(&self.head);
        self.write_tail(&mut leaf, outcome, self.flags.with_part());
        leaf
    }

    /// The last leaf: the attempt is closed.
    pub(crate) fn final_leaf(mut self, outcome: &Outcome<'_>) -> Vec<u8> {
        let mut leaf = std::mem::take(&mut self.head);
        self.write_tail(&mut leaf, outcome, self.flags);
        self.state = State::Sealed;
        leaf
    }

    fn write_tail(&self, leaf: &mut Vec<u8>, outcome: &Outcome<'_>, flags: Flags) {
        let entries = Entries {
            sources: outcome.sources,
            salts: &self.salts,
        };
        leaf::write_tail(
            leaf,
            &Tail {
                src: Some(entries),
                dec: "ALLOW",
                why: outcome.failure.map(Reason::name),
                flag: flags.names(),
                opened: None,
            },
        );
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.state == State::Live {
            let mut leaf = std::mem::take(&mut self.head);
            leaf::write_tail(
                &mut leaf,
                &Tail::<()> {
                    src: None,
                    dec: "ABANDONED",
                    why: None,
                    flag: self.flags.names(),
                    opened: None,
                },
            );
            self.evidence.abandon(self.key, &leaf);
        }
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("key", &self.key)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The sources of an outcome as they stand in a leaf.
struct Entries<'a> {
    sources: &'a [SourceOutcome],
    salts: &'a Salts,
}

impl serde::Serialize for Entries<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.sources.iter().map(|outcome| SourceEntry {
            s: SourceName(outcome.source),
            st: outcome.state.name(),
            f: Paths(outcome.released),
            asof: outcome.as_of.map(Timestamp::as_millisecond),
            r:
                outcome.record.as_ref().map(|digest| {
                    Commitment::new(self.salts.of_source(outcome.source), "r", digest)
                }),
        }))
    }
}

/// The flags of a leaf, as an index into the lists of their names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    const BREAK_GLASS: u8 = 1;
    const DRY_RUN: u8 = 2;
    const PART: u8 = 4;

    /// The flags that a request of that urgency raises.
    pub(crate) fn of(request: &Request, criticality: Criticality) -> Self {
        let mut bits = 0;
        if criticality == Criticality::Emergency {
            bits |= Self::BREAK_GLASS;
        }
        if request.dry_run {
            bits |= Self::DRY_RUN;
        }
        Self(bits)
    }

    const fn with_part(self) -> Self {
        Self(self.0 | Self::PART)
    }

    pub(crate) const fn names(self) -> &'static [&'static str] {
        match self.0 {
            1 => &["BREAK_GLASS"],
            2 => &["DRY_RUN"],
            3 => &["BREAK_GLASS", "DRY_RUN"],
            4 => &["PART"],
            5 => &["BREAK_GLASS", "PART"],
            6 => &["DRY_RUN", "PART"],
            7 => &["BREAK_GLASS", "DRY_RUN", "PART"],
            _ => &[],
        }
    }
}

/// Room for a tail with several sources.
pub(crate) const TAIL_BYTES: usize = 1200;
