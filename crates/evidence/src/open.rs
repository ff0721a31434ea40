//! An attempt that is recorded and not yet sealed. Not here: what is asked meanwhile.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use std::fmt;

use exchange::{Criticality, Flag, FlagSet, Reason, Request, Source};
use jiff::Timestamp;

use crate::commitment::{Commitment, Personal, Salt, Salts};
use crate::leaf::{self, Masks, Paths, SealedTail, SourceEntry, SourceName, Tail};
use crate::private::Openings;
use crate::{Evidence, Outcome, SourceOutcome};

/// Proof that an attempt is recorded; without it no agency is asked.
///
/// Dropped before it is sealed, it leaves a leaf that says `ABANDONED`.
#[must_use = "an attempt that is dropped is recorded as abandoned"]
pub struct Open {
    evidence: Evidence,
    key: u64,
    salts: Salts,
    head: Head,
    /// What the attempt hides, sealed: every part of a stream repeats it.
    sealed: Vec<u8>,
    flags: Flags,
    /// What was found out while the sources were asked.
    raised: AtomicU8,
    state: State,
}

/// The head of the leaf.
pub(crate) enum Head {
    /// As it will stand in the log.
    Shown(Vec<u8>),
    /// What the log will commit to, and what it shows in its place.
    Hidden { all: Vec<u8>, shown: Vec<u8> },
}

/// A leaf, and what it hides that the attempt did not, in parts that are sealed apart.
#[derive(Debug, Default)]
pub(crate) struct Sealable {
    pub(crate) leaf: Vec<u8>,
    pub(crate) openings: Vec<Openings>,
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
        head: Head,
        sealed: Vec<u8>,
        flags: Flags,
    ) -> Self {
        Self {
            evidence,
            key,
            salts,
            head,
            sealed,
            flags,
            raised: AtomicU8::new(0),
            state: State::Live,
        }
    }

    /// The salt of the commitment to the record of a source; it goes to the caller with the answer.
    #[must_use]
    pub fn record_salt(&self, source: Source) -> &Salt {
        self.salts.of_source(source)
    }

    /// Raises a flag over what is recorded from now on.
    pub fn raise(&self, flag: Flag) {
        let raised = Flags::NONE.and(FlagSet::NONE.with(flag));
        self.raised.fetch_or(raised.0, Relaxed);
    }

    fn flags(&self) -> Flags {
        Flags(self.flags.0 | self.raised.load(Relaxed))
    }

    pub(crate) const fn key(&self) -> u64 {
        self.key
    }

    /// What the attempt hides, sealed.
    pub(crate) fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// The leaf of a part: the attempt stays open.
    pub(crate) fn part(&self, outcome: &Outcome<'_>) -> Sealable {
        self.finish(self.head.clone(), outcome, self.flags().with_part())
    }

    /// The last leaf: the attempt is closed.
    pub(crate) fn last(mut self, outcome: &Outcome<'_>) -> Sealable {
        let head = std::mem::replace(&mut self.head, Head::Shown(Vec::new()));
        self.state = State::Sealed;
        let flags = self.flags();
        self.finish(head, outcome, flags)
    }

    /// The last leaf, with that tail: the attempt is closed.
    pub(crate) fn last_with(mut self, tail: &impl serde::Serialize) -> Sealable {
        let head = std::mem::replace(&mut self.head, Head::Shown(Vec::new()));
        self.state = State::Sealed;
        self.close(head, tail)
    }

    pub(crate) const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    fn finish(&self, head: Head, outcome: &Outcome<'_>, flags: Flags) -> Sealable {
        let who = outcome.person.as_ref().map(exchange::CitizenId::reveal);
        // Whether a verification has found somebody must not show: it names somebody or "".
        let who = who.or(outcome.verdict.map(|_| ""));
        let hidden = [
            (Personal::Who, "who", who),
            (Personal::Verdict, "ver", outcome.verdict),
        ];
        let [who, ver] = hidden.map(|(personal, name, value)| {
            value.map(|value| Commitment::new(self.salts.of(personal), name, value.as_bytes()))
        });
        let tail = Tail {
            who,
            ver,
            src: Some(Entries {
                sources: outcome.sources,
                salts: &self.salts,
                use_of: if outcome.verdict.is_some() {
                    Use::Compared
                } else {
                    Use::Released
                },
            }),
            why: outcome.failure.map(Reason::name),
            flag: flags,
            ..Tail::of("ALLOW")
        };
        let mut sealable = self.close(head, &tail);
        if who.is_some() || ver.is_some() {
            let mut openings = sealable.openings.pop().unwrap_or_default();
            for (personal, name, value) in hidden {
                if let Some(value) = value {
                    openings.push(name, self.salts.of(personal), value.as_bytes());
                }
            }
            sealable.openings.push(openings);
        }
        sealable
    }

    /// Puts head and tail together; of a hidden head, only a commitment to both is shown.
    fn close(&self, head: Head, tail: &impl serde::Serialize) -> Sealable {
        match head {
            Head::Shown(mut leaf) => {
                leaf::write_tail(&mut leaf, tail);
                Sealable {
                    leaf,
                    openings: Vec::new(),
                }
            }
            Head::Hidden { mut all, mut shown } => {
                leaf::write_tail(&mut all, tail);
                let salt = self.salts.of(Personal::All);
                let commitment = Commitment::new(salt, "all", &all);
                leaf::write_tail(&mut shown, &SealedTail { all: commitment });
                let mut openings = Openings::default();
                openings.push("all", salt, &all);
                Sealable {
                    leaf: shown,
                    openings: vec![openings],
                }
            }
        }
    }
}

impl Head {
    /// An open head closed, as JSON.
    pub(crate) fn tried(open: &[u8]) -> Vec<u8> {
        let mut closed = Vec::with_capacity(open.len() + 1);
        closed.extend_from_slice(open);
        closed.push(b'}');
        closed
    }

    /// What stands in the OPEN frame: after a crash, the whole record but its outcome.
    pub(crate) fn shown(&self) -> &[u8] {
        match self {
            Self::Shown(head) | Self::Hidden { shown: head, .. } => head,
        }
    }
}

impl Clone for Head {
    fn clone(&self) -> Self {
        let copy = |head: &Vec<u8>| {
            let mut copy = Vec::with_capacity(head.len() + TAIL_BYTES);
            copy.extend_from_slice(head);
            copy
        };
        match self {
            Self::Shown(head) => Self::Shown(copy(head)),
            Self::Hidden { all, shown } => Self::Hidden {
                all: copy(all),
                shown: copy(shown),
            },
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.state == State::Live {
            let head = std::mem::replace(&mut self.head, Head::Shown(Vec::new()));
            let tail = Tail::<()> {
                flag: self.flags(),
                ..Tail::of("ABANDONED")
            };
            let sealable = self.close(head, &tail);
            self.evidence.abandon(self.key, &sealable);
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
    use_of: Use,
}

/// What was done with the fields of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// They leave.
    Released,
    /// Claims were compared with them, and they stay.
    Compared,
}

impl serde::Serialize for Entries<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.sources.iter().map(|outcome| {
            let fields = outcome.released;
            let shown = (!fields.is_empty()).then_some(Paths(fields));
            match self.use_of {
                Use::Released => outcome.entry(shown, self.salts),
                Use::Compared => SourceEntry {
                    c: shown,
                    ..outcome.entry(None, self.salts)
                },
            }
        }))
    }
}

impl SourceOutcome {
    /// As it stands in a record, which shows these of the released fields.
    pub(crate) fn entry(&self, shown: Option<Paths>, salts: &Salts) -> SourceEntry {
        let salt = salts.of_source(self.source);
        let record = self.record.as_ref();
        SourceEntry {
            s: SourceName(self.source),
            st: self.state.name(),
            f: shown,
            c: None,
            m: (!self.masked.is_empty()).then_some(Masks(self.masked)),
            asof: self.as_of.map(Timestamp::as_millisecond),
            r: record.map(|digest| Commitment::new(salt, "r", digest)),
        }
    }
}

/// The flags of a leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    const BREAK_GLASS: u8 = 1;
    const DRY_RUN: u8 = 2;
    const PART: u8 = 4;
    const OUT_OF_HOURS: u8 = 8;
    const OWN_RECORD: u8 = 16;
    const OWN_RELATIVE: u8 = 32;
    const JOINED: u8 = 64;

    /// Their names, in the order in which a leaf has them.
    const NAMES: [(u8, &'static str); 7] = [
        (Self::BREAK_GLASS, "BREAK_GLASS"),
        (Self::DRY_RUN, "DRY_RUN"),
        (Self::PART, "PART"),
        (Self::OUT_OF_HOURS, Flag::OutOfHours.name()),
        (Self::OWN_RECORD, Flag::OwnRecord.name()),
        (Self::OWN_RELATIVE, Flag::OwnRelative.name()),
        (Self::JOINED, Flag::Joined.name()),
    ];

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

    /// The same with what admission has found.
    pub(crate) const fn and(self, found: FlagSet) -> Self {
        let mut bits = self.0;
        if found.has(Flag::OutOfHours) {
            bits |= Self::OUT_OF_HOURS;
        }
        if found.has(Flag::OwnRecord) {
            bits |= Self::OWN_RECORD;
        }
        if found.has(Flag::OwnRelative) {
            bits |= Self::OWN_RELATIVE;
        }
        if found.has(Flag::Joined) {
            bits |= Self::JOINED;
        }
        Self(bits)
    }

    const fn with_part(self) -> Self {
        Self(self.0 | Self::PART)
    }

    /// True if there is none.
    pub(crate) const fn is_none(&self) -> bool {
        self.0 == 0
    }
}

impl serde::Serialize for Flags {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raised = Self::NAMES.iter().filter(|(bit, _)| self.0 & bit != 0);
        serializer.collect_seq(raised.map(|(_, name)| name))
    }
}

/// Room for a tail with several sources.
pub(crate) const TAIL_BYTES: usize = 1200;
