//! Claims about citizens: what they come to, and that nothing else shows.

use tokio::time::Instant;

use api::v1;
use api::v1::verification_service_client::VerificationServiceClient;
use exchange::RequestId;
use prost::Message as _;
use serde_json::{Value, json};
use tests::{Rest, RestAnswer, Sandbox, channel, records_of};
use tonic::transport::Channel;

use super::statistics::{compare, quantile};

/// Every source knows them.
const SOMEBODY: &str = "999099000001";
/// The population database tells nothing of them.
const CLOSED: &str = "999099000006";
/// Nobody has this number in a sandbox.
const NOBODY: &str = "001099000001";

fn question(id: &str, claims: &Value) -> Value {
    json!({
        "context": {
            "requestId": RequestId::fresh().to_string(),
            "purposeCode": "ONE_STOP_DESK",
            "officerId": "CB-1",
        },
        "subject": {"personalId": id},
        "claims": claims,
    })
}

fn equals(path: &str, value: &str) -> Value {
    json!({"claimId": path, "equals": {"path": path, "value": value}})
}

async fn verify(rest: &Rest, question: &Value) -> RestAnswer {
    let path = "/v1/citizens:verify";
    rest.post(path, question.to_string(), &[]).await.unwrap()
}

/// The one record of a question.
fn recorded(sandbox: &Sandbox, question: &Value) -> (String, Value) {
    let id = question["context"]["requestId"].as_str().unwrap();
    let mut found = records_of(&sandbox.path("/log/dir"), id);
    assert_eq!(found.len(), 1, "{found:?}");
    found.pop().unwrap()
}

#[tokio::test]
async fn claims_are_confirmed_refuted_or_open_and_their_record_says_nothing_of_it() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let alive = json!({"claimId": "alive", "isAlive": {}});
    let taxed = json!({"claimId": "tax", "status": {"status": "STATUS_KIND_TAX_REGISTERED"}});
    for (id, claims, verdict) in [
        (SOMEBODY, json!([alive, taxed]), "VERDICT_MATCH"),
        (
            SOMEBODY,
            json!([equals("population.name", "trần hữu hưng")]),
            "VERDICT_MATCH",
        ),
        (
            SOMEBODY,
            json!([alive, equals("population.name", "Trần Hữu Hùng")]),
            "VERDICT_NO_MATCH",
        ),
        ("999099000002", json!([alive]), "VERDICT_NO_MATCH"),
        (NOBODY, json!([alive]), "VERDICT_NO_MATCH"),
        // The population database hangs: that another claim is refuted must not show.
        ("999099000101", json!([alive, taxed]), "VERDICT_UNKNOWN"),
    ] {
        let asked = question(id, &claims);
        let answer = verify(&commune, &asked).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        assert_eq!(body["verdict"], verdict, "{id} {claims}");
        assert!(
            body.get("results").is_none(),
            "one verdict about all: {body}"
        );
        let (text, record) = recorded(&sandbox, &asked);
        assert_eq!(
            (&record["t"], &record["dec"]),
            (&json!("ACCESS"), &json!("ALLOW"))
        );
        let compared = record["src"][0]["c"][0].as_str().unwrap();
        assert!(compared.starts_with("population."), "{text}");
        for (part, length) in [("ver", 45), ("who", 45)] {
            assert_eq!(
                record[part].as_str().unwrap().len(),
                length,
                "a commitment: {text}"
            );
        }
        let is_told = ["MATCH", "NOT_FOUND", id]
            .iter()
            .any(|word| text.contains(word));
        assert!(!is_told && record["src"][0].get("f").is_none(), "{text}");
    }
}

#[tokio::test]
async fn each_claim_has_its_verdict_where_the_agreement_says_so() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let claims = json!([
        {"claimId": "of-age", "ageAtLeast": {"years": 18}},
        {"claimId": "older", "ageAtLeast": {"years": 99}},
        {"claimId": "wed", "relation": {
            "other": {"personalId": "999300000206", "hints": {"fullName": "Trần Diệu Phương"}},
            "relation": "RELATION_KIND_SPOUSE",
        }},
    ]);
    let mut asked = question(SOMEBODY, &claims);
    asked["disclosure"] = json!("DISCLOSURE_LEVEL_PER_CLAIM");
    let body = verify(&commune, &asked).await.json();
    assert_eq!(body["verdict"], "VERDICT_NO_MATCH");
    assert_eq!(
        body["results"],
        json!([
            {"claimId": "of-age", "verdict": "VERDICT_MATCH"},
            {"claimId": "older", "verdict": "VERDICT_NO_MATCH"},
            {"claimId": "wed", "verdict": "VERDICT_MATCH"},
        ])
    );
}

#[tokio::test]
async fn what_the_agreement_does_not_let_verify_is_refused_whole_whoever_it_is_about() {
    let sandbox = Sandbox::start();
    let tax = Rest::new(&sandbox, "tax");
    let claims = json!([
        {"claimId": "wed", "status": {"status": "STATUS_KIND_MARRIED"}},
        {"claimId": "insured", "status": {"status": "STATUS_KIND_HEALTH_INSURED"}},
        equals("population.religion", "1019/QD-TCTK-2008:00"),
    ]);
    let mut told = Vec::new();
    for id in [SOMEBODY, CLOSED, NOBODY] {
        let mut asked = question(id, &claims);
        asked["context"]["purposeCode"] = json!("TAXPAYER_REGISTRATION");
        asked["disclosure"] = json!("DISCLOSURE_LEVEL_PER_CLAIM");
        let answer = verify(&tax, &asked).await;
        assert_eq!(answer.status, 403);
        let body = answer.json();
        assert_eq!(body["reason"], "CLAIM_NOT_GRANTED");
        let violations = body["violations"].as_array().unwrap().iter();
        let fields: Vec<_> = violations.map(|it| it["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["claims[1]", "claims[2]", "disclosure"]);
        let (_, record) = recorded(&sandbox, &asked);
        assert_eq!(record["t"], "DENIED");
        assert_eq!(record["why"], "CLAIM_NOT_GRANTED");
        told.push(
            answer
                .text
                .replace(asked["context"]["requestId"].as_str().unwrap(), "id"),
        );
    }
    assert!(told.iter().all(|it| *it == told[0]), "{told:?}");
}

/// Row E04: an absent and a forbidden person are told in the same bytes, size and status, and the
/// public record of both is the same but for what is drawn at random.
#[tokio::test]
async fn an_absent_and_a_forbidden_person_are_told_in_the_same_bytes() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let claims = json!([equals("population.name", "Ai Đó"), {"claimId": "a", "isAlive": {}}]);
    let mut told = Vec::new();
    let mut kept = Vec::new();
    for id in [SOMEBODY, CLOSED, NOBODY, "999099000011"] {
        let asked = question(id, &claims);
        let answer = verify(&commune, &asked).await;
        assert_eq!(answer.status, 200);
        let mut body = answer.json();
        let receipt = body.as_object_mut().unwrap().remove("receipt").unwrap();
        body.as_object_mut().unwrap().remove("requestId").unwrap();
        let parts: Vec<_> = receipt.as_object().unwrap().keys().cloned().collect();
        let mut headers: Vec<_> = answer.headers.keys().map(|it| it.to_string()).collect();
        headers.sort();
        told.push((body.to_string(), parts, headers));
        let (text, mut record) = recorded(&sandbox, &asked);
        for drawn in ["ts", "rid", "sub", "off", "who", "ver"] {
            assert!(
                record.as_object_mut().unwrap().remove(drawn).is_some(),
                "{text}"
            );
        }
        kept.push((text.len(), record.to_string()));
    }
    assert!(told.iter().all(|it| *it == told[0]), "{told:#?}");
    assert!(kept.iter().all(|it| *it == kept[0]), "{kept:#?}");
    let grpc = channel(&sandbox, "commune").await;
    let mut sizes = Vec::new();
    for id in [SOMEBODY, CLOSED, NOBODY] {
        let (answer, _) = ask(&grpc, id, "CB-2").await;
        let bare = v1::VerifyAttributesResponse {
            receipt: None,
            ..answer
        };
        sizes.push(bare.encoded_len());
    }
    assert!(sizes.iter().all(|it| *it == sizes[0]), "{sizes:?}");
}

/// Row E05: who tries birth dates learns one bit about all claims together, and after five mismatches
/// about one person within the hour nothing more; the refusal is a record.
#[tokio::test]
async fn guessing_is_stopped_after_five_mismatches() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    for id in [SOMEBODY, NOBODY] {
        let guess = |day: u32| {
            let date = format!("1999-03-{day:02}");
            let name = equals("population.name", "Trần Hữu Hưng");
            question(id, &json!([name, equals("population.birth_date", &date)]))
        };
        for day in 1..=5 {
            let body = verify(&commune, &guess(day)).await.json();
            assert_eq!(body["verdict"], "VERDICT_NO_MATCH", "{body}");
            assert!(body.get("results").is_none());
        }
        // The right one, too late.
        let asked = guess(24);
        let refused = verify(&commune, &asked).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert_eq!(refused.json()["reason"], "ENUMERATION_SUSPECTED");
        let (_, record) = recorded(&sandbox, &asked);
        assert_eq!(
            (&record["t"], &record["why"]),
            (&json!("DENIED"), &json!("ENUMERATION_SUSPECTED"))
        );
        let mut other = guess(24);
        other["context"]["officerId"] = json!("CB-2");
        let open = verify(&commune, &other).await;
        assert_eq!(open.status, 200, "another officer is none of them");
    }
}

/// Row E05: who guesses at once learns no more than who guesses in turn.
#[tokio::test]
async fn guesses_at_the_same_time_are_told_five_times() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let guesses = (1..=30).map(|day| {
        let date = format!("1999-03-{day:02}");
        let asked = question(SOMEBODY, &json!([equals("population.birth_date", &date)]));
        let commune = commune.clone();
        tokio::spawn(async move { verify(&commune, &asked).await.status })
    });
    let mut told = 0;
    for guess in guesses.collect::<Vec<_>>() {
        told += usize::from(guess.await.unwrap() == 200);
    }
    assert!(told <= 6, "five mismatches, and perhaps the match: {told}");
}

/// Row E03: how long a verification takes tells nothing of whether the person exists, does not match,
/// or is withheld.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_verification_tells_nothing_of_the_person() {
    let full = std::env::var_os("LIENTHONG_TEST_FULL").is_some();
    // Of 2,000 the place of the middle is known to 0.01, so that a hundredth is no finding.
    let (each, apart) = if full { (10_000, 0.02) } else { (2_000, 0.04) };
    let sandbox = Sandbox::start();
    let grpc = channel(&sandbox, "commune").await;
    let groups = [SOMEBODY, NOBODY, CLOSED];
    let workers = (0..WORKERS).map(|worker| {
        let grpc = grpc.clone();
        tokio::spawn(async move {
            let mut times: [Vec<f64>; 3] = Default::default();
            for round in 0..each / WORKERS {
                for step in 0..3 {
                    // Every order of the three comes as often.
                    let group = (step * (1 + round % 2) + round + worker) % 3;
                    let officer = format!("CB-{worker}-{round}");
                    let (answer, took) = ask(&grpc, groups[group], &officer).await;
                    assert_eq!(answer.verdict(), v1::Verdict::NoMatch);
                    times[group].push(took);
                }
            }
            times
        })
    });
    let mut times: [Vec<f64>; 3] = Default::default();
    for worker in workers.collect::<Vec<_>>() {
        for (all, own) in times.iter_mut().zip(worker.await.unwrap()) {
            all.extend(own);
        }
    }
    let names = ["existing", "absent", "withheld"];
    for (name, times) in names.iter().zip(&times) {
        let [p50, p99] = [0.5, 0.99].map(|part| quantile(times, part));
        println!(
            "{name:<9} n={} p50={p50:.3} ms p99={p99:.3} ms",
            times.len()
        );
    }
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let found = compare(&times[one], &times[other]);
        println!(
            "{} / {}: A12={:.4} p={:.4}",
            names[one], names[other], found.a12, found.p
        );
        let is_none = found.p >= 0.01 || (found.a12 - 0.5).abs() < apart;
        assert!(is_none, "{} {} {found:?}", names[one], names[other]);
    }
}

/// One question over gRPC, and how many milliseconds it took.
async fn ask(grpc: &Channel, id: &str, officer: &str) -> (v1::VerifyAttributesResponse, f64) {
    let claim = v1::EqualsClaim {
        path: "population.name".to_owned(),
        value: "Ai Đó".to_owned(),
        mode: 0,
    };
    let message = v1::VerifyAttributesRequest {
        context: Some(v1::CallContext {
            request_id: RequestId::fresh().to_string(),
            purpose_code: "ONE_STOP_DESK".to_owned(),
            officer_id: officer.to_owned(),
            ..Default::default()
        }),
        subject: Some(v1::SubjectRef {
            id: Some(v1::subject_ref::Id::PersonalId(id.to_owned())),
            hints: None,
        }),
        claims: vec![v1::Claim {
            claim_id: "name".to_owned(),
            predicate: Some(v1::claim::Predicate::Equals(claim)),
        }],
        disclosure: 0,
    };
    let mut client = VerificationServiceClient::new(grpc.clone());
    let begun = Instant::now();
    let answer = client.verify_attributes(message).await.unwrap();
    (answer.into_inner(), begun.elapsed().as_secs_f64() * 1_000.0)
}

/// So many ask at once.
const WORKERS: usize = 20;
