//! The record as a caller asks for it: proofs that others check, checkpoints as they are made, and
//! what nobody without a duty gets.

use api::v1::audit_service_client::AuditServiceClient;
use api::v1::{GetInclusionProofRequest, WatchCheckpointsRequest};
use evidence::note::SignedCheckpoint;
use serde_json::{Value, json};
use tests::{Rest, Sandbox, channel, run};

/// Asks about somebody, and returns the place of the record.
async fn recorded(rest: &Rest) -> String {
    let answer = rest
        .lookup("999099000001", "ONE_STOP_DESK", "tax.status")
        .await;
    answer.json()["receipt"]["seq"].as_str().unwrap().to_owned()
}

async fn post(rest: &Rest, path: &str, body: Value) -> (u16, Value) {
    let answer = rest.post(path, body.to_string(), &[]).await.unwrap();
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_proof_from_either_door_is_checked_without_the_log() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let seq = recorded(&rest).await;
    let (status, proof) = post(&rest, "/v1/audit/proofs:inclusion", json!({"seq": seq})).await;
    assert_eq!(status, 200, "{proof}");
    let mut audit = AuditServiceClient::new(channel(&sandbox, "tax").await);
    let request = GetInclusionProofRequest {
        seq: seq.parse().unwrap(),
        ..Default::default()
    };
    let grpc = audit.get_inclusion_proof(request).await.unwrap();
    let proofs = [
        proof["tlogProof"].as_str().unwrap().to_owned(),
        grpc.into_inner().tlog_proof,
    ];
    let file = sandbox.dir().join("answer.tlog-proof");
    let name = file.display().to_string();
    let verify = || {
        run(&[
            "audit",
            "verify",
            &name,
            "--vkey",
            sandbox.text("/log/vkey"),
        ])
    };
    for proof in proofs {
        std::fs::write(&file, &proof).unwrap();
        let verified = verify();
        assert_eq!(verified.code, 0, "{verified:?}");
        let said = format!("record {seq} of log {}", sandbox.text("/log/origin"));
        assert!(verified.out.contains(&said), "{verified:?}");
        let touched = proof.replacen(&format!("index {seq}"), "index 0", 1);
        std::fs::write(&file, touched).unwrap();
        assert_eq!(verify().code, 1);
    }
}

#[tokio::test]
async fn a_log_that_grew_is_proved_to_have_grown() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let mut audit = AuditServiceClient::new(channel(&sandbox, "commune").await);
    let watch = audit.watch_checkpoints(WatchCheckpointsRequest::default());
    let mut watch = watch.await.unwrap().into_inner();
    let old = watch.message().await.unwrap().unwrap().checkpoint;
    let file = sandbox.dir().join("old-checkpoint");
    std::fs::write(&file, &old).unwrap();
    let seq: u64 = recorded(&rest).await.parse().unwrap();
    let size = |checkpoint: &str| {
        SignedCheckpoint::parse(checkpoint)
            .unwrap()
            .checkpoint()
            .size
    };
    while size(&watch.message().await.unwrap().unwrap().checkpoint) <= seq {}
    let body = json!({"oldSize": size(&old).to_string()});
    let (status, proof) = post(&rest, "/v1/audit/proofs:consistency", body).await;
    assert_eq!(status, 200, "{proof}");
    let hashes = proof["hashes"].as_array().unwrap();
    assert!(!hashes.is_empty());
    assert!(size(proof["newCheckpoint"].as_str().unwrap()) > seq);
    let (log, old) = (sandbox.path("/log/dir"), file.display().to_string());
    let log = log.display().to_string();
    let verified = run(&["audit", "verify", &log, "--old", &old]);
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[tokio::test]
async fn nobody_without_a_duty_reads_the_record() {
    let sandbox = Sandbox::start();
    let about = |purpose: &str| {
        json!({
            "context": {
                "requestId": exchange::RequestId::fresh().to_string(),
                "purposeCode": purpose,
                "officerId": "CB-17",
            },
            "subject": {"personalId": "999099000001"},
        })
    };
    let commune = Rest::new(&sandbox, "commune");
    let portal = Rest::new(&sandbox, "portal");
    let search = "/v1/audit/records:search";
    let cases = [
        (&commune, search, "ONE_STOP_DESK", "DUTY_NOT_GRANTED"),
        (&commune, search, "INSPECTION", "PURPOSE_NOT_ALLOWED"),
        (&portal, search, "SELF_ACCESS", "DUTY_NOT_GRANTED"),
        (
            &commune,
            "/v1/audit/subjects:erase",
            "ONE_STOP_DESK",
            "DUTY_NOT_GRANTED",
        ),
        (
            &commune,
            "/v1/dataSubjects/accesses:list",
            "ONE_STOP_DESK",
            "DUTY_NOT_GRANTED",
        ),
    ];
    for (rest, path, purpose, reason) in cases {
        let (status, problem) = post(rest, path, about(purpose)).await;
        assert_eq!(status, 403, "{problem}");
        assert_eq!(problem["reason"], reason, "{path} {purpose}");
    }
    let grants = Rest::new(&sandbox, "auditor").get("/v1/grants").await;
    let duties = grants.unwrap().json()["grants"][0]["duties"].clone();
    assert_eq!(duties, json!(["DUTY_SEARCH_RECORDS", "DUTY_ERASE_SUBJECT"]));
    let census = sandbox.verify(None).out;
    let denied = census.lines().find(|line| line.contains("DENIED"));
    assert!(denied.is_some_and(|line| line.ends_with('5')), "{census}");
}
