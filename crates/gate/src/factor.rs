//! The second factor: what the caller says of the person must be what every source holds of them.
//!
//! A source that holds something else, or nothing to compare, counts as not knowing the person, so
//! that a guess does not learn which datum differs, nor, asked by a personal id, that the number is
//! somebody's. Not here: when a second factor is needed, which is admission's to say.

use api::{Record, v1};
use exchange::{Field, FieldSet, MatchHints, PartialDate, Source, name_key};

/// What a source is asked for beyond what may be released, so that it can be compared. Of what
/// comes back the answer keeps nothing that is not granted.
pub(crate) fn needed(source: Source, hints: &MatchHints) -> FieldSet {
    let (name, birth_date) = fields(source);
    let name = hints.full_name.is_some().then_some(name);
    let birth_date = hints.birth_date.and(birth_date);
    name.into_iter().chain(birth_date).collect()
}

/// True if the record is that of the person the caller described.
///
/// The tax register compares birth dates itself, since its record holds none.
pub(crate) fn agrees(record: &Record, hints: &MatchHints) -> bool {
    let (name, birth_date) = held(record);
    let same_name = |given: &String| name.is_some_and(|name| is_same_name(&name.full, given));
    let same_date = |given: PartialDate| birth_date.is_some_and(|held| is_same_date(held, given));
    hints.full_name.as_ref().is_none_or(same_name)
        && (record.source() == Source::Tax || hints.birth_date.is_none_or(same_date))
}

/// The fields to compare.
const fn fields(source: Source) -> (Field, Option<Field>) {
    match source {
        Source::Population => (Field::PopulationName, Some(Field::PopulationBirthDate)),
        Source::Health => (Field::HealthName, Some(Field::HealthBirthDate)),
        Source::CivilStatus => (Field::CivilStatusName, Some(Field::CivilStatusBirthDate)),
        Source::Tax => (Field::TaxTaxpayerName, None),
        Source::SocialSecurity => (
            Field::SocialSecurityName,
            Some(Field::SocialSecurityBirthDate),
        ),
    }
}

fn held(record: &Record) -> (Option<&v1::PersonName>, Option<v1::PartialDate>) {
    match record {
        Record::Population(record) => (record.name.as_ref(), record.birth_date),
        Record::Health(record) => (record.name.as_ref(), record.birth_date),
        Record::CivilStatus(record) => (record.name.as_ref(), record.birth_date),
        Record::Tax(record) => (record.taxpayer_name.as_ref(), None),
        Record::SocialSecurity(record) => (record.name.as_ref(), record.birth_date),
    }
}

fn is_same_name(held: &str, given: &str) -> bool {
    !held.is_empty() && name_key(held) == name_key(given)
}

/// A part that the register does not know differs from nothing; one that it knows must be given,
/// because the year alone stands in the personal id.
fn is_same_date(held: v1::PartialDate, given: PartialDate) -> bool {
    PartialDate::new(held.year, held.month, held.day).is_ok_and(|held| held.is_told_by(&given))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(name: Option<&str>, date: Option<&str>) -> MatchHints {
        MatchHints {
            full_name: name.map(str::to_owned),
            birth_date: date.and_then(PartialDate::parse),
        }
    }

    fn health(name: &str, year: i32, month: i32, day: i32) -> Record {
        Record::Health(Box::new(v1::HealthRecord {
            name: Some(v1::PersonName {
                full: name.to_owned(),
                ..Default::default()
            }),
            birth_date: Some(v1::PartialDate { year, month, day }),
            ..Default::default()
        }))
    }

    #[test]
    fn name_and_birth_date_must_both_be_those_of_the_record() {
        let record = health("NGUYỄN THỊ HOÀ", 1999, 2, 3);
        let agrees = |name, date| agrees(&record, &hints(name, date));
        assert!(agrees(Some("Nguyễn Thị Hòa"), Some("1999-02-03")));
        assert!(agrees(Some("Nguyễn Thị Hòa"), None) && agrees(None, Some("1999-02-03")));
        assert!(agrees(None, None));
        assert!(!agrees(Some("Nguyễn Thị Hóa"), Some("1999-02-03")));
        assert!(!agrees(Some("Nguyễn Thị Hòa"), Some("1999-02-04")));
    }

    #[test]
    fn a_date_that_is_known_in_part_is_compared_in_part() {
        let record = health("A", 1999, 0, 0);
        assert!(agrees(&record, &hints(None, Some("1999-02-03"))));
        assert!(!agrees(&record, &hints(None, Some("1998-02-03"))));
    }

    #[test]
    fn a_part_of_the_date_does_not_stand_for_the_whole() {
        let record = health("A", 1999, 2, 3);
        assert!(!agrees(&record, &hints(None, Some("1999"))));
        assert!(!agrees(&record, &hints(None, Some("1999-02"))));
        assert!(agrees(
            &health("A", 1999, 2, 0),
            &hints(None, Some("1999-02"))
        ));
    }

    #[test]
    fn a_record_that_holds_nothing_to_compare_agrees_with_nothing() {
        let empty = Record::SocialSecurity(Box::default());
        assert!(!agrees(&empty, &hints(Some("A"), None)));
        assert!(!agrees(&empty, &hints(None, Some("1999"))));
        assert!(agrees(&empty, &MatchHints::default()));
    }

    #[test]
    fn only_what_is_compared_is_asked_for() {
        let both = hints(Some("A"), Some("1999"));
        let health = FieldSet::from_iter([Field::HealthName, Field::HealthBirthDate]);
        assert_eq!(needed(Source::Health, &both), health);
        let tax = FieldSet::from_iter([Field::TaxTaxpayerName]);
        assert_eq!(needed(Source::Tax, &both), tax);
        assert!(needed(Source::Health, &MatchHints::default()).is_empty());
    }
}
