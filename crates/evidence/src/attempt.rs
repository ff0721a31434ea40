//! What is recorded: an attempt, its outcome, a refusal. Not here: how it becomes durable.

use exchange::{
    AgreementId, CallContext, Caller, CitizenId, Criticality, FieldSet, FlagSet, Identifier,
    IdentifierKind, Reason, Request, Source, SourceState, Visibility,
};
use jiff::Timestamp;

use crate::commitment::{Commitment, Personal, Salts};
use crate::leaf::{self, Digest, Fingerprint, Head, Shown, Tail};
use crate::open::{self, Flags};
use crate::private::Openings;

/// A question that was admitted and is about to be asked of the agencies.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// What is asked.
    pub request: &'a Request,
    /// How urgent it is: what the caller says, capped by the agreement.
    pub criticality: Criticality,
    /// The agreement that allows it.
    pub agreement: &'a str,
    /// SHA-256 of the policy that was applied.
    pub policy: &'a [u8; 32],
    /// When the person may see the record.
    pub visibility: Visibility,
    /// What is out of the ordinary about it.
    pub flags: FlagSet,
    /// The record of the same question before, by its log and its place, if it is asked again.
    pub repeats: Option<(&'a str, u64)>,
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
    /// The person whom the number in the question turned out to be of, if it was another number.
    pub person: Option<CitizenId>,
    /// Of a verification, what it came to. It is committed to, and no other part of the record
    /// depends on it.
    pub verdict: Option<&'a str>,
}

/// What happened at one source, and what leaves of its answer.
#[derive(Clone, Copy, Debug)]
pub struct SourceOutcome {
    /// The source.
    pub source: Source,
    /// Its state in the answer.
    pub state: SourceState,
    /// The fields that leave; of a verification, those that claims rest on.
    pub released: FieldSet,
    /// Those of them of which only the masked form leaves.
    pub masked: FieldSet,
    /// The time of the source's data.
    pub as_of: Option<Timestamp>,
    /// SHA-256 of the message that leaves, in its deterministic protobuf bytes.
    pub record: Option<[u8; 32]>,
}

impl<'a> Attempt<'a> {
    /// The head of the leaf.
    pub(crate) fn head(&self, node: &str, ts: u64, salts: &Salts) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + open::TAIL_BYTES);
        let head = Head {
            agr: Some(self.agreement),
            crit: Some(self.criticality.name()),
            pol: Some(Digest(self.policy)),
            vis: Shown(self.visibility),
            replay_of: self.repeats.map(|(log, seq)| format!("{log} {seq}")),
            ..self.why().head("ACCESS", node, ts, self.caller, salts)
        };
        leaf::write_head(&mut out, &head);
        out
    }

    pub(crate) const fn why(&self) -> Why<'a> {
        Asked::Question(self.request).why()
    }
}

impl<'a> Refusal<'a> {
    /// The whole leaf.
    pub(crate) fn leaf(&self, node: &str, ts: u64, salts: &Salts) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + 64);
        let head = Head {
            pol: Some(Digest(self.policy)),
            ..self.why().head("DENIED", node, ts, self.caller, salts)
        };
        leaf::write_head(&mut out, &head);
        leaf::write_tail(
            &mut out,
            &Tail::<()> {
                why: Some(self.reason.name()),
                flag: self.asked.map_or(Flags::NONE, Asked::flags),
                ..Tail::of("DENY")
            },
        );
        out
    }

    pub(crate) fn why(&self) -> Why<'a> {
        self.asked.map(Asked::why).unwrap_or_default()
    }
}

impl<'a> Asked<'a> {
    const fn why(self) -> Why<'a> {
        let (context, subject) = match self {
            Self::Question(request) => (&request.context, Some(&request.subject.identifier)),
            Self::Record(context, subject) => (context, subject),
        };
        Why {
            context: Some(context),
            subject,
        }
    }

    fn flags(self) -> Flags {
        match self {
            Self::Question(request) => Flags::of(request, request.criticality),
            Self::Record(..) => Flags::NONE,
        }
    }
}

/// Why and about whom somebody asks, as far as it is said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Why<'a> {
    pub(crate) context: Option<&'a CallContext>,
    pub(crate) subject: Option<&'a Identifier>,
}

impl<'a> Why<'a> {
    /// What of it is personal, by the name under which it is committed to.
    fn personal(&self) -> [(Personal, &'static str, Option<&'a str>); 5] {
        let (context, subject) = (self.context, self.subject);
        let officer = context.and_then(|it| it.officer.as_ref());
        let dossier = context.and_then(|it| it.dossier.as_ref());
        let consent = context.and_then(|it| it.consent.as_ref());
        let reason = context.and_then(|it| it.reason.as_ref());
        let kind = subject.map_or("sub", |id| subject_name(id.kind()));
        [
            (Personal::Subject, kind, subject.map(Identifier::reveal)),
            (Personal::Officer, "off", officer.map(|it| it.reveal())),
            (Personal::Dossier, "dos", dossier.map(|it| it.reveal())),
            (Personal::Consent, "con", consent.map(|it| it.reveal())),
            (Personal::Reason, "txt", reason.map(|it| it.reveal())),
        ]
    }

    /// What the commitments of [`Why::head`] hide.
    pub(crate) fn openings(&self, salts: &Salts) -> Openings {
        let mut openings = Openings::new();
        for (personal, name, value) in self.personal() {
            if let Some(value) = value {
                openings.push(name, salts.of(personal), value.as_bytes());
            }
        }
        openings
    }

    /// The head of a leaf of that type.
    pub(crate) fn head<'b>(
        &self,
        t: &'static str,
        node: &'b str,
        ts: u64,
        caller: &'b Caller,
        salts: &Salts,
    ) -> Head<'b>
    where
        'a: 'b,
    {
        let [sub, off, dos, con, txt] = self.personal().map(|(personal, name, value)| {
            value.map(|value| Commitment::new(salts.of(personal), name, value.as_bytes()))
        });
        let context = self.context;
        Head {
            v: 1,
            t,
            ts,
            node,
            rid: context.map(|it| Shown(it.id)),
            caller: leaf::Caller {
                ag: caller.agency().as_str(),
                sys: caller.system().as_str(),
                cert: Shown(Fingerprint(caller.certificate())),
            },
            purpose: context.map(|it| it.purpose.as_str()),
            agr: context
                .and_then(|it| it.agreement.as_ref())
                .map(AgreementId::as_str),
            proc: context
                .and_then(|it| it.procedure.as_ref())
                .map(|it| it.as_str()),
            off,
            dos,
            con,
            txt,
            sub,
            crit: context.map(|it| it.criticality.name()),
            pol: None,
            vis: Shown(Visibility::Citizen),
            replay_of: None,
        }
    }
}

/// The field name of the commitment to the subject: the same digits may be numbers of two kinds.
pub(crate) const fn subject_name(kind: IdentifierKind) -> &'static str {
    match kind {
        IdentifierKind::Personal => "sub",
        IdentifierKind::Legacy => "sub.legacy",
        IdentifierKind::TaxCode => "sub.tax_code",
        IdentifierKind::InsuranceCode => "sub.insurance_code",
    }
}

/// Room for a head with every commitment.
const HEAD_BYTES: usize = 800;
