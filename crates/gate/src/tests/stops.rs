//! What is stopped while a question is under way, and who is stopped before.

use std::sync::Arc;

use exchange::{IdentifierKind, Reason, Request, Source, SourceState};
use futures_util::poll;

use super::*;

fn question() -> Arc<Request> {
    named(IdentifierKind::Personal, "999099000001", &["tax.status"])
}

#[tokio::test]
async fn an_answer_does_not_leave_once_its_caller_is_stopped() {
    for (stopped, reason) in [
        ("agency:H55", Reason::AgencySuspended),
        ("system:H55/desk", Reason::SystemSuspended),
        ("purpose:TAX_CHECK", Reason::PurposeSuspended),
    ] {
        let office = Office::waits(Source::Tax);
        let (asked, release) = (office.asked(), office.released());
        let world = World::new([office]);
        let (call, question) = (call(), question());
        let mut lookup = Box::pin(world.gate.lookup(&call, &question));
        assert!(poll!(&mut lookup).is_pending());
        asked.notified().await;
        world.switches.replace([switch(stopped)]);
        release.notify_one();
        assert_eq!(lookup.as_mut().await.unwrap_err().reason, reason);
        drop(lookup);
        let leaves = world.close().await;
        let told: Vec<_> = leaves.iter().map(|leaf| &leaf["t"]).collect();
        assert_eq!(told, ["START", "ACCESS", "DENIED", "STOP"]);
        assert_eq!(leaves[1]["dec"], "ABANDONED");
        assert_eq!(leaves[2]["why"], reason.name());
    }
}

#[tokio::test]
async fn an_answer_of_a_source_that_was_stopped_meanwhile_is_not_used() {
    let office = Office::waits(Source::Tax);
    let (asked, release) = (office.asked(), office.released());
    let world = World::new([office, Office::answers(Source::Population)]);
    let mask = ["tax.status", "population.sex"];
    let question = named(IdentifierKind::Personal, "999099000001", &mask);
    let call = call();
    let mut lookup = Box::pin(world.gate.lookup(&call, &question));
    assert!(poll!(&mut lookup).is_pending());
    asked.notified().await;
    world.switches.replace([switch("source:tax")]);
    release.notify_one();
    let answer = lookup.as_mut().await.unwrap().message;
    drop(lookup);
    assert!(answer.citizen.unwrap().tax.is_none());
    let tax = (Source::Tax, SourceState::Skipped);
    assert!(world.seen.all().contains(&tax), "{:?}", world.seen.all());
    world.close().await;
}

#[tokio::test]
async fn who_is_stopped_is_refused_before_any_agency_is_asked() {
    let office = Office::answers(Source::Tax);
    let world = World::new([office]);
    world.switches.replace([switch("agency:H55")]);
    let refused = world.gate.lookup(&call(), &question()).await;
    assert_eq!(refused.unwrap_err().reason, Reason::AgencySuspended);
    let refused = world.gate.open_to(&call()).await;
    assert_eq!(refused.unwrap_err().reason, Reason::AgencySuspended);
    assert!(world.seen.all().is_empty());
    let leaves = world.close().await;
    let denied = leaves.iter().filter(|leaf| leaf["t"] == "DENIED");
    assert_eq!(denied.count(), 2);
}
