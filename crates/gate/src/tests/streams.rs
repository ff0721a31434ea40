//! The end of a stream: its record is whole, whoever reads it or leaves.

use std::pin::pin;
use std::sync::Arc;

use api::v1::stream_citizen_response::Event;
use exchange::{IdentifierKind, Reason, Request, Source, SourceState};
use futures_util::{StreamExt as _, poll};
use serde_json::Value;

use super::*;

fn question() -> Arc<Request> {
    named(IdentifierKind::Personal, "999099000001", &["tax.status"])
}

/// The types and decisions of records, in order.
fn kinds(leaves: &[Value]) -> Vec<String> {
    let word = |leaf: &Value, key: &str| leaf[key].as_str().unwrap_or("-").to_owned();
    let kinds = leaves.iter().map(|l| word(l, "t") + " " + &word(l, "dec"));
    kinds.collect()
}

#[tokio::test]
async fn a_stream_that_is_cut_is_recorded_before_the_log_closes() {
    let office = Office::hangs(Source::Tax);
    let asked = office.asked();
    let world = World::new([office]);
    let events = world.gate.stream(call(), question()).await.unwrap();
    asked.notified().await;
    drop(events);
    let leaves = world.close().await;
    assert_eq!(kinds(&leaves), ["START -", "ACCESS ABANDONED", "STOP -"]);
}

#[tokio::test]
async fn the_gate_is_finished_when_its_streams_are_over() {
    let world = World::new([Office::hangs(Source::Tax)]);
    let events = world.gate.stream(call(), question()).await.unwrap();
    let mut finished = pin!(world.gate.finish());
    assert!(poll!(&mut finished).is_pending());
    drop(events);
    finished.await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_recorded_all_the_same() {
    let world = World::new([Office::answers(Source::Tax)]);
    let unread = world.gate.stream(call(), question()).await.unwrap();
    world.gate.finish().await;
    drop(unread);
    let leaves = world.close().await;
    let whole = ["START -", "ACCESS ALLOW", "ACCESS ALLOW", "STOP -"];
    assert_eq!(kinds(&leaves), whole);
}

#[tokio::test]
async fn a_stream_that_finds_nobody_tells_it_once() {
    let offices = [Source::Tax, Source::Population].map(Office::knows_nobody);
    let world = World::new(offices);
    let question = named(
        IdentifierKind::Personal,
        "999099000001",
        &["tax.status", "population.sex"],
    );
    let mut events = world.gate.stream(call(), question).await.unwrap();
    let fault = events.next().await.unwrap().unwrap_err();
    assert_eq!(fault.reason, Reason::PersonNotFound);
    assert!(events.next().await.is_none());
    let leaves = world.close().await;
    assert_eq!(kinds(&leaves), ["START -", "ACCESS ALLOW", "STOP -"]);
    let states = leaves[1]["src"].as_array().unwrap().iter();
    assert!(
        states
            .map(|src| &src["st"])
            .all(|state| state == "NOT_FOUND")
    );
}

#[tokio::test]
async fn a_source_that_knows_nobody_is_told_once_another_knows_somebody() {
    let world = World::new([
        Office::knows_nobody(Source::Tax),
        Office::answers(Source::Population),
    ]);
    let question = named(
        IdentifierKind::Personal,
        "999099000001",
        &["tax.status", "population.sex"],
    );
    let events = world.gate.stream(call(), question).await.unwrap();
    let events: Vec<_> = events.collect().await;
    let mut states = Vec::new();
    for event in events {
        if let Some(Event::Result(result)) = event.unwrap().event {
            states.push(result.status.unwrap().state());
        }
    }
    states.sort_unstable();
    let both = [SourceState::Ok, SourceState::NotFound].map(api::v1::SourceState::from);
    assert_eq!(states, both);
}

#[tokio::test]
async fn a_stream_of_who_is_stopped_ends_and_both_are_recorded() {
    let office = Office::hangs(Source::Tax);
    let asked = office.asked();
    let world = World::new([office]);
    let mut events = world.gate.stream(call(), question()).await.unwrap();
    asked.notified().await;
    let others = ["agency:H5", "source:tax", "purpose:OTHER"].map(switch);
    world.switches.replace(others);
    assert!(poll!(pin!(events.next())).is_pending());
    world.switches.replace([switch("purpose:TAX_CHECK")]);
    let fault = events.next().await.unwrap().unwrap_err();
    assert_eq!(fault.reason, Reason::PurposeSuspended);
    assert!(events.next().await.is_none());
    let leaves = world.close().await;
    let both = ["START -", "ACCESS ABANDONED", "DENIED DENY", "STOP -"];
    assert_eq!(kinds(&leaves), both);
    assert_eq!(leaves[1]["rid"], leaves[2]["rid"]);
    assert_eq!(leaves[2]["why"], "PURPOSE_SUSPENDED");
}
