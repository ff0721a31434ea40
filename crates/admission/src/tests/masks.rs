//! Fields that are granted in a masked form alone.

use exchange::{Field, FieldSet, Request, Source};

use super::fixture::{POLICY, Room, desk, request};
use crate::{Error, Policy, resolution_mask};

/// The policy with these lines in place of the fields of agreement A-1.
fn with(lines: &str) -> String {
    POLICY.replacen("fields = [\"tax\"]", lines, 1)
}

fn problems(lines: &str) -> Vec<String> {
    match Policy::parse(with(lines).as_bytes()) {
        Err(Error::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_masked_field_is_granted_and_not_whole() {
    let lines = "fields = [\"tax\"]\nlast_four_only = [\"tax.tax_code\"]\n\
                 year_only = [\"population.birth_date\"]";
    let room = Room::new(&with(lines));
    let everything = Request {
        mask: FieldSet::all(),
        ..request("plain")
    };
    let permit = room.admission.admit(&desk(), &everything).unwrap();
    let masked: FieldSet = [Field::TaxTaxCode, Field::PopulationBirthDate].into_iter().collect();
    let tax = FieldSet::of(Source::Tax);
    assert_eq!(*permit.masked(), masked);
    assert_eq!(*permit.granted(), tax.or(&masked));
    assert_eq!(permit.whole(), tax.minus(&masked));
    assert_eq!(room.admission.grants(&desk())[0].masked, masked);
    let narrow = Request {
        mask: [Field::TaxTaxCode].into_iter().collect(),
        ..request("plain")
    };
    let permit = room.admission.admit(&desk(), &narrow).unwrap();
    assert_eq!(permit.masked(), permit.granted(), "no more than is asked for");
}

#[test]
fn an_agreement_may_grant_nothing_but_parts() {
    let room = Room::new(&with("last_four_only = [\"population.personal_id\"]"));
    let resolve = Request {
        mask: resolution_mask(),
        ..request("plain")
    };
    let permit = room.admission.admit(&desk(), &resolve).unwrap();
    assert_eq!(permit.granted().len(), 1);
    assert!(!permit.may_resolve(), "a part of a number is not the number");
}

#[test]
fn a_mask_fits_its_field_and_contradicts_nothing() {
    for (lines, problem) in [
        (
            "year_only = [\"population.name\"]",
            "year_only[0]: \"population.name\" cannot be masked",
        ),
        (
            "year_only = [\"population.personal_id\"]",
            "year_only[0]: \"population.personal_id\" has another mask, LAST_FOUR",
        ),
        ("year_only = [\"tax\"]", "year_only[0]: unknown field path \"tax\""),
        (
            "fields = [\"tax.tax_code\"]\nlast_four_only = [\"tax.tax_code\"]",
            "last_four_only[0]: \"tax.tax_code\" stands in fields as well",
        ),
        ("province_only = []", "province_only: must not be empty"),
    ] {
        assert_eq!(problems(lines), [format!("agreement[0].{problem}")]);
    }
}
