//! Persons of whom nothing is told unless an agreement says so: minors, the highly protected, and
//! whose child somebody adopted was born.

use api::v1;
use api::v1::citizen_service_client::CitizenServiceClient;
use exchange::RequestId;
use serde_json::{Value, json};
use tests::{Rest, RestAnswer, Sandbox, channel, question, records_of};
use tonic::transport::Channel;

const MINOR: &str = "999215000003";
const ADOPTED: &str = "999099000020";
/// Whom the test puts on the list.
const PROTECTED: &str = "999099000001";
/// The population database keeps their record closed.
const SEALED: &str = "999099000006";

/// What was asked, and what came through the one door and the other.
struct Asked {
    request: String,
    rest: RestAnswer,
    grpc: Result<v1::LookupCitizenResponse, tonic::Status>,
}

struct Site {
    sandbox: Sandbox,
    caller: &'static str,
    purpose: &'static str,
    rest: Rest,
    grpc: CitizenServiceClient<Channel>,
}

impl Site {
    async fn of(sandbox: Sandbox, caller: &'static str, purpose: &'static str) -> Self {
        Self {
            rest: Rest::new(&sandbox, caller),
            grpc: CitizenServiceClient::new(channel(&sandbox, caller).await),
            sandbox,
            caller,
            purpose,
        }
    }

    /// Asks through both doors; `hints` are what is known of the person.
    async fn ask(&mut self, id: &str, mask: &str, hints: Option<&str>) -> Asked {
        let mut body = question(id, self.purpose, mask);
        if let Some(name) = hints {
            body["subject"]["hints"] = json!({"fullName": name});
        }
        let sent = self.rest.post("/v1/citizens:lookup", body.to_string(), &[]);
        let rest = sent.await.unwrap();
        let again = v1::LookupCitizenRequest {
            context: Some(v1::CallContext {
                request_id: RequestId::fresh().to_string(),
                purpose_code: self.purpose.to_owned(),
                ..Default::default()
            }),
            subject: Some(v1::SubjectRef {
                id: Some(v1::subject_ref::Id::PersonalId(id.to_owned())),
                hints: hints.map(|name| v1::MatchHints {
                    full_name: name.to_owned(),
                    ..Default::default()
                }),
            }),
            read_mask: Some(api::FieldMask {
                paths: mask.split(',').map(|it| it.to_owned().into()).collect(),
            }),
            ..Default::default()
        };
        let grpc = self.grpc.lookup_citizen(again).await;
        Asked {
            request: body["context"]["requestId"].as_str().unwrap().to_owned(),
            rest,
            grpc: grpc.map(tonic::Response::into_inner),
        }
    }

    /// Sees that these sources are withheld without a word why, through both doors and in the record,
    /// and that somebody is told of it once for each source and door; the log names nobody.
    fn sees_withheld(&self, asked: &Asked, sources: &[&str], why: &str, id: &str) {
        let body = asked.rest.json();
        assert_eq!(asked.rest.status, 200, "{body}");
        let grpc = asked.grpc.as_ref().unwrap();
        for source in sources {
            let name = format!("SOURCE_{}", source.to_uppercase());
            let of_it = |it: &&Value| it["source"] == *name;
            let told = body["sources"]
                .as_array()
                .unwrap()
                .iter()
                .find(of_it)
                .unwrap();
            assert_eq!(told["state"], "SOURCE_STATE_WITHHELD", "{body}");
            assert_eq!(told.get("reason"), None, "not a word why: {told}");
            let of_it = |it: &&v1::SourceStatus| it.source().as_str_name() == name;
            let told = grpc.sources.iter().find(of_it).unwrap();
            assert_eq!(
                (told.state(), &*told.reason),
                (v1::SourceState::Withheld, "")
            );
        }
        let view = grpc.citizen.as_ref().unwrap();
        assert!(view.civil_status.is_none(), "{view:?}");
        assert_eq!(body["citizen"].get("civilStatus"), None, "{body}");
        let records = records_of(&self.sandbox.path("/log/dir"), &asked.request);
        let (text, record) = &records[0];
        for source in sources {
            let of_it = |it: &&Value| it["s"] == source.to_uppercase();
            let held = record["src"]
                .as_array()
                .unwrap()
                .iter()
                .find(of_it)
                .unwrap();
            assert_eq!(
                (&held["st"], held.get("f")),
                (&json!("WITHHELD"), None),
                "{text}"
            );
        }
        assert!(
            !text.to_lowercase().contains(&why.to_lowercase()) && !text.contains(id),
            "{text}"
        );
        let logged = self.sandbox.logged();
        let lines = logged.lines().filter(|line| line.contains("ClosedRecord"));
        let own = lines.filter(|it| it.contains(&asked.request) && it.contains(why));
        assert_eq!(
            own.filter(|it| it.contains("ERROR")).count(),
            sources.len(),
            "{logged}"
        );
        assert!(!logged.contains(id));
    }
}

/// Has the list, and agreements in which one text stands for another, read.
async fn reloaded(sandbox: &Sandbox, from: &str, to: &str) {
    let file = sandbox.dir().join("agreements.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
    let list = sandbox.dir().join("protected");
    std::fs::write(list, format!("{PROTECTED} # of the list of 3 May\n")).unwrap();
    let config = sandbox.dir().join("lienthong.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    if !text.contains("protected_persons") {
        let named = "[gateway]\nprotected_persons = 'protected'\n";
        std::fs::write(&config, text.replace("[gateway]\n", named)).unwrap();
    }
    let operations = Rest::plain(sandbox.text("/operations"));
    let read = operations.post("/admin/config:reload", "{}", &[]).await;
    let read = read.unwrap();
    assert_eq!(read.status, 200, "{read:?}");
}

/// How many accesses the citizen's own list has.
async fn listed(sandbox: &Sandbox, id: &str) -> u64 {
    let body = json!({
        "context": {"requestId": RequestId::fresh().to_string(), "purposeCode": "SELF_ACCESS"},
        "subject": {"personalId": id},
    });
    let portal = Rest::new(sandbox, "portal");
    let path = "/v1/dataSubjects/accesses:list";
    let page = portal
        .post(path, body.to_string(), &[("prefer", "wait=15")])
        .await;
    let page = page.unwrap().json();
    page["totalSize"].as_u64().unwrap_or_default()
}

/// The answer without what differs between any two.
fn shape(answer: &RestAnswer) -> Value {
    let mut body = answer.json();
    for key in ["requestId", "receipt"] {
        body.as_object_mut().unwrap().remove(key);
    }
    for source in body["sources"].as_array_mut().unwrap() {
        let source = source.as_object_mut().unwrap();
        source.remove("latency");
    }
    body
}

/// Row E08: of a minor nothing is told under an agreement that does not name them, and no source is
/// asked; under one that does they are answered as anybody.
#[tokio::test]
async fn a_minor_is_withheld_from_who_has_no_agreement_about_minors() {
    let mut tax = Site::of(Sandbox::start(), "tax", "TAXPAYER_REGISTRATION").await;
    let asked = tax.ask(MINOR, "population.name,tax.status", None).await;
    tax.sees_withheld(&asked, &["population", "tax"], "minor", MINOR);
    // The attempts are accesses that the family sees.
    assert_eq!(listed(&tax.sandbox, MINOR).await, 2);
    // A verification is told as one about nobody.
    let name = json!({"claimId": "n", "equals": {"path": "population.name", "value": "A"}});
    for id in [MINOR, "001099000001"] {
        let body = json!({
            "context": {"requestId": RequestId::fresh().to_string(), "purposeCode": tax.purpose},
            "subject": {"personalId": id},
            "claims": [name],
        });
        let verified = tax.rest.post("/v1/citizens:verify", body.to_string(), &[]);
        assert_eq!(
            verified.await.unwrap().json()["verdict"],
            "VERDICT_NO_MATCH"
        );
    }
    let adult = tax.ask(PROTECTED, "population.name", None).await;
    assert!(adult.rest.json()["citizen"]["population"]["name"].is_object());
    let commune = Site::of(tax.sandbox, "commune", "ONE_STOP_DESK").await;
    let mut commune = commune;
    let asked = commune.ask(MINOR, "population.representative", None).await;
    let body = asked.rest.json();
    assert!(
        body["citizen"]["population"]["representative"].is_object(),
        "{body}"
    );
    assert!(asked.grpc.unwrap().citizen.unwrap().population.is_some());
    assert_eq!(commune.caller, "commune");
}

/// Row E08: a highly protected person is withheld as one whose record the source keeps closed, in the
/// same bytes; who does not know their name is told that there is nobody.
#[tokio::test]
async fn a_protected_person_is_withheld_like_a_sealed_one_and_answered_where_that_is_agreed() {
    let mut commune = Site::of(Sandbox::start(), "commune", "ONE_STOP_DESK").await;
    let mask = "population.name,population.legacy_ids,tax.status";
    let before = commune.ask(PROTECTED, mask, None).await.rest.json();
    let person = &before["citizen"]["population"];
    let legacy = person["legacyIds"][0].as_str().unwrap().to_owned();
    let name = person["name"]["full"].as_str().unwrap().to_owned();
    reloaded(&commune.sandbox, "[quota]", "[quota]").await;
    let asked = commune.ask(PROTECTED, mask, None).await;
    commune.sees_withheld(&asked, &["population", "tax"], "protected", PROTECTED);
    let named = commune.ask(PROTECTED, mask, Some(&name)).await;
    commune.sees_withheld(&named, &["population", "tax"], "protected", PROTECTED);
    let protected = commune.ask(PROTECTED, "population.name", None).await;
    let sealed = commune.ask(SEALED, "population.name", None).await;
    assert_eq!(shape(&protected.rest), shape(&sealed.rest));
    let stranger = commune.ask(PROTECTED, mask, Some("Nguyễn Không Có")).await;
    assert_eq!(stranger.rest.json()["reason"], "PERSON_NOT_FOUND");
    assert_eq!(stranger.grpc.unwrap_err().code(), tonic::Code::NotFound);
    // By an old number as well.
    let mut old = question(PROTECTED, commune.purpose, "population.name");
    old["subject"] = json!({"legacyId": legacy});
    let sent = commune
        .rest
        .post("/v1/citizens:lookup", old.to_string(), &[]);
    let answer = sent.await.unwrap().json();
    assert_eq!(
        answer["sources"][0]["state"], "SOURCE_STATE_WITHHELD",
        "{answer}"
    );
    assert!(!commune.sandbox.logged().contains("ProtectedPerson"));
    // Where it is agreed they are answered, and somebody is told of that too.
    let open = "also_about = [\"MINORS\", \"PROTECTED\"]";
    reloaded(&commune.sandbox, "also_about = [\"MINORS\"]", open).await;
    let asked = commune.ask(PROTECTED, "population.name", None).await;
    assert_eq!(
        asked.rest.json()["citizen"]["population"]["name"]["full"],
        *name
    );
    let logged = commune.sandbox.logged();
    let told = |line: &&str| line.contains("ProtectedPerson") && line.contains(&asked.request);
    assert!(
        logged.lines().find(told).unwrap().contains("ERROR"),
        "{logged}"
    );
}

/// Row E08: whose child an adopted child was born is withheld as a closed record is, and what does
/// not touch it is answered.
#[tokio::test]
async fn whose_child_an_adopted_one_was_born_is_withheld() {
    let mut commune = Site::of(Sandbox::start(), "commune", "ONE_STOP_DESK").await;
    for tie in ["father", "mother", "birth_certificate", "parentage"] {
        let mask = format!("population.father,civil_status.name,civil_status.{tie}");
        let asked = commune.ask(ADOPTED, &mask, None).await;
        commune.sees_withheld(&asked, &["civil_status"], "adopted", ADOPTED);
        let body = asked.rest.json();
        assert!(
            body["citizen"]["population"]["father"].is_object(),
            "{body}"
        );
    }
    let asked = commune
        .ask(ADOPTED, "civil_status.name,civil_status.birth_date", None)
        .await;
    let body = asked.rest.json();
    assert!(body["citizen"]["civilStatus"]["name"].is_object(), "{body}");
    let open = "also_about = [\"ADOPTED\"]";
    reloaded(&commune.sandbox, "also_about = [\"MINORS\"]", open).await;
    let both = "population.father,civil_status.father";
    let body = commune.ask(ADOPTED, both, None).await.rest.json();
    let (raised, born) = (
        &body["citizen"]["population"],
        &body["citizen"]["civilStatus"],
    );
    assert!(born["father"].is_object(), "{body}");
    assert_ne!(
        born["father"]["name"]["full"],
        raised["father"]["name"]["full"]
    );
}
