//! What is wrong with a policy file is said at once, and with its place.

use std::path::Path;

use super::fixture::POLICY;
use crate::{Error, Policy};

fn problems(text: &str) -> Vec<String> {
    match Policy::parse(text.as_bytes()) {
        Err(Error::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

/// The problems of the policy with one text put in another's place.
fn with(old: &str, new: &str) -> Vec<String> {
    assert!(POLICY.contains(old), "{old}");
    problems(&POLICY.replacen(old, new, 1))
}

#[test]
fn the_example_is_a_good_policy() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bundle");
    let policy = Policy::load(&example).unwrap();
    assert_eq!(policy.purposes().len(), 4);
}

#[test]
fn every_problem_is_reported_at_once() {
    let text = r#"
colour = "red"

[[purpose]]
code = "p"
title_vi = " "
title_en = "P"
legal_basis = 7
dossier_required = "yes"
hours = "8-17"

[[agreement]]
id = "A 1"
agency = "a/b"
systems = []
purposes = ["q", 5]
fields = ["tax", "population", "tax.foo"]
valid_from = "2026-01-01"
valid_to = 2026-01-01T00:00:00Z
criticality_cap = "HIGH"
second_factor = 1

[quota]
requests_per_minute = 0
"#;
    assert_eq!(
        problems(text),
        [
            "purpose[0].title_vi: must not be empty",
            "purpose[0].legal_basis: must be a string",
            "purpose[0].dossier_required: must be true or false",
            "purpose[0].hours: unknown key",
            "agreement[0].id: holds a character that is not allowed",
            "agreement[0].agency: \"a/b\" is no agency code",
            "agreement[0].systems: must not be empty",
            "agreement[0].purposes[0]: unknown purpose \"q\"",
            "agreement[0].purposes[1]: must be a string",
            "agreement[0].fields[2]: unknown field path \"tax.foo\"",
            "agreement[0].valid_from: must be a date such as 2026-01-31, without quotes",
            "agreement[0].valid_to: must be a date such as 2026-01-31, without quotes",
            "agreement[0].second_factor: must be true or false",
            "agreement[0].criticality_cap: must be EMERGENCY, CITIZEN_WAITING, BACK_OFFICE or BULK",
            "quota.requests_per_minute: must be a whole number from 1 to 10000000",
            "quota.burst: is missing",
            "colour: unknown key",
        ]
    );
}

#[test]
fn what_stands_twice_is_refused() {
    assert_eq!(
        with("code = \"strict\"", "code = \"plain\"")[0],
        "purpose[1].code: \"plain\" stands twice"
    );
    assert_eq!(
        with("id = \"B-2\"", "id = \"A-1\""),
        ["agreement[3].id: \"A-1\" stands twice"]
    );
    let again = "[[quota.caller]]\nagency = \"G12\"\nsystem = \"busy\"\n\
                 requests_per_minute = 1\nburst = 1\n";
    assert_eq!(
        problems(&[POLICY, again].concat()),
        ["quota.caller[1].agency: has this limit twice"]
    );
}

#[test]
fn the_last_day_does_not_lie_before_the_first() {
    assert_eq!(
        with("valid_to = 2026-12-31", "valid_to = 2025-12-31"),
        ["agreement[0].valid_to: lies before valid_from"]
    );
    assert_eq!(
        with("valid_to = 2026-12-31", "valid_to = 9999-12-31"),
        ["agreement[0].valid_to: lies at the end of the calendar"]
    );
}

#[test]
fn a_limit_for_a_caller_that_no_agreement_names_is_refused() {
    let limit = "agency = \"G12\"\nsystem = \"busy\"";
    assert_eq!(
        with(limit, "agency = \"G13\"\nsystem = \"busy\""),
        ["quota.caller[0].agency: no agreement names the agency \"G13\""]
    );
    assert_eq!(
        with(limit, "agency = \"H55\"\nsystem = \"desc\""),
        ["quota.caller[0].system: no agreement is open to the system \"desc\""]
    );
}

#[test]
fn a_policy_without_default_quota_is_refused() {
    assert_eq!(problems(""), ["quota: is missing"]);
}

#[test]
fn a_table_in_a_lists_place_is_refused() {
    let quota = "[quota]\nrequests_per_minute = 1\nburst = 1\n";
    assert_eq!(
        problems(&format!("agreement = 1\n{quota}")),
        ["agreement: must be an array of tables"]
    );
    assert_eq!(
        problems(&format!("agreement = [1]\n{quota}")),
        ["agreement[0]: must be a table"]
    );
    assert_eq!(problems("quota = 1\n"), ["quota: must be a table"]);
}
