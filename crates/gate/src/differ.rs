//! Where two sources disagree about one datum.
//!
//! Only what is released is compared, so a discrepancy tells nothing of a field that was not asked
//! for and granted on both sides.

use api::v1::{self, Discrepancy, DiscrepancyKind};
use exchange::{Field, FieldSet, PartialDate, name_key};
use jiff::Timestamp;

/// One datum as one source holds it.
#[derive(Debug)]
struct Held {
    field: Field,
    value: Value,
}

/// A value in the form in which two are compared.
#[derive(Debug, PartialEq)]
enum Value {
    /// A personal name.
    Name(String),
    /// A date, perhaps partial.
    Date(PartialDate),
    /// A code of one and the same list.
    Code(String),
    /// Whether something is registered at all.
    Registered(bool),
}

/// Every disagreement between two sources in `view`.
pub(crate) fn discrepancies(
    view: &v1::CitizenView,
    granted: &FieldSet,
    now: Timestamp,
) -> Vec<Discrepancy> {
    let data = [
        names(view),
        birth_dates(view),
        sexes(view),
        ethnicities(view),
        marital_statuses(view),
        deaths(view, granted),
    ];
    data.iter().flat_map(|held| compare(held, now)).collect()
}

/// Compares every source with the one whose word counts, which stands first.
fn compare(held: &[Held], now: Timestamp) -> Vec<Discrepancy> {
    let Some((authority, others)) = held.split_first() else {
        return Vec::new();
    };
    others
        .iter()
        .filter_map(|other| Some((other, differ(&authority.value, &other.value)?)))
        .map(|(other, kind)| Discrepancy {
            path: authority.field.path().to_owned(),
            authority: v1::Source::from(authority.field.info().source).into(),
            other: v1::Source::from(other.field.info().source).into(),
            kind: kind.into(),
            detected_at: Some(now.into()),
            other_path: other.field.path().to_owned(),
        })
        .collect()
}

fn differ(authority: &Value, other: &Value) -> Option<DiscrepancyKind> {
    if authority == other || same_letters(authority, other) {
        return None;
    }
    Some(match (authority, other) {
        (Value::Name(a), Value::Name(b)) if name_key(a) == name_key(b) => DiscrepancyKind::Format,
        (Value::Date(a), Value::Date(b)) if a.agrees_with(b) => DiscrepancyKind::Format,
        (Value::Registered(_), Value::Registered(_)) => DiscrepancyKind::Status,
        _ => DiscrepancyKind::Value,
    })
}

/// True for two names that differ in case and spaces alone: the population wire is upper-case
/// throughout, which says nothing about a person.
fn same_letters(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::Name(a), Value::Name(b)) if letters(a).eq(letters(b)))
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    let letters = name.chars().filter(|c| !c.is_whitespace());
    letters.flat_map(char::to_uppercase)
}

fn held(field: Field, value: Option<Value>) -> Option<Held> {
    value.map(|value| Held { field, value })
}

/// The sources' values of one datum, the one whose word counts first.
fn gather<const N: usize>(values: [(Field, Option<Value>); N]) -> Vec<Held> {
    values
        .into_iter()
        .filter_map(|(field, value)| held(field, value))
        .collect()
}

fn names(view: &v1::CitizenView) -> Vec<Held> {
    let name = |name: Option<&v1::PersonName>| name.map(|n| Value::Name(n.full.clone()));
    gather([
        (
            Field::PopulationName,
            name(view.population.as_ref().and_then(|r| r.name.as_ref())),
        ),
        (
            Field::CivilStatusName,
            name(view.civil_status.as_ref().and_then(|r| r.name.as_ref())),
        ),
        (
            Field::HealthName,
            name(view.health.as_ref().and_then(|r| r.name.as_ref())),
        ),
        (
            Field::TaxTaxpayerName,
            name(view.tax.as_ref().and_then(|r| r.taxpayer_name.as_ref())),
        ),
        (
            Field::SocialSecurityName,
            name(view.social_security.as_ref().and_then(|r| r.name.as_ref())),
        ),
    ])
}

fn birth_dates(view: &v1::CitizenView) -> Vec<Held> {
    let date = |date: Option<v1::PartialDate>| {
        let date = date?;
        PartialDate::new(date.year, date.month, date.day)
            .ok()
            .map(Value::Date)
    };
    gather([
        (
            Field::PopulationBirthDate,
            date(view.population.as_ref().and_then(|r| r.birth_date)),
        ),
        (
            Field::CivilStatusBirthDate,
            date(view.civil_status.as_ref().and_then(|r| r.birth_date)),
        ),
        (
            Field::HealthBirthDate,
            date(view.health.as_ref().and_then(|r| r.birth_date)),
        ),
        (
            Field::SocialSecurityBirthDate,
            date(view.social_security.as_ref().and_then(|r| r.birth_date)),
        ),
    ])
}

fn sexes(view: &v1::CitizenView) -> Vec<Held> {
    gather([
        (
            Field::PopulationSex,
            number(view.population.as_ref().map(|r| r.sex)),
        ),
        (
            Field::CivilStatusSex,
            number(view.civil_status.as_ref().map(|r| r.sex)),
        ),
        (
            Field::HealthSex,
            number(view.health.as_ref().map(|r| r.sex)),
        ),
        (
            Field::SocialSecuritySex,
            number(view.social_security.as_ref().map(|r| r.sex)),
        ),
    ])
}

/// Codes are compared only within one list.
fn ethnicities(view: &v1::CitizenView) -> Vec<Held> {
    let code = |coded: Option<&v1::CodedValue>| {
        let coded = coded.filter(|c| c.list == "121-TCTK/PPCD-1979")?;
        Some(Value::Code(coded.code.clone()))
    };
    gather([
        (
            Field::PopulationEthnicity,
            code(view.population.as_ref().and_then(|r| r.ethnicity.as_ref())),
        ),
        (
            Field::CivilStatusEthnicity,
            code(
                view.civil_status
                    .as_ref()
                    .and_then(|r| r.ethnicity.as_ref()),
            ),
        ),
        (
            Field::HealthEthnicity,
            code(view.health.as_ref().and_then(|r| r.ethnicity.as_ref())),
        ),
    ])
}

fn marital_statuses(view: &v1::CitizenView) -> Vec<Held> {
    gather([
        (
            Field::CivilStatusMaritalStatus,
            number(view.civil_status.as_ref().map(|r| r.marital_status)),
        ),
        (
            Field::PopulationMaritalStatus,
            number(view.population.as_ref().map(|r| r.marital_status)),
        ),
    ])
}

/// An absent death is a statement too, if it was asked for and may be released.
fn deaths(view: &v1::CitizenView, granted: &FieldSet) -> Vec<Held> {
    let civil = view.civil_status.as_ref().map(|r| r.death.is_some());
    let population = view.population.as_ref().map(|r| r.death.is_some());
    let told = |field, registered: Option<bool>| {
        let registered = registered.filter(|_| granted.contains(field));
        (field, registered.map(Value::Registered))
    };
    gather([
        told(Field::CivilStatusDeath, civil),
        told(Field::PopulationDeath, population),
    ])
}

/// An enum's number; 0 says nothing.
fn number(number: Option<i32>) -> Option<Value> {
    number
        .filter(|n| *n != 0)
        .map(|n| Value::Code(n.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(full: &str) -> Option<v1::PersonName> {
        Some(v1::PersonName {
            full: full.into(),
            ..Default::default()
        })
    }

    fn view(population: v1::PopulationRecord, civil: v1::CivilStatusRecord) -> v1::CitizenView {
        v1::CitizenView {
            population: Some(Box::new(population).into()),
            civil_status: Some(Box::new(civil).into()),
            ..Default::default()
        }
    }

    fn kinds(view: &v1::CitizenView, granted: &FieldSet) -> Vec<(String, DiscrepancyKind)> {
        discrepancies(view, granted, Timestamp::UNIX_EPOCH)
            .into_iter()
            .map(|d| (d.other_path.clone(), d.kind()))
            .collect()
    }

    #[test]
    fn tone_marks_are_a_matter_of_format() {
        let view = view(
            v1::PopulationRecord {
                name: named("NGUYỄN THỊ HOÀ"),
                ..Default::default()
            },
            v1::CivilStatusRecord {
                name: named("Nguyễn Thị Hòa"),
                ..Default::default()
            },
        );
        let found = kinds(&view, &FieldSet::all());
        assert_eq!(
            found,
            [("civil_status.name".to_owned(), DiscrepancyKind::Format)]
        );
    }

    #[test]
    fn case_is_no_discrepancy() {
        let view = view(
            v1::PopulationRecord {
                name: named("NGUYỄN THỊ HÒA"),
                ..Default::default()
            },
            v1::CivilStatusRecord {
                name: named("Nguyễn Thị Hòa"),
                ..Default::default()
            },
        );
        assert_eq!(kinds(&view, &FieldSet::all()), []);
    }

    #[test]
    fn a_marriage_that_differs_is_found_on_the_side_of_the_population_store() {
        let view = view(
            v1::PopulationRecord {
                marital_status: 1,
                ..Default::default()
            },
            v1::CivilStatusRecord {
                marital_status: 2,
                ..Default::default()
            },
        );
        let found = kinds(&view, &FieldSet::all());
        assert_eq!(
            found,
            [(
                "population.marital_status".to_owned(),
                DiscrepancyKind::Value
            )]
        );
    }

    #[test]
    fn a_death_known_to_one_side_is_told_only_if_both_were_asked() {
        let view = view(
            v1::PopulationRecord::default(),
            v1::CivilStatusRecord {
                death: Some(v1::DeathRegistration::default()),
                ..Default::default()
            },
        );
        let found = kinds(&view, &FieldSet::all());
        assert_eq!(
            found,
            [("population.death".to_owned(), DiscrepancyKind::Status)]
        );
        let one_side = FieldSet::from_iter([Field::CivilStatusDeath]);
        assert_eq!(kinds(&view, &one_side), []);
    }
}
