//! Reads the parts of messages into the words of the house, with every violation at once.
//!
//! *Invariant:* no violation repeats a value.

use exchange::{
    AgreementId, CallContext, ConsentId, Criticality, DossierNo, Field, FieldSet, Identifier,
    IdentifierKind, MatchHints, OfficerId, PartialDate, ProcedureCode, PurposeCode, Reason,
    ReasonText, Request, RequestId, Source, SourceSet, Subject, Violation, WordViolation,
    normalise,
};

use super::Malformed;
use crate::{FieldMask, v1};

/// The most paths a mask may have: generously more than there are fields.
const MAX_PATHS: usize = 256;

/// Reads part after part and gathers what is wrong.
pub(super) struct Reader {
    this_year: i16,
    malformed: Malformed,
}

impl Reader {
    pub(super) fn new(this_year: i16) -> Self {
        Self {
            this_year,
            malformed: Malformed::default(),
        }
    }

    pub(super) fn violation(
        &mut self,
        field: impl Into<String>,
        reason: Reason,
        what: impl std::fmt::Display,
    ) {
        self.add(Violation {
            field: field.into(),
            description: what.to_string(),
            reason,
        });
    }

    pub(super) fn add(&mut self, violation: Violation) {
        self.malformed.violations.push(violation);
    }

    pub(super) fn finish<T: Into<Malformed>>(self, asked: Option<T>) -> Result<T, Malformed> {
        let malformed = self.malformed;
        match asked {
            Some(asked) if malformed.violations.is_empty() => Ok(asked),
            Some(asked) => Err(Malformed {
                violations: malformed.violations,
                ..asked.into()
            }),
            None => Err(malformed),
        }
    }

    /// A question for the personal id alone, to which the rest is added.
    pub(super) fn request(
        &mut self,
        context: Option<&v1::CallContext>,
        subject: Option<&v1::SubjectRef>,
    ) -> Option<Request> {
        let (context, subject) = self.about(context, subject)?;
        Some(Request {
            context,
            subject,
            mask: FieldSet::from_iter([Field::PopulationPersonalId]),
            required: SourceSet::EMPTY,
            dry_run: false,
        })
    }

    /// Why, for whom and about whom; of what is malformed, what can be read is kept.
    pub(super) fn about(
        &mut self,
        context: Option<&v1::CallContext>,
        subject: Option<&v1::SubjectRef>,
    ) -> Option<(CallContext, Subject)> {
        let subject = self.subject(subject);
        let context = self.context(context);
        match (context, subject) {
            (Some(context), Some(subject)) => Some((context, subject)),
            (context, subject) => {
                let purpose = context.map(|context| context.purpose);
                self.malformed.purpose = purpose.or(self.malformed.purpose.take());
                self.keep(subject);
                None
            }
        }
    }

    /// Keeps the number of a question that cannot be read whole.
    pub(super) fn keep(&mut self, subject: Option<Subject>) {
        self.malformed.identifier = subject.map(|subject| subject.identifier);
    }

    /// Why and for whom. Without it the purpose alone may be left, if that is well formed.
    pub(super) fn context(&mut self, context: Option<&v1::CallContext>) -> Option<CallContext> {
        let Some(context) = context else {
            self.violation("context", Reason::InvalidArgument, "is required");
            return None;
        };
        let id = self.id("context.request_id", &context.request_id);
        let purpose = self.purpose(&context.purpose_code);
        let criticality = self.criticality(context.criticality);
        let agreement = self.word(
            "context.agreement_id",
            &context.agreement_id,
            AgreementId::parse,
        );
        let procedure = &context.procedure_code;
        let procedure = self.word("context.procedure_code", procedure, ProcedureCode::parse);
        let dossier = self.word("context.dossier_no", &context.dossier_no, DossierNo::parse);
        let officer = self.word("context.officer_id", &context.officer_id, OfficerId::parse);
        let consent = self.word("context.consent_id", &context.consent_id, ConsentId::parse);
        let reason = self.word(
            "context.reason_text",
            &context.reason_text,
            ReasonText::parse,
        );
        match (id, purpose) {
            (Some(id), Some(purpose)) => Some(CallContext {
                id,
                purpose,
                agreement,
                procedure,
                dossier,
                officer,
                consent,
                criticality,
                reason,
            }),
            (_, purpose) => {
                self.malformed.purpose = purpose;
                None
            }
        }
    }

    pub(super) fn id(&mut self, field: &str, text: &str) -> Option<RequestId> {
        let id = RequestId::parse(text);
        if id.is_none() {
            let what = "must be a UUID of version 4 or 7, in its hyphenated form";
            self.violation(field, Reason::InvalidArgument, what);
        }
        id
    }

    /// An optional word: the empty string stands for none.
    pub(super) fn word<T>(
        &mut self,
        field: &str,
        text: &str,
        parse: fn(&str) -> Result<T, WordViolation>,
    ) -> Option<T> {
        if text.is_empty() {
            return None;
        }
        match parse(text) {
            Ok(word) => Some(word),
            Err(violation) => {
                self.violation(field, Reason::InvalidArgument, violation);
                None
            }
        }
    }

    fn purpose(&mut self, text: &str) -> Option<PurposeCode> {
        match PurposeCode::parse(text) {
            Ok(purpose) => Some(purpose),
            Err(violation) => {
                let reason = match violation {
                    WordViolation::Empty => Reason::InvalidArgument,
                    WordViolation::TooLong(_) | WordViolation::Character => Reason::PurposeUnknown,
                };
                self.violation("context.purpose_code", reason, violation);
                None
            }
        }
    }

    fn criticality(&mut self, number: i32) -> Criticality {
        match v1::Criticality::try_from(number) {
            Ok(v1::Criticality::Unspecified | v1::Criticality::BackOffice) => {
                Criticality::BackOffice
            }
            Ok(v1::Criticality::Emergency) => Criticality::Emergency,
            Ok(v1::Criticality::CitizenWaiting) => Criticality::CitizenWaiting,
            Ok(v1::Criticality::Bulk) => Criticality::Bulk,
            Err(_) => {
                self.violation("context.criticality", Reason::InvalidArgument, "is unknown");
                Criticality::BackOffice
            }
        }
    }

    pub(super) fn subject(&mut self, subject: Option<&v1::SubjectRef>) -> Option<Subject> {
        self.subject_at("subject", subject)
    }

    /// The person who is named at that path of the message.
    pub(super) fn subject_at(
        &mut self,
        at: &str,
        subject: Option<&v1::SubjectRef>,
    ) -> Option<Subject> {
        let hints = subject.and_then(|subject| subject.hints.as_ref());
        let hints = hints.map(|hints| self.hints(at, hints)).unwrap_or_default();
        let Some(id) = subject.and_then(|subject| subject.id.as_ref()) else {
            self.violation(at, Reason::InvalidSubjectId, "one number is required");
            return None;
        };
        let (field, kind, text) = match id {
            v1::subject_ref::Id::PersonalId(t) => ("personal_id", IdentifierKind::Personal, t),
            v1::subject_ref::Id::LegacyId(t) => ("legacy_id", IdentifierKind::Legacy, t),
            v1::subject_ref::Id::TaxCode(t) => ("tax_code", IdentifierKind::TaxCode, t),
            v1::subject_ref::Id::InsuranceCode(t) => {
                ("insurance_code", IdentifierKind::InsuranceCode, t)
            }
        };
        match Identifier::parse(kind, text, self.this_year) {
            Ok(identifier) => Some(Subject { identifier, hints }),
            Err(violations) => {
                for violation in violations {
                    let path = format!("{at}.{field}");
                    self.violation(path, Reason::InvalidSubjectId, violation);
                }
                None
            }
        }
    }

    fn hints(&mut self, at: &str, hints: &v1::MatchHints) -> MatchHints {
        let full_name = (!hints.full_name.is_empty()).then(|| normalise(&hints.full_name));
        let full_name = full_name.and_then(|name| {
            let mut wrong = |v| {
                let path = format!("{at}.hints.full_name");
                self.violation(path, Reason::InvalidArgument, v);
            };
            name.map_err(&mut wrong).ok()
        });
        let birth_date = hints.birth_date.and_then(|date| {
            for violation in PartialDate::violations(date.year, date.month, date.day) {
                let path = format!("{at}.hints.birth_date");
                self.violation(path, Reason::InvalidArgument, violation);
            }
            PartialDate::new(date.year, date.month, date.day).ok()
        });
        MatchHints {
            full_name,
            birth_date,
        }
    }

    pub(super) fn mask(&mut self, mask: Option<&FieldMask>) -> FieldSet {
        let paths = mask.map(|mask| mask.paths.as_slice()).unwrap_or_default();
        if paths.is_empty() {
            self.violation(
                "read_mask",
                Reason::ReadMaskRequired,
                "name the fields you need; ListFields has them all",
            );
        }
        if paths.len() > MAX_PATHS {
            let what = format!("has more than {MAX_PATHS} paths");
            self.violation("read_mask", Reason::UnknownFieldPath, what);
            return FieldSet::EMPTY;
        }
        let mut mask = FieldSet::EMPTY;
        let mut last = None;
        for (place, path) in paths.iter().enumerate() {
            let path = std::str::from_utf8(path).unwrap_or_default();
            let found = Field::from_path_after(last, path);
            last = found.or(last);
            match found {
                Some(field) => mask.insert(field),
                None if path.contains('*') => self.violation(
                    format!("read_mask.paths[{place}]"),
                    Reason::ReadMaskWildcard,
                    "a wildcard is refused: name each field",
                ),
                None => self.violation(
                    format!("read_mask.paths[{place}]"),
                    Reason::UnknownFieldPath,
                    "is no field of the catalogue; ListFields has them all",
                ),
            }
        }
        mask
    }

    /// The sources without whose answer the call fails: some of those that are asked.
    pub(super) fn required(&mut self, numbers: &[i32], mask: &FieldSet) -> SourceSet {
        if numbers.len() > Source::ALL.len() {
            let what = format!(
                "names more than the {} sources there are",
                Source::ALL.len()
            );
            self.violation("required_sources", Reason::InvalidArgument, what);
            return SourceSet::EMPTY;
        }
        let mut set = SourceSet::EMPTY;
        for (place, number) in numbers.iter().enumerate() {
            match Source::from_number(*number) {
                // What is wrong with a mask is told by itself.
                Some(source) if mask.is_empty() || mask.sources().contains(source) => {
                    set = set.with(source);
                }
                Some(_) => self.violation(
                    format!("required_sources[{place}]"),
                    Reason::InvalidArgument,
                    "is a source of which no field is asked for",
                ),
                None => self.violation(
                    format!("required_sources[{place}]"),
                    Reason::InvalidArgument,
                    "is no source",
                ),
            }
        }
        set
    }
}
