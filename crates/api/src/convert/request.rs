//! Questions about a citizen into the words of the house.

use exchange::Request;

use super::reader::Reader;
use super::{Malformed, Question};
use crate::v1;

impl Question for v1::LookupCitizenRequest {
    type Asked = Request;

    fn context(&self) -> Option<&v1::CallContext> {
        self.context.as_ref()
    }

    fn read(&self, this_year: i16) -> Result<Request, Malformed> {
        let mut reader = Reader::new(this_year);
        let mask = reader.mask(self.read_mask.as_ref());
        let required = reader.required(&self.required_sources, &mask);
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
    type Asked = Request;
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
    type Asked = Request;

    fn context(&self) -> Option<&v1::CallContext> {
        self.context.as_ref()
    }

    fn read(&self, this_year: i16) -> Result<Request, Malformed> {
        let mut reader = Reader::new(this_year);
        let request = reader.request(self.context.as_ref(), self.subject.as_ref());
        reader.finish(request)
    }
}

#[cfg(test)]
mod tests {
    use exchange::{Criticality, Field, FieldSet, Reason};

    use super::*;
    use crate::FieldMask;

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
    fn a_required_source_is_one_that_is_asked() {
        let mut message = good();
        message.required_sources = vec![v1::Source::Tax.into()];
        assert!(message.read(2026).is_ok());
        message.required_sources.push(v1::Source::Health.into());
        let malformed = message.read(2026).unwrap_err();
        assert_eq!(malformed.violations[0].field, "required_sources[1]");
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
