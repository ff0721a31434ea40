//! The written wire against the code: a stranger who follows the page must meet the adapter.

use exchange::{FIELDS, FieldSet, Source};
use serde_json::Value;

use super::super::{translate, wire};
use super::rig::{about, record};
use super::scripted::{Scripted, json};

const PAGE: &str = include_str!("../WIRE.md");
const SCHEMA: &str = include_str!("../openapi.yaml");

/// The samples of JSON on the page.
fn samples() -> Vec<&'static str> {
    let blocks = PAGE.split("```json\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

#[test]
fn every_path_and_element_is_written_down() {
    for path in [wire::LOGIN, wire::ENQUIRE, wire::STATUS, wire::RESULT] {
        assert!(PAGE.contains(&format!("`/{path}`")), "{path}");
        assert!(SCHEMA.contains(&format!("\n  /{path}:")), "{path}");
    }
    for element in translate::elements(&FieldSet::of(Source::CivilStatus)) {
        let field = translate::field(element).unwrap();
        assert!(
            PAGE.contains(&format!("| `{element}` | `{}` |", field.path())),
            "{element}"
        );
        assert!(SCHEMA.contains(&format!("        {element}:")), "{element}");
    }
    let fields = FIELDS
        .iter()
        .filter(|info| info.source == Source::CivilStatus);
    assert_eq!(PAGE.matches("| `civil_status.").count(), fields.count());
}

#[test]
fn every_member_of_the_page_stands_in_the_schema() {
    fn names(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                into.extend(members.keys().cloned());
                members.values().for_each(|value| names(value, into));
            }
            Value::Array(items) => items.iter().for_each(|value| names(value, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut all = Vec::new();
    for sample in samples() {
        names(&serde_json::from_str(sample).unwrap(), &mut all);
    }
    assert!(all.len() > 40);
    for name in all {
        assert!(
            SCHEMA.contains(&format!(" {name}: ")) || SCHEMA.contains(&format!(" {name}:\n")),
            "{name}"
        );
    }
}

#[test]
fn the_sample_of_an_enquiry_is_taken_by_the_simulator() {
    let sample = samples()
        .into_iter()
        .find(|text| text.contains("danhSachTruong"));
    assert!(super::super::sim::takes(sample.unwrap()));
}

#[tokio::test]
async fn the_samples_of_answers_are_taken_by_the_adapter() {
    let mut answered = 0;
    for sample in samples()
        .into_iter()
        .filter(|text| text.contains("\"ketQua\""))
    {
        let asker = about("999099001000");
        let body = sample.replace("0190163d-8694-739b-aea5-966c26f8ad91", &asker.request_id());
        let register = Scripted::in_order(vec![json(200, body)]).await;
        let answer = asker.ask(&*register.agency).await.unwrap();
        assert_eq!(answer.in_force.is_some(), sample.contains("soDinhDanhCu"));
        assert!(!record(answer).personal_id.is_empty());
        answered += 1;
    }
    assert_eq!(answered, 2);
}

#[tokio::test]
async fn the_sample_of_a_refusal_is_not_found() {
    let sample = samples()
        .into_iter()
        .find(|text| text.contains("\"maLoi\""));
    let asker = about("999099001000");
    let body = sample.unwrap();
    let body = body.replace("0190163d-8694-739b-aea5-966c26f8ad91", &asker.request_id());
    let register = Scripted::in_order(vec![json(500, body)]).await;
    let miss = asker.ask(&*register.agency).await.unwrap_err();
    assert_eq!(miss.state, exchange::SourceState::NotFound);
}
