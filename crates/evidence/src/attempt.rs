//! What is recorded: an attempt, its outcome, a refusal. Not here: how it becomes durable.

use exchange::{
    AgreementId, CallContext, Caller, Criticality, FieldSet, Identifier, IdentifierKind, Reason,
    Request, Source, SourceState, Visibility,
};
use jiff::Timestamp;

use crate::commitment::{Commitment, Personal, Salts};
use crate::leaf::{self, Digest, Fingerprint, Head, Shown, Tail};
use crate::open::{self, Flags};

/// A question that was admitted and is about to be asked of the agencies.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// What is asked.
    pub request: &'a Request,
    /// How urgent it is: what the caller says, capped by the agreement.
    pub criticality: Criticality,
    /// From when on the citizen sees it.
    pub visibility: Visibility,
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
    pub asked: Option<Asked<'a>>,
    /// Why it was refused.
    pub reason: Reason,
    /// SHA-256 of the policy that was applied.
    pub policy: &'a [u8; 32],
}

/// What was not admitted.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// A question about a citizen.
    Question(&'a Request),
    /// A call about the record itself, about that person if about one.
    Record(&'a CallContext, Option<&'a Identifier>),
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

impl Attempt<'_> {
    /// The head of the leaf.
    pub(crate) fn head(&self, node: &str, ts: u64, salts: &Salts) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + open::TAIL_BYTES);
        let head = Head {
            agr: Some(self.agreement),
            crit: Some(self.criticality.name()),
            ..head(
                "ACCESS",
                node,
                ts,
                self.caller,
                Some(Asked::Question(self.request)),
                salts,
            )
        };
        leaf::write_head(
            &mut out,
            &Head {
                pol: Some(Digest(self.policy)),
                vis: Shown(self.visibility),
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
        let head = head("DENIED", node, ts, self.caller, self.asked, salts);
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
                flag: self.asked.map_or(Flags::NONE, Asked::flags).names(),
                opened: None,
            },
        );
        out
    }
}

impl<'a> Asked<'a> {
    fn context(self) -> &'a CallContext {
        match self {
            Self::Question(request) => &request.context,
            Self::Record(context, _) => context,
        }
    }

    fn subject(self) -> Option<&'a Identifier> {
        match self {
            Self::Question(request) => Some(&request.subject.identifier),
            Self::Record(_, subject) => subject,
        }
    }

    fn flags(self) -> Flags {
        match self {
            Self::Question(request) => Flags::of(request, request.criticality),
            Self::Record(..) => Flags::NONE,
        }
    }
}

fn head<'a>(
    t: &'static str,
    node: &'a str,
    ts: u64,
    caller: &'a Caller,
    asked: Option<Asked<'a>>,
    salts: &Salts,
) -> Head<'a> {
    let commit = |personal, name, value: Option<&str>| {
        value.map(|value| Commitment::new(salts.of(personal), name, value.as_bytes()))
    };
    let r = asked.map(Asked::context);
    let subject = asked.and_then(Asked::subject);
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
        vis: Shown(Visibility::Citizen),
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

/// Room for a head with every commitment.
const HEAD_BYTES: usize = 800;
