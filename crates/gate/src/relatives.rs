//! Officers who ask about their relatives: known where the population database names them in the record
//! of the person, and the officer's id is a personal number.
//!
//! Not here: what an agreement says of it (crate `admission`). Nobody's children stand in their record, so
//! an officer who asks about a parent is not known, and one who asks about a child is.
//!
//! *Invariant:* what is asked for only to find them leaves no further.

use api::{Record, v1};
use exchange::{CallContext, Field, FieldSet, OfficerId, Source};

/// What the population database is asked for beyond what may be released.
pub(crate) fn needed(source: Source, context: &CallContext) -> FieldSet {
    match personal_number(context) {
        Some(_) if source == Source::Population => [
            Field::PopulationFather,
            Field::PopulationMother,
            Field::PopulationSpouse,
            Field::PopulationRepresentative,
            Field::PopulationHouseholdHead,
        ]
        .into_iter()
        .collect(),
        _ => FieldSet::EMPTY,
    }
}

/// True if the record names the officer as somebody near the person.
pub(crate) fn has_officer(record: &Record, context: &CallContext) -> bool {
    let (Record::Population(record), Some(officer)) = (record, personal_number(context)) else {
        return false;
    };
    let near = [
        &record.father,
        &record.mother,
        &record.spouse,
        &record.representative,
        &record.household_head,
    ];
    let own =
        |it: &v1::RelatedPerson| it.personal_id == officer && it.personal_id != record.personal_id;
    near.into_iter().flatten().any(own)
}

fn personal_number(context: &CallContext) -> Option<&str> {
    let officer = context.officer.as_ref().map(OfficerId::reveal);
    officer.filter(|it| it.len() == 12 && it.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use exchange::{Criticality, PurposeCode, RequestId};

    use super::*;

    fn by(officer: Option<&str>) -> CallContext {
        CallContext {
            id: RequestId::fresh(),
            purpose: PurposeCode::parse("P").unwrap(),
            agreement: None,
            procedure: None,
            dossier: None,
            officer: officer.map(|it| OfficerId::parse(it).unwrap()),
            consent: None,
            criticality: Criticality::BackOffice,
            reason: None,
        }
    }

    fn child_of(mother: &str) -> Record {
        let person = |id: &str| v1::RelatedPerson {
            personal_id: id.to_owned(),
            ..Default::default()
        };
        Record::Population(Box::new(v1::PopulationRecord {
            personal_id: "999099000001".to_owned(),
            mother: Some(person(mother)),
            household_head: Some(person("999099000001")),
            ..Default::default()
        }))
    }

    #[test]
    fn an_officer_whose_number_stands_in_the_record_is_near_the_person() {
        let record = child_of("999170000001");
        assert!(has_officer(&record, &by(Some("999170000001"))));
        assert!(!has_officer(&record, &by(Some("999170000002"))));
        // About themselves is a flag of its own.
        assert!(!has_officer(&record, &by(Some("999099000001"))));
        assert!(!has_officer(&child_of(""), &by(None)));
    }

    #[test]
    fn nothing_more_is_asked_for_where_nobody_could_be_found() {
        let of = |source, officer| needed(source, &by(officer));
        assert_eq!(
            of(Source::Population, Some("999170000001")).iter().count(),
            5
        );
        for (source, officer) in [
            (Source::Population, Some("CB-17")),
            (Source::Population, None),
            (Source::Tax, Some("999170000001")),
        ] {
            assert!(of(source, officer).is_empty());
        }
    }
}
