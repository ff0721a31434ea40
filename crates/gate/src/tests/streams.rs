//! The end of a stream: its record is whole, whoever reads it or leaves.

use std::pin::pin;

use exchange::{IdentifierKind, Request, Source};
use futures_util::poll;
use serde_json::Value;

use super::*;

fn question() -> Request {
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
