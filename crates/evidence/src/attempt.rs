//! What is recorded: an attempt, its outcome, a refusal. Not here: how it becomes durable.

use std::fmt;

use exchange::{
    AgreementId, Caller, Criticality, FieldSet, IdentifierKind, Reason, Request, Source,
    SourceState,
};
use jiff::Timestamp;

use crate::Evidence;
use crate::commitment::{Commitment, Personal, Salt, Salts};
use crate::leaf::{self, Digest, Fingerprint, Head, Paths, Shown, SourceEntry, SourceName, Tail};

/// A question that was admitted and is about to be asked of the agencies.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// What is asked.
    pub request: &'a Request,
    /// The agreement that allows it.
    pub agreement: &'a str,
    /// SHA-256 of the policy that was applied.
    pub policy: &'a [u8; 32],
}

/// A question that was not admitted.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Who asked.
    pub caller: &'a Caller,
    /// What was asked, if it could be understood.
    pub request: Option<&'a Request>,
    /// Why it was refused.
    pub reason: Reason,
    /// SHA-256 of the policy that was applied.
    pub policy: &'a [u8; 32],
}

/// What came of an attempt, or of a part of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome<'a> {
    /// What happened at each source.
    pub sources: &'a [SourceOutcome],
    /// The reason the caller is told, if the exchange fails.
    pub failure: Option<Reason>,
}

/// What happened at one source, and what leaves of its answer.
#[derive(Clone, Copy, Debug)]
pub struct SourceOutcome {
    /// The source.
    pub source: Source,
    /// Its state in the answer.
    pub state: SourceState,
    /// The fields that leave.
    pub released: FieldSet,
    /// The time of the source's data.
    pub as_of: Option<Timestamp>,
    /// SHA-256 of the message that leaves, in its deterministic protobuf bytes.
    pub record: Option<[u8; 32]>,
}

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

impl Attempt<'_> {
    /// The head of the leaf.
    pub(crate) fn head(&self, node: &str, ts: u64, salts: &Salts) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + TAIL_BYTES);
        let head = Head {
            agr: Some(self.agreement),
            ..head("ACCESS", node, ts, self.caller, Some(self.request), salts)
        };
        leaf::write_head(
            &mut out,
            &Head {
                pol: Some(Digest(self.policy)),
                ..head
            },
        );
        out
    }
}

impl Refusal<'_> {
    /// The whole leaf.
    pub(crate) fn leaf(&self, node: &str, ts: u64, salts: &Salts) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + 64);
        let head = head("DENIED", node, ts, self.caller, self.request, salts);
        leaf::write_head(
            &mut out,
            &Head {
                pol: Some(Digest(self.policy)),
                ..head
            },
        );
        leaf::write_tail(
            &mut out,
            &Tail::<()> {
                src: None,
                dec: "DENY",
                why: Some(self.reason.name()),
                flag: self.request.map_or(Flags::NONE, Flags::of).names(),
                opened: None,
            },
        );
        out
    }
}

fn head<'a>(
    t: &'static str,
    node: &'a str,
    ts: u64,
    caller: &'a Caller,
    request: Option<&'a Request>,
    salts: &Salts,
) -> Head<'a> {
    let commit = |personal, name, value: Option<&str>| {
        value.map(|value| Commitment::new(salts.of(personal), name, value.as_bytes()))
    };
    let r = request;
    let subject = r.map(|r| &r.subject.identifier);
    let kind = subject.map_or("sub", |id| subject_name(id.kind()));
    Head {
        v: 1,
        t,
        ts,
        node,
        rid: r.map(|r| Shown(r.id)),
        caller: leaf::Caller {
            ag: caller.agency().as_str(),
            sys: caller.system().as_str(),
            cert: Shown(Fingerprint(caller.certificate())),
        },
        purpose: r.map(|r| r.purpose.as_str()),
        agr: r
            .and_then(|r| r.agreement.as_ref())
            .map(AgreementId::as_str),
        proc: r.and_then(|r| r.procedure.as_ref()).map(|p| p.as_str()),
        off: commit(
            Personal::Officer,
            "off",
            r.and_then(|r| r.officer.as_ref()).map(|o| o.reveal()),
        ),
        dos: commit(
            Personal::Dossier,
            "dos",
            r.and_then(|r| r.dossier.as_ref()).map(|d| d.reveal()),
        ),
        con: commit(
            Personal::Consent,
            "con",
            r.and_then(|r| r.consent.as_ref()).map(|c| c.reveal()),
        ),
        txt: commit(
            Personal::Reason,
            "txt",
            r.and_then(|r| r.reason.as_ref()).map(|t| t.reveal()),
        ),
        sub: commit(Personal::Subject, kind, subject.map(|id| id.reveal())),
        crit: r.map(|r| r.criticality.name()),
        pol: None,
        vis: "CITIZEN",
    }
}

/// The field name of the commitment to the subject: the same digits may be numbers of two kinds.
const fn subject_name(kind: IdentifierKind) -> &'static str {
    match kind {
        IdentifierKind::Personal => "sub",
        IdentifierKind::Legacy => "sub.legacy",
        IdentifierKind::TaxCode => "sub.tax_code",
        IdentifierKind::InsuranceCode => "sub.insurance_code",
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
    const NONE: Self = Self(0);
    const BREAK_GLASS: u8 = 1;
    const DRY_RUN: u8 = 2;
    const PART: u8 = 4;

    /// The flags that the request itself raises.
    pub(crate) fn of(request: &Request) -> Self {
        let mut bits = 0;
        if request.criticality == Criticality::Emergency {
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

    const fn names(self) -> &'static [&'static str] {
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

/// Room for a head with every commitment.
const HEAD_BYTES: usize = 800;
/// Room for a tail with several sources.
const TAIL_BYTES: usize = 1200;
