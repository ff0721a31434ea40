//! Break-glass: an emergency is answered beyond the ordinary agreement, within what was agreed for it;
//! it raises an alarm, and somebody reviews it.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tests::{Rest, RestAnswer, Sandbox, leaves, loop_until, run};

const CITIZEN: &str = "999099000001";
const OFFICER: &str = "BS-0417";
const WHY: &str = "Bệnh nhân bất tỉnh tại phòng cấp cứu";
const NOTE: &str = "Đã đối chiếu với sổ cấp cứu";

/// A sandbox in which the claims system may break the glass for a name and a blood group.
fn sandbox() -> Sandbox {
    Sandbox::start_prepared("", |place: &Path| {
        let text = include_str!("../../crates/lienthong/src/sandbox/agreements.toml");
        let from = "purposes = [\"BENEFIT_CLAIM\"]\n";
        assert!(text.contains(from));
        let glass = "break_glass = [\"population.name\", \"health.blood_group\"]\n";
        let text = text.replace(from, &format!("{from}{glass}"));
        std::fs::write(place.join("agreements.toml"), text).unwrap();
    })
}

/// Asks in an emergency: no second factor, no dossier.
async fn ask(caller: &Rest, purpose: &str, context: Value) -> (String, RestAnswer) {
    let id = exchange::RequestId::fresh().to_string();
    let mut body = json!({
        "context": {
            "requestId": id,
            "purposeCode": purpose,
            "criticality": "CRITICALITY_EMERGENCY",
        },
        "subject": {"personalId": CITIZEN},
        "readMask": "population.name,health.bloodGroup,socialSecurity.insuranceCode",
    });
    let own = body["context"].as_object_mut().unwrap();
    own.extend(context.as_object().unwrap().clone());
    let path = "/v1/citizens:lookup";
    let answer = caller.post(path, body.to_string(), &[]).await.unwrap();
    (id, answer)
}

async fn reviews(operations: &Rest) -> Vec<Value> {
    let listed = operations.get("/admin/reviews").await.unwrap();
    assert_eq!(listed.status, 200, "{listed:?}");
    let listed = listed.json();
    assert_eq!(listed["complete"], true, "{listed}");
    listed["open"].as_array().unwrap().clone()
}

fn of<'r>(records: &'r [Value], id: &str, t: &str) -> Vec<&'r Value> {
    let own = records.iter().filter(|it| it["rid"] == id && it["t"] == t);
    own.collect()
}

/// Row E07: an emergency is answered and flagged, somebody is paged, and a review is due within 72
/// hours, which an operator closes on record.
#[tokio::test]
async fn an_emergency_is_answered_flagged_told_and_reviewed() {
    let sandbox = sandbox();
    let operations = Rest::plain(sandbox.text("/operations"));
    let claims = Rest::new(&sandbox, "claims");
    let said = json!({"officerId": OFFICER, "reasonText": WHY});
    let (id, answer) = ask(&claims, "BENEFIT_CLAIM", said).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    let citizen = &answer["citizen"];
    assert!(
        citizen["health"]["bloodGroup"].is_string() || citizen["health"]["bloodGroup"].is_object(),
        "{answer}"
    );
    assert!(!citizen["population"]["name"].is_null(), "{answer}");
    // The ordinary agreement has it; what was agreed for emergencies has not.
    assert!(citizen["socialSecurity"].is_null(), "{answer}");
    assert_eq!(
        answer["withheldPaths"],
        json!(["social_security.insurance_code"])
    );
    let mut sources = answer["sources"].as_array().unwrap().iter();
    let withheld = sources.find(|it| it["state"] == "SOURCE_STATE_WITHHELD");
    assert_eq!(withheld.unwrap()["reason"], "NOT_IN_EMERGENCY", "{answer}");
    let paged = loop_until(Duration::from_secs(5), || {
        let logged = sandbox.logged();
        let line = logged.lines().find(|line| line.contains("BreakGlass"));
        line.map(str::to_owned)
    });
    assert!(
        paged.contains("ERROR") && paged.contains("G24") && paged.contains(&id),
        "{paged}"
    );
    let metrics = operations.get("/metrics").await.unwrap().text;
    let line = "gateway_break_glass_total{caller_agency=\"G24\"} 1";
    assert!(metrics.contains(line), "{metrics}");

    let open = reviews(&operations).await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(
        (&open[0]["requestId"], &open[0]["agency"]),
        (&json!(id), &json!("G24"))
    );
    let time = |key: &str| open[0][key].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert_eq!(time("due").duration_since(time("at")).as_hours(), 72);
    let review = open[0]["review"].as_str().unwrap();
    let at = ["--operations", sandbox.text("/operations")];
    let by = [
        "--verdict",
        "justified",
        "--operator",
        "GS-02",
        "--note",
        NOTE,
    ];
    let close = [&["review", "close", review][..], &by, &at].concat();
    let closed = run(&close);
    assert_eq!(closed.code, 0, "{closed:?}");
    assert!(reviews(&operations).await.is_empty());
    let again = run(&close);
    assert!(
        again.code == 5 && again.err.contains("names none that is open"),
        "{again:?}"
    );
    let listed = run(&[&["review", "list"][..], &at].concat());
    assert_eq!(listed.out, "0 open\n");

    let ended = sandbox.interrupt();
    let records = leaves(&ended.dir().join("log"));
    let access = of(&records, &id, "ACCESS");
    assert_eq!(access.len(), 1, "{records:?}");
    assert_eq!(access[0]["flag"], json!(["BREAK_GLASS"]));
    assert_eq!(access[0]["crit"], "EMERGENCY");
    let verdict = of(&records, &id, "ADMIN");
    assert_eq!(verdict.len(), 1, "{records:?}");
    assert_eq!(
        (&verdict[0]["act"], &verdict[0]["dec"]),
        (&json!("REVIEW"), &json!("JUSTIFIED"))
    );
    assert_eq!(verdict[0]["on"], review);
    let said = ended.logged() + &format!("{records:?}");
    for hidden in [OFFICER, WHY, NOTE, "GS-02"] {
        assert!(!said.contains(hidden), "{hidden} stands in the open");
    }
}

#[tokio::test]
async fn whoever_breaks_the_glass_says_who_they_are_and_why() {
    let sandbox = sandbox();
    let operations = Rest::plain(sandbox.text("/operations"));
    let claims = Rest::new(&sandbox, "claims");
    let mut refused = Vec::new();
    for (said, status, field) in [
        (json!({"reasonText": WHY}), 403, "context.officerId"),
        (json!({"officerId": OFFICER}), 400, "context.reasonText"),
    ] {
        let (id, answer) = ask(&claims, "BENEFIT_CLAIM", said).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(answer.text.contains(field), "{}", answer.text);
        refused.push(id);
    }
    assert!(reviews(&operations).await.is_empty());
    let ended = sandbox.interrupt();
    let records = leaves(&ended.dir().join("log"));
    for id in refused {
        let denied = of(&records, &id, "DENIED");
        assert_eq!(denied.len(), 1, "{records:?}");
        assert_eq!(denied[0]["flag"], json!(["BREAK_GLASS"]));
    }
    assert!(!ended.logged().contains("BreakGlass"));
}

/// Who may not break the glass is answered what they may see anyhow, no more urgently than agreed.
#[tokio::test]
async fn an_emergency_without_the_right_is_an_ordinary_question() {
    let sandbox = sandbox();
    let operations = Rest::plain(sandbox.text("/operations"));
    let commune = Rest::new(&sandbox, "commune");
    let (id, answer) = ask(&commune, "ONE_STOP_DESK", json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["withheldPaths"], Value::Null);
    assert!(reviews(&operations).await.is_empty());
    let ended = sandbox.interrupt();
    let records = leaves(&ended.dir().join("log"));
    let access = of(&records, &id, "ACCESS");
    assert_eq!(access[0]["crit"], "CITIZEN_WAITING");
    assert_eq!(access[0]["flag"], Value::Null);
    assert!(!ended.logged().contains("BreakGlass"));
}
