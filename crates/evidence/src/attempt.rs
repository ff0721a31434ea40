//! What is recorded: an attempt, its outcome, a refusal. Not here: how it becomes durable.

use exchange::{
    AgreementId, Caller, CitizenId, ConsentId, Criticality, DossierNo, FieldSet, Identifier,
    IdentifierKind, OfficerId, ProcedureCode, PurposeCode, Reason, ReasonText, Request, RequestId,
    Source, SourceState, Visibility,
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
    /// The person whom the number in the question turned out to be of, if it was another number.
    pub person: Option<CitizenId>,
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

impl<'a> Attempt<'a> {
    /// The head of the leaf.
    pub(crate) fn head(&self, node: &str, ts: u64, salts: &Salts) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + open::TAIL_BYTES);
        let why = Why {
            agreement: Some(self.agreement),
            criticality: Some(self.criticality),
            ..self.why()
        };
        let head = Head {
            pol: Some(Digest(self.policy)),
            vis: Shown(self.visibility),
            ..why.head("ACCESS", node, ts, self.caller, salts)
        };
        leaf::write_head(&mut out, &head);
        out
    }

    pub(crate) fn why(&self) -> Why<'a> {
        Why::of(self.request)
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
        let flags = |request: &Request| Flags::of(request, request.criticality);
        leaf::write_tail(
            &mut out,
            &Tail::<()> {
                why: Some(self.reason.name()),
                flag: self.request.map_or(Flags::NONE, flags).names(),
                ..Tail::of("DENY")
            },
        );
        out
    }

    pub(crate) fn why(&self) -> Why<'a> {
        self.request.map(Why::of).unwrap_or_default()
    }
}

/// Why and about whom somebody asks, as far as it is said.
#[derive(Clone, Copy, Default)]
pub(crate) struct Why<'a> {
    pub(crate) request: Option<RequestId>,
    pub(crate) purpose: Option<&'a PurposeCode>,
    pub(crate) agreement: Option<&'a str>,
    pub(crate) procedure: Option<&'a ProcedureCode>,
    pub(crate) dossier: Option<&'a DossierNo>,
    pub(crate) officer: Option<&'a OfficerId>,
    pub(crate) consent: Option<&'a ConsentId>,
    pub(crate) reason: Option<&'a ReasonText>,
    pub(crate) subject: Option<&'a Identifier>,
    pub(crate) criticality: Option<Criticality>,
}

impl<'a> Why<'a> {
    fn of(request: &'a Request) -> Self {
        Self {
            request: Some(request.id),
            purpose: Some(&request.purpose),
            agreement: request.agreement.as_ref().map(AgreementId::as_str),
            procedure: request.procedure.as_ref(),
            dossier: request.dossier.as_ref(),
            officer: request.officer.as_ref(),
            consent: request.consent.as_ref(),
            reason: request.reason.as_ref(),
            subject: Some(&request.subject.identifier),
            criticality: Some(request.criticality),
        }
    }

    /// What of it is personal, by the name under which it is committed to.
    fn personal(&self) -> [(Personal, &'static str, Option<&'a str>); 5] {
        let subject = self.subject;
        let kind = subject.map_or("sub", |id| subject_name(id.kind()));
        [
            (Personal::Subject, kind, subject.map(Identifier::reveal)),
            (Personal::Officer, "off", self.officer.map(|it| it.reveal())),
            (Personal::Dossier, "dos", self.dossier.map(|it| it.reveal())),
            (Personal::Consent, "con", self.consent.map(|it| it.reveal())),
            (Personal::Reason, "txt", self.reason.map(|it| it.reveal())),
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
        Head {
            v: 1,
            t,
            ts,
            node,
            rid: self.request.map(Shown),
            caller: leaf::Caller {
                ag: caller.agency().as_str(),
                sys: caller.system().as_str(),
                cert: Shown(Fingerprint(caller.certificate())),
            },
            purpose: self.purpose.map(PurposeCode::as_str),
            agr: self.agreement,
            proc: self.procedure.map(ProcedureCode::as_str),
            off,
            dos,
            con,
            txt,
            sub,
            crit: self.criticality.map(Criticality::name),
            pol: None,
            vis: Shown(Visibility::Citizen),
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
