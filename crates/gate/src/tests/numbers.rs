//! Lookups by an old number: the source that is asked who is behind it is counted and recorded, and
//! what it says is passed on.

use std::sync::Arc;
use std::time::Duration;

use adapter::{Miss, Resolution};
use api::v1::stream_citizen_response::Event;
use exchange::{CitizenId, Fault, IdentifierKind, Reason, Request, Source, SourceState};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::*;

const TAX_CODE: &str = "0100233488";
const WAIT: Duration = Duration::from_secs(600);

/// A question by a tax code.
fn by_tax_code(paths: &[&str]) -> Arc<Request> {
    named(IdentifierKind::TaxCode, TAX_CODE, paths)
}

fn found() -> Result<Resolution, Miss> {
    Ok(Resolution::Current(
        CitizenId::from_agency("999099000001").unwrap(),
    ))
}

fn maintained() -> Result<Resolution, Miss> {
    Err(Miss::maintenance(Some(WAIT)))
}

/// A tax office that says that about tax codes, beside a population office.
fn world(resolution: fn() -> Result<Resolution, Miss>) -> World {
    World::new([
        Office::answers(Source::Tax).resolving(resolution),
        Office::answers(Source::Population),
    ])
}

/// The fault of a lookup, and its record.
async fn missed(world: World, request: &Arc<Request>) -> (Fault, Value) {
    let fault = world.gate.lookup(&call(), request).await.unwrap_err();
    (fault, record(world).await)
}

/// The last record of an exchange.
async fn record(world: World) -> Value {
    let mut leaves = world.close().await;
    leaves.pop();
    leaves.pop().unwrap()
}

#[tokio::test]
async fn the_source_that_is_asked_who_it_is_is_counted_and_recorded() {
    let world = world(found);
    let request = by_tax_code(&["population.sex"]);
    let reply = world.gate.lookup(&call(), &request).await.unwrap();
    assert_eq!(reply.message.sources.len(), 1);
    let seen = [Source::Tax, Source::Population].map(|source| (source, SourceState::Ok));
    assert_eq!(world.seen.all(), seen);
    let src = &record(world).await["src"];
    assert_eq!(src[0]["s"], "POPULATION");
    assert_eq!(src[1], json!({"s": "TAX", "st": "OK"}));
}

#[tokio::test]
async fn a_source_that_answers_as_well_stands_in_the_record_once() {
    let world = world(found);
    let request = by_tax_code(&["tax.tax_code"]);
    world.gate.lookup(&call(), &request).await.unwrap();
    assert_eq!(world.seen.all(), [(Source::Tax, SourceState::Ok); 2]);
    let src = &record(world).await["src"];
    assert_eq!(src.as_array().unwrap().len(), 1);
    assert_eq!(src[0]["f"], json!(["tax.tax_code"]));
}

#[tokio::test]
async fn a_source_that_is_withheld_is_recorded_as_asked_who_it_is() {
    let world = World::new([
        Office::answers(Source::Tax),
        Office::answers(Source::Population).resolving(found),
    ]);
    let paths = ["population.name", "tax.tax_code"];
    let request = named(IdentifierKind::Legacy, "012345678", &paths);
    let reply = world.gate.lookup(&call(), &request).await.unwrap();
    assert_eq!(reply.message.sources[0].reason, "NOT_IN_AGREEMENT");
    let src = &record(world).await["src"];
    assert_eq!(src[0], json!({"s": "POPULATION", "st": "OK"}));
}

#[tokio::test]
async fn maintenance_of_the_source_that_knows_is_the_reason_of_the_call() {
    let world = world(maintained);
    let request = by_tax_code(&["population.sex", "tax.status"]);
    let (fault, record) = missed(world, &request).await;
    assert_eq!(fault.reason, Reason::Maintenance);
    assert_eq!(fault.retry_after, Some(WAIT));
    assert_eq!(record["why"], "MAINTENANCE");
    let skipped = json!({"s": "POPULATION", "st": "SKIPPED"});
    let asked = json!({"s": "TAX", "st": "UNAVAILABLE"});
    assert_eq!(record["src"], json!([skipped, asked]));
}

#[tokio::test]
async fn a_stream_says_why_each_source_is_not_asked() {
    let world = world(maintained);
    let request = by_tax_code(&["population.sex"]);
    let mut events = world.gate.stream(call(), request).await.unwrap();
    let Event::Result(result) = events.next().await.unwrap().unwrap().event.unwrap() else {
        panic!("a source first");
    };
    let status = result.status.unwrap();
    assert_eq!(status.reason, "MAINTENANCE");
    assert_eq!(status.retry_after.unwrap().seconds, 600);
    let fault = events.next().await.unwrap().unwrap_err();
    assert_eq!(fault.reason, Reason::Maintenance);
    let src = &record(world).await["src"];
    assert_eq!(src[1], json!({"s": "TAX", "st": "UNAVAILABLE"}));
}

#[tokio::test]
async fn a_panic_is_the_failure_of_that_source() {
    let world = world(|| panic!("a defect of the adapter"));
    let seen = Arc::clone(&world.seen);
    let (fault, record) = missed(world, &by_tax_code(&["population.sex"])).await;
    assert_eq!(fault.reason, Reason::AllSourcesUnavailable);
    assert_eq!(seen.all()[0], (Source::Tax, SourceState::InvalidAnswer));
    let asked = json!({"s": "TAX", "st": "INVALID_ANSWER"});
    assert_eq!(record["src"][1], asked);
}

#[tokio::test]
async fn a_number_of_nobody_is_recorded_with_the_source_that_said_so() {
    let world = world(|| Ok(Resolution::NotFound));
    let (fault, record) = missed(world, &by_tax_code(&["population.sex"])).await;
    assert_eq!(fault.reason, Reason::PersonNotFound);
    let skipped = json!({"s": "POPULATION", "st": "SKIPPED"});
    let asked = json!({"s": "TAX", "st": "NOT_FOUND"});
    assert_eq!(record["src"], json!([skipped, asked]));
}

#[tokio::test]
async fn a_stream_about_a_number_of_nobody_only_ends() {
    let world = world(|| Ok(Resolution::NotFound));
    let request = by_tax_code(&["population.sex"]);
    let mut events = world.gate.stream(call(), request).await.unwrap();
    let fault = events.next().await.unwrap().unwrap_err();
    assert_eq!(fault.reason, Reason::PersonNotFound);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn nobody_is_looked_for_if_nothing_may_be_asked() {
    let world = world(|| Ok(Resolution::NotFound));
    let request = by_tax_code(&["population.name"]);
    let reply = world.gate.lookup(&call(), &request).await.unwrap();
    assert_eq!(reply.message.sources[0].reason, "NOT_IN_AGREEMENT");
    assert_eq!(world.seen.all(), []);
}

#[tokio::test]
async fn a_number_that_no_agency_resolves_was_asked_of_none() {
    let world = World::new([Office::answers(Source::Population)]);
    let (fault, record) = missed(world, &by_tax_code(&["population.sex"])).await;
    assert_eq!(fault.reason, Reason::AllSourcesUnavailable);
    let skipped = json!({"s": "POPULATION", "st": "SKIPPED"});
    assert_eq!(record["src"], json!([skipped]));
}
