//! A gateway that is asked more at once than it may take up.

use std::num::NonZeroUsize;
use std::time::Duration;

use api::v1::StreamCitizenRequest;
use exchange::Criticality;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::client::{post, request};
use super::grpc::message;
use super::*;
use crate::Shed;

/// A gateway that takes up so many calls at once.
async fn world(calls: usize) -> World {
    World::with(|config| config.limits.calls = NonZeroUsize::new(calls).unwrap()).await
}

/// A question of that class about somebody of whom the agency does not answer yet.
fn waits(class: &str) -> serde_json::Value {
    let mut asked = question(WAITS);
    let id = exchange::RequestId::fresh().to_string();
    // Of a dossier of its own: identical ones are put to the agency once.
    asked["context"]["dossierNo"] = id.as_str().into();
    asked["context"]["requestId"] = id.into();
    asked["context"]["criticality"] = class.into();
    asked
}

/// Asks until so many questions are with the agency.
async fn fill(world: &World, client: &Client, class: &str, until: usize) -> JoinSet<u16> {
    let mut asking = JoinSet::new();
    for _ in world.tax.asked()..until {
        let (client, asked) = (client.clone(), waits(class));
        asking.spawn(async move {
            let answer = client.post("/v1/citizens:lookup", &asked).await;
            answer.status.as_u16()
        });
    }
    while world.tax.asked() < until {
        world.tax.reached.notified().await;
    }
    asking
}

/// Lets the agency answer, and expects that everybody is.
async fn answered(world: &World, mut asking: JoinSet<u16>) {
    while !asking.is_empty() {
        world.tax.release.notify_waiters();
        tokio::task::yield_now().await;
        if let Some(status) = asking.try_join_next() {
            assert_eq!(status.unwrap(), 200);
        }
    }
}

#[tokio::test]
async fn what_finds_no_room_is_shed_before_it_is_decoded_and_told_when_to_come_again() {
    let world = world(2).await;
    let client = Client::of(&world, "desk");
    let asking = fill(&world, &client, "CRITICALITY_BULK", 2).await;
    let garbage = client.send(post("/v1/citizens:lookup", "{")).await;
    assert_eq!(garbage.status, 503);
    let problem = garbage.json();
    assert_eq!(problem["reason"], "OVERLOADED");
    let after: u64 = garbage.header("retry-after").parse().unwrap();
    assert!((2..=3).contains(&after), "{after}");
    let mut grpc = client.citizen().await;
    let status = grpc.lookup_citizen(message(KNOWN)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let info = status.get_details_retry_info().unwrap();
    let after = info.retry_delay.unwrap();
    let jittered = Duration::from_secs(2)..=Duration::from_millis(2_500);
    assert!(jittered.contains(&after), "{after:?}");
    let fields = request(http::Method::GET, "/v1/fields", "").finish();
    assert_eq!(client.send(fields).await.status, 503);
    assert_eq!(world.tax.asked(), 2, "an agency was asked");
    answered(&world, asking).await;
    assert!(grpc.lookup_citizen(message(KNOWN)).await.is_ok());
}

#[tokio::test]
async fn a_class_beyond_the_agreement_finds_no_more_room() {
    let world = world(20).await;
    let client = Client::of(&world, "desk");
    let mut asking = fill(&world, &client, "CRITICALITY_BULK", 14).await;
    let lookup = "/v1/citizens:lookup";
    let shed = client.post(lookup, &waits("CRITICALITY_BULK")).await;
    assert_eq!(shed.status, 503);
    let more = fill(&world, &client, "CRITICALITY_BACK_OFFICE", 18).await;
    let shed = client.post(lookup, &waits("CRITICALITY_BACK_OFFICE")).await;
    assert_eq!(shed.status, 503);
    // Agreed is no more than that a citizen waits.
    let urgent = fill(&world, &client, "CRITICALITY_EMERGENCY", 19).await;
    let shed = client.post(lookup, &waits("CRITICALITY_EMERGENCY")).await;
    assert_eq!(shed.status, 503);
    let seen = world.seen.shed();
    let order = [
        Criticality::Bulk,
        Criticality::BackOffice,
        Criticality::CitizenWaiting,
    ];
    assert_eq!(seen, order.map(|class| (class, Shed::Calls)));
    for mut group in [more, urgent] {
        while let Some(one) = group.try_join_next() {
            assert_eq!(one.unwrap(), 200);
        }
        answered(&world, group).await;
    }
    while let Some(one) = asking.try_join_next() {
        assert_eq!(one.unwrap(), 200);
    }
    answered(&world, asking).await;
}

#[tokio::test]
async fn a_stream_holds_its_place_to_its_end() {
    let world = world(1).await;
    let client = Client::of(&world, "desk");
    let mut grpc = client.citizen().await;
    let lookup = Some(message(HANGS));
    let stream = grpc.stream_citizen(StreamCitizenRequest { lookup }).await;
    world.tax.reached.notified().await;
    let status = grpc.lookup_citizen(message(KNOWN)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    drop(stream);
    world.seen.wait_for(2).await;
    let mut asked = message(KNOWN);
    let id = exchange::RequestId::fresh().to_string();
    asked.context.as_mut().unwrap().request_id = id;
    assert!(grpc.lookup_citizen(asked).await.is_ok());
}

#[tokio::test]
async fn a_stream_that_nobody_reads_holds_its_place_no_longer_than_its_time() {
    let world = World::with(|config| {
        config.limits.calls = NonZeroUsize::MIN;
        config.limits.deadline_ms = 500;
    })
    .await;
    let client = Client::of(&world, "desk");
    let mut deaf = client.without_a_window().await;
    let asked = serde_json::json!({"lookup": question(KNOWN)}).to_string();
    let stream = deaf.send_request(post("/v1/citizens:stream", asked)).await;
    assert_eq!(stream.as_ref().unwrap().status(), 200);
    let fields = || client.send(request(http::Method::GET, "/v1/fields", "").finish());
    assert_eq!(fields().await.status, 503);
    let begun = Instant::now();
    while fields().await.status == 503 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it stays");
    }
    let method = "lienthong.v1.CitizenService/StreamCitizen";
    let late = (method, "DEADLINE_EXCEEDED");
    assert!(
        world.seen.calls().contains(&late),
        "{:?}",
        world.seen.calls()
    );
    drop(stream);
}
