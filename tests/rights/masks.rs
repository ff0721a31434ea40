//! Fields that are granted in a masked form: what leaves, what is said of it, and what is recorded.

use api::v1;
use api::v1::citizen_service_client::CitizenServiceClient;
use serde_json::{Value, json};
use tests::{Agreements, Rest, Sandbox, channel, leaves, question};
use tonic::Request;

const ID: &str = "999099000001";
const MASK: &str = "population.personalId,population.birthDate,population.permanentResidence,\
                    population.name,socialSecurity.birthDate,tax.taxCode,tax.status";

/// A sandbox whose desk may see parts of a person.
fn masking() -> Sandbox {
    Sandbox::start_prepared("", |place| {
        let agreements = Agreements::write(place);
        let desk = "agreements/A-101.toml";
        agreements.set(
            desk,
            "last_four_only",
            vec!["population.personal_id", "tax.tax_code"],
        );
        let dates = vec!["population.birth_date", "social_security.birth_date"];
        agreements.set(desk, "year_only", dates);
        agreements.set(
            desk,
            "province_only",
            vec!["population.permanent_residence"],
        );
        assert_eq!(agreements.sign().code, 0);
        agreements.configure(place);
    })
}

async fn ask(rest: &Rest) -> Value {
    let answer = rest.lookup(ID, "ONE_STOP_DESK", MASK).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn of_a_masked_field_a_part_leaves_and_answer_and_record_say_which() {
    let whole = Sandbox::start();
    let all = ask(&Rest::new(&whole, "commune")).await["citizen"].clone();
    assert_eq!(all["population"]["personalId"], ID);
    let sandbox = masking();
    let answer = ask(&Rest::new(&sandbox, "commune")).await;
    let (population, full) = (&answer["citizen"]["population"], &all["population"]);
    assert_eq!(population["personalId"], "********0001");
    assert_eq!(answer["citizen"]["tax"]["taxCode"], "********0001");
    let year = json!({"year": full["birthDate"]["year"]});
    assert!(full["birthDate"]["day"].is_number());
    assert_eq!(population["birthDate"], year);
    assert_eq!(answer["citizen"]["socialSecurity"]["birthDate"], year);
    let residence = &full["permanentResidence"];
    assert!(residence["communeCode"].is_string());
    let mut province = residence.as_object().unwrap().clone();
    province.retain(|key, _| ["scheme", "provinceCode", "country"].contains(&key.as_str()));
    assert_eq!(population["permanentResidence"], Value::Object(province));
    assert_eq!(population["name"], full["name"], "the rest is whole");
    assert_eq!(answer["citizen"]["tax"]["status"], all["tax"]["status"]);
    assert_eq!(
        answer["masked"],
        json!([
            {"path": "population.personal_id", "mask": "MASK_LAST_FOUR"},
            {"path": "population.birth_date", "mask": "MASK_YEAR"},
            {"path": "population.permanent_residence", "mask": "MASK_PROVINCE"},
            {"path": "tax.tax_code", "mask": "MASK_LAST_FOUR"},
            {"path": "social_security.birth_date", "mask": "MASK_YEAR"},
        ])
    );
    // Neither a mask nor what it hides is odd, or a difference between two sources.
    assert_eq!(answer["discrepancies"], json!(null));
    assert_eq!(answer["quality"], json!(null));

    let seq: u64 = answer["receipt"]["seq"].as_str().unwrap().parse().unwrap();
    let log = sandbox.path("/log/dir");
    let stopped = sandbox.interrupt();
    let record = leaves(&log)
        .into_iter()
        .nth(usize::try_from(seq).unwrap())
        .unwrap();
    let sources = record["src"].as_array().unwrap();
    let of = |source: &str| sources.iter().find(|it| it["s"] == source).unwrap();
    assert_eq!(
        of("POPULATION")["m"],
        json!({
            "population.personal_id": "LAST_FOUR",
            "population.birth_date": "YEAR",
            "population.permanent_residence": "PROVINCE",
        })
    );
    assert!(
        of("POPULATION")["f"]
            .as_array()
            .unwrap()
            .contains(&json!("population.birth_date"))
    );
    assert_eq!(of("TAX")["m"], json!({"tax.tax_code": "LAST_FOUR"}));
    drop(stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_masks_as_a_lookup_does_and_grants_say_what_is_masked() {
    let sandbox = masking();
    let mut client = CitizenServiceClient::new(channel(&sandbox, "commune").await);
    let lookup = v1::LookupCitizenRequest {
        context: Some(v1::CallContext {
            request_id: exchange::RequestId::fresh().to_string(),
            purpose_code: "ONE_STOP_DESK".into(),
            ..Default::default()
        }),
        subject: Some(v1::SubjectRef {
            id: Some(v1::subject_ref::Id::PersonalId(ID.into())),
            ..Default::default()
        }),
        read_mask: Some(api::FieldMask {
            paths: vec!["tax.tax_code".into()],
        }),
        ..Default::default()
    };
    let stream = v1::StreamCitizenRequest {
        lookup: Some(lookup),
    };
    let mut events = client
        .stream_citizen(Request::new(stream))
        .await
        .unwrap()
        .into_inner();
    let (mut codes, mut masked) = (Vec::new(), Vec::new());
    while let Some(event) = events.message().await.unwrap() {
        match event.event.unwrap() {
            v1::stream_citizen_response::Event::Result(result) => {
                let tax = result.part.unwrap().tax;
                codes.extend(tax.map(|tax| tax.tax_code.clone()));
            }
            v1::stream_citizen_response::Event::Summary(summary) => masked = summary.masked,
        }
    }
    assert_eq!(codes, ["********0001"]);
    assert_eq!(masked.len(), 1);
    let commune = Rest::new(&sandbox, "commune");
    let grants = commune.get("/v1/grants").await.unwrap().json();
    let grant = &grants["grants"][0];
    let lists = |key: &str, path: &str| grant[key].as_array().unwrap().contains(&json!(path));
    assert!(lists("maskedPaths", "tax.tax_code") && !lists("paths", "tax.tax_code"));
    assert!(lists("paths", "tax.status") && !lists("maskedPaths", "tax.status"));
}

#[tokio::test]
async fn who_may_see_the_end_of_a_number_may_not_have_another_resolved_to_it() {
    let sandbox = masking();
    let commune = Rest::new(&sandbox, "commune");
    let mut body = question("999099000004", "ONE_STOP_DESK", "");
    body.as_object_mut().unwrap().remove("readMask");
    let answer = commune
        .post("/v1/citizens:resolve", body.to_string(), &[])
        .await
        .unwrap();
    assert_eq!(
        (answer.status, &answer.json()["reason"]),
        (403, &json!("PURPOSE_NOT_ALLOWED"))
    );
}
