//! Requests of the contract into the words of the house, with every violation at once.

use exchange::{
    AgreementId, ConsentId, Criticality, DossierNo, Field, FieldSet, Identifier, IdentifierKind,
    MatchHints, OfficerId, PartialDate, ProcedureCode, PurposeCode, Reason, ReasonText, Request,
    RequestId, Source, SourceSet, Subject, Violation, WordViolation, normalise,
};

use super::{Malformed, Question};
use crate::{FieldMask, v1};

/// The most paths a mask may have: generously more than there are fields.
const MAX_PATHS: usize = 256;

impl Question for v1::LookupCitizenRequest {
    fn context(&self) -> Option<&v1::CallContext> {
        self.context.as_ref()
    }

    fn read(&self, this_year: i16) -> Result<Request, Malformed> {
        let mut reader = Reader::new(this_year);
        let mask = reader.mask(self.read_mask.as_ref());
        let required = reader.required(&self.required_sources);
        let request = reader.request(self.context.as_ref(), self.subject.as_ref());
        reader.finish(request.map(|request| Request {
            mask,
            required,
            dry_run: self.dry_run,
            ..request
        }))
    }
}

/// A lookup that stands one level down.
impl Question for v1::StreamCitizenRequest {
    const WITHIN: &'static str = "lookup.";

    fn context(&self) -> Option<&v1::CallContext> {
        self.lookup.as_ref()?.context.as_ref()
    }

    fn read(&self, this_year: i16) -> Result<Request, Malformed> {
        match &self.lookup {
            Some(lookup) => lookup.read(this_year),
            None => v1::LookupCitizenRequest::default().read(this_year),
        }
    }
}

/// A request for `population.personal_id` alone.
impl Question for v1::ResolveIdentifierRequest {
    fn context(&self) -> Option<&v1::CallContext> {
        self.context.as_ref()
    }

    fn read(&self, this_year: i16) -> Result<Request, Malformed> {
        let mut reader = Reader::new(this_year);
        let request = reader.request(self.context.as_ref(), self.subject.as_ref());
        reader.finish(request)
    }
}

/// Reads part after part and gathers what is wrong.
struct Reader {
    this_year: i16,
    malformed: Malformed,
}

impl Reader {
    fn new(this_year: i16) -> Self {
        Self {
            this_year,
            malformed: Malformed::default(),
        }
    }

    fn violation(
        &mut self,
        field: impl Into<String>,
        reason: Reason,
        what: impl std::fmt::Display,
    ) {
        self.malformed.violations.push(Violation {
            field: field.into(),
            description: what.to_string(),
            reason,
        });
    }

    fn finish(self, request: Option<Request>) -> Result<Request, Malformed> {
        let malformed = self.malformed;
        match request {
            Some(request) if malformed.violations.is_empty() => Ok(request),
            Some(request) => Err(Malformed {
                violations: malformed.violations,
                ..request.into()
            }),
            None => Err(malformed),
        }
    }

    fn request(
        &mut self,
        context: Option<&v1::CallContext>,
        subject: Option<&v1::SubjectRef>,
    ) -> Option<Request> {
        let subject = self.subject(subject);
        let Some(context) = context else {
            self.violation("context", Reason::InvalidArgument, "is required");
            self.malformed.identifier = subject.map(|subject| subject.identifier);
            return None;
        };
        let id = self.id(&context.request_id);
        let purpose = self.purpose(&context.purpose_code);
        let criticality = self.criticality(context.criticality);
        let agreement = self.word("agreement_id", &context.agreement_id, AgreementId::parse);
        let procedure = &context.procedure_code;
        let procedure = self.word("procedure_code", procedure, ProcedureCode::parse);
        let dossier = self.word("dossier_no", &context.dossier_no, DossierNo::parse);
        let officer = self.word("officer_id", &context.officer_id, OfficerId::parse);
        let consent = self.word("consent_id", &context.consent_id, ConsentId::parse);
        let reason = self.word("reason_text", &context.reason_text, ReasonText::parse);
        match (id, purpose, subject) {
            (Some(id), Some(purpose), Some(subject)) => Some(Request {
                id,
                purpose,
                agreement,
                procedure,
                dossier,
                officer,
                consent,
                criticality,
                reason,
                subject,
                mask: FieldSet::from_iter([Field::PopulationPersonalId]),
                required: SourceSet::EMPTY,
                dry_run: false,
            }),
            (_, purpose, subject) => {
                self.malformed.purpose = purpose;
                self.malformed.identifier = subject.map(|subject| subject.identifier);
                None
            }
        }
    }

    fn id(&mut self, text: &str) -> Option<RequestId> {
        let id = RequestId::parse(text);
        if id.is_none() {
            let what = "must be a UUID of version 4 or 7, in its hyphenated form";
            self.violation("context.request_id", Reason::InvalidArgument, what);
        }
        id
    }

    /// An optional word: the empty string stands for none.
    fn word<T>(
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
                self.violation(
                    format!("context.{field}"),
                    Reason::InvalidArgument,
                    violation,
                );
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

    fn subject(&mut self, subject: Option<&v1::SubjectRef>) -> Option<Subject> {
        let hints = subject.and_then(|subject| subject.hints.as_ref());
        let hints = hints.map(|hints| self.hints(hints)).unwrap_or_default();
        let Some(id) = subject.and_then(|subject| subject.id.as_ref()) else {
            self.violation(
                "subject",
                Reason::InvalidSubjectId,
                "one number is required",
            );
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
                    let path = format!("subject.{field}");
                    self.violation(path, Reason::InvalidSubjectId, violation);
                }
                None
            }
        }
    }

    fn hints(&mut self, hints: &v1::MatchHints) -> MatchHints {
        let full_name = (!hints.full_name.is_empty()).then(|| normalise(&hints.full_name));
        let full_name = full_name.and_then(|name| {
            name.map_err(|v| self.violation("subject.hints.full_name", Reason::InvalidArgument, v))
                .ok()
        });
        let birth_date = hints.birth_date.and_then(|date| {
            PartialDate::new(date.year, date.month, date.day)
                .map_err(|v| {
                    self.violation("subject.hints.birth_date", Reason::InvalidArgument, v);
                })
                .ok()
        });
        MatchHints {
            full_name,
            birth_date,
        }
    }

    fn mask(&mut self, mask: Option<&FieldMask>) -> FieldSet {
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

    fn required(&mut self, numbers: &[i32]) -> SourceSet {
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
                Some(source) => set = set.with(source),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> v1::LookupCitizenRequest {
        v1::LookupCitizenRequest {
            context: Some(v1::CallContext {
                request_id: "0190163d-8694-739b-aea5-966c26f8ad91".into(),
                purpose_code: "SOCIAL_BENEFIT".into(),
                ..Default::default()
            }),
            subject: Some(v1::SubjectRef {
                id: Some(v1::subject_ref::Id::PersonalId("999099000001".into())),
                hints: None,
            }),
            read_mask: Some(FieldMask::from_iter(["tax.status"])),
            ..Default::default()
        }
    }

    #[test]
    fn a_good_request_is_read_whole() {
        let request = good().read(2026).unwrap();
        assert_eq!(request.mask, FieldSet::from_iter([Field::TaxStatus]));
        assert_eq!(request.criticality, Criticality::BackOffice);
    }

    #[test]
    fn a_path_that_is_not_utf_8_is_no_field() {
        let mut message = good();
        message.read_mask.as_mut().unwrap().paths = vec![b"tax.status\xff".as_slice().into()];
        let malformed = message.read(2026).unwrap_err();
        let [violation] = malformed.violations.as_slice() else {
            panic!("{:?}", malformed.violations);
        };
        assert_eq!(violation.field, "read_mask.paths[0]");
        assert_eq!(violation.reason, Reason::UnknownFieldPath);
    }

    #[test]
    fn everything_wrong_is_listed_at_once() {
        let message = v1::LookupCitizenRequest {
            context: Some(v1::CallContext {
                request_id: "1".into(),
                officer_id: "a\nb".into(),
                criticality: 9,
                ..Default::default()
            }),
            subject: Some(v1::SubjectRef {
                id: Some(v1::subject_ref::Id::PersonalId("12x".into())),
                hints: None,
            }),
            read_mask: Some(FieldMask::from_iter(["*", "tax.nope"])),
            required_sources: vec![99],
            dry_run: false,
        };
        let malformed = message.read(2026).unwrap_err();
        let fields: Vec<_> = malformed
            .violations
            .iter()
            .map(|v| v.field.as_str())
            .collect();
        assert_eq!(
            fields,
            [
                "read_mask.paths[0]",
                "read_mask.paths[1]",
                "required_sources[0]",
                "subject.personal_id",
                "subject.personal_id",
                "context.request_id",
                "context.purpose_code",
                "context.criticality",
                "context.officer_id",
            ]
        );
        assert!(
            malformed
                .violations
                .iter()
                .all(|v| !v.description.contains("12x"))
        );
    }

    #[test]
    fn an_empty_mask_is_refused_by_its_own_reason() {
        let mut message = good();
        message.read_mask = None;
        let malformed = message.read(2026).unwrap_err();
        assert_eq!(malformed.violations[0].reason, Reason::ReadMaskRequired);
    }

    #[test]
    fn what_is_well_formed_of_a_malformed_request_is_kept() {
        let without_mask = v1::LookupCitizenRequest {
            read_mask: None,
            ..good()
        };
        let mut without_id = good();
        without_id.context.as_mut().unwrap().request_id.clear();
        for message in [without_mask, without_id] {
            let malformed = message.read(2026).unwrap_err();
            assert_eq!(malformed.purpose.unwrap().as_str(), "SOCIAL_BENEFIT");
            assert!(malformed.identifier.is_some());
        }
    }
}
