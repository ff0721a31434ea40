//! The record at both doors.

use std::time::Duration;

use api::v1;
use api::v1::audit_service_client::AuditServiceClient;
use evidence::keys::PublicKeys;
use evidence::note::{LogProof, SignedCheckpoint};
use evidence::tree::leaf_hash;
use evidence::tree::proof::is_consistent;
use evidence::verify::Extra;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tonic::transport::Channel;
use tonic::{Code, Streaming};
use tonic_types::StatusExt as _;

use super::client::post;
use super::*;

async fn audit(client: &Client) -> AuditServiceClient<Channel> {
    AuditServiceClient::new(client.channel().await)
}

/// Asks about somebody, and returns the place of the record.
async fn recorded(client: &Client) -> u64 {
    let answer = client.post("/v1/citizens:lookup", &question(KNOWN)).await;
    let seq = answer.json()["receipt"]["seq"].as_str().unwrap().to_owned();
    seq.parse().unwrap()
}

/// The latest checkpoint that a stream sends next.
async fn next(watch: &mut Streaming<v1::WatchCheckpointsResponse>) -> SignedCheckpoint {
    let message = watch.message().await.unwrap().unwrap();
    SignedCheckpoint::parse(&message.checkpoint).unwrap()
}

#[tokio::test]
async fn both_doors_prove_a_record_that_was_just_made() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let seq = recorded(&client).await;
    let body = json!({"seq": seq.to_string()});
    let rest = client.post("/v1/audit/proofs:inclusion", &body).await;
    assert_eq!(rest.status, 200, "{rest:?}");
    let request = v1::GetInclusionProofRequest {
        seq,
        ..Default::default()
    };
    let grpc = audit(&client).await.get_inclusion_proof(request).await;
    let proofs = [
        rest.json()["tlogProof"].as_str().unwrap().to_owned(),
        grpc.unwrap().into_inner().tlog_proof,
    ];
    let keys = PublicKeys::read(&world.dir.path().join("log")).unwrap().log;
    for proof in proofs {
        let proof = LogProof::parse(&proof).unwrap();
        let extra = Extra::of(&proof).unwrap();
        proof
            .verify(&leaf_hash(extra.leaf.as_bytes()), &keys)
            .unwrap();
        assert_eq!(proof.index, seq);
        let leaf: Value = serde_json::from_str(&extra.leaf).unwrap();
        assert_eq!(leaf["rid"], REQUEST_ID);
    }
}

#[tokio::test]
async fn a_record_or_tree_that_is_not_there_is_told_apart() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let seq = recorded(&client).await.to_string();
    let inclusion = "/v1/audit/proofs:inclusion";
    let consistency = "/v1/audit/proofs:consistency";
    for (path, body, status, reason) in [
        (inclusion, json!({"seq": "9999"}), 404, "RECORD_NOT_FOUND"),
        (
            inclusion,
            json!({"seq": seq, "treeSize": "9999"}),
            409,
            "CHECKPOINT_NOT_KEPT",
        ),
        (
            inclusion,
            json!({"seq": seq, "logOrigin": "other.example"}),
            400,
            "INVALID_ARGUMENT",
        ),
        (inclusion, json!({"seq": "x"}), 400, "INVALID_JSON"),
        (
            consistency,
            json!({"oldSize": "9999"}),
            404,
            "RECORD_NOT_FOUND",
        ),
        (
            consistency,
            json!({"oldSize": "1", "newSize": "9999"}),
            409,
            "CHECKPOINT_NOT_KEPT",
        ),
    ] {
        let answer = client.post(path, &body).await;
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.json()["reason"], reason, "{body}");
    }
}

#[tokio::test]
async fn a_caller_that_no_agreement_names_is_refused_and_recorded() {
    let world = World::new().await;
    let client = Client::of(&world, "stranger");
    let answer = client.post("/v1/audit/checkpoints:watch", &json!({})).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["reason"], "CALLER_UNKNOWN");
    let mut audit = audit(&client).await;
    let asked = v1::GetConsistencyProofRequest::default();
    let status = audit.get_consistency_proof(asked).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    let recorded = world.recorded().await;
    assert_eq!(recorded.matches("\"why\":\"CALLER_UNKNOWN\"").count(), 2);
}

#[tokio::test]
async fn a_watch_sends_the_latest_checkpoint_and_each_that_continues_it() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let mut audit = audit(&client).await;
    let watch = v1::WatchCheckpointsRequest::default();
    let mut watch = audit.watch_checkpoints(watch).await.unwrap().into_inner();
    let old = next(&mut watch).await;
    let seq = recorded(&client).await;
    let mut new = next(&mut watch).await;
    while new.checkpoint().size <= seq {
        new = next(&mut watch).await;
    }
    let request = v1::GetConsistencyProofRequest {
        old_size: old.checkpoint().size,
        ..Default::default()
    };
    let proof = audit.get_consistency_proof(request).await.unwrap();
    let proof = proof.into_inner();
    let new = SignedCheckpoint::parse(&proof.new_checkpoint).unwrap();
    let hashes: Vec<_> = proof
        .hashes
        .iter()
        .map(|hash| hash[..].try_into().unwrap())
        .collect();
    let (old, new) = (old.checkpoint(), new.checkpoint());
    assert!(is_consistent(
        (old.size, &old.root),
        (new.size, &new.root),
        &hashes
    ));
}

#[tokio::test]
async fn a_watch_outlasts_every_deadline_and_ends_when_the_node_drains() {
    let world = World::with(|config| config.limits.deadline_max_ms = 300).await;
    let client = Client::of(&world, "desk");
    let mut audit = audit(&client).await;
    let watch = v1::WatchCheckpointsRequest::default();
    let mut watch = audit.watch_checkpoints(watch).await.unwrap().into_inner();
    next(&mut watch).await;
    let late = Instant::now() + Duration::from_millis(400);
    while let Ok(message) = timeout_at(late, watch.message()).await {
        assert!(message.unwrap().is_some());
    }
    let recorded = tokio::spawn(world.recorded());
    let status = loop {
        match watch.message().await {
            Ok(message) => assert!(message.is_some()),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_details_error_info().unwrap().reason, "DRAINING");
    recorded.await.unwrap();
}

#[tokio::test]
async fn a_watch_over_rest_is_events_of_one_line_each() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let asked = post("/v1/audit/checkpoints:watch", "{}");
    let mut connection = client.http2().await;
    let response = connection.send_request(asked).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let (name, event) = rest::event(std::str::from_utf8(&first).unwrap());
    assert_eq!(name, "checkpoint");
    SignedCheckpoint::parse(event["checkpoint"].as_str().unwrap()).unwrap();
    world.running.readiness().draining();
    let rest = body.collect().await.unwrap().to_bytes();
    let rest = String::from_utf8(rest.to_vec()).unwrap();
    let last = rest.split_terminator("\n\n").last().unwrap();
    let (name, problem) = rest::event(last);
    assert_eq!(name, "error");
    assert_eq!(problem["reason"], "DRAINING");
}
