//! The citizen's own list, inspection and erasure: over the doors and by the program.

use std::collections::{BTreeMap, BTreeSet};

use exchange::RequestId;
use serde_json::{Value, json};
use tests::{Ran, Rest, Sandbox, question, run};

const ME: &str = "999099004711";
const NEIGHBOUR: &str = "999099004712";
/// Superseded by another number; the sources say by which.
const OLD: &str = "999099000004";

fn context(purpose: &str) -> Value {
    json!({
        "requestId": RequestId::fresh().to_string(),
        "purposeCode": purpose,
        "officerId": "CB-0417",
    })
}

async fn lookup(rest: &Rest, id: &str, purpose: &str) -> Value {
    let answer = rest
        .lookup(id, purpose, "tax.status,population.personalId")
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn seq(rest: &Rest, id: &str, purpose: &str) -> String {
    let answer = lookup(rest, id, purpose).await;
    answer["receipt"]["seq"].as_str().unwrap().to_owned()
}

/// Every page of somebody's list.
async fn accesses(portal: &Rest, id: &str) -> Vec<Value> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let body = json!({
            "context": context("SELF_ACCESS"),
            "subject": {"personalId": id},
            "pageSize": 2,
            "pageToken": token,
        });
        let path = "/v1/dataSubjects/accesses:list";
        let page = portal.post(path, body.to_string(), &[]).await.unwrap();
        assert_eq!(page.status, 200, "{page:?}");
        let page = page.json();
        let listed = page["accesses"].as_array().cloned().unwrap_or_default();
        all.extend(listed);
        token = page["nextPageToken"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if token.is_empty() {
            assert_eq!(page["totalSize"].as_u64().unwrap_or(0), all.len() as u64);
            return all;
        }
    }
}

fn seqs(list: &[Value]) -> BTreeSet<String> {
    let seqs = list.iter().map(|it| it["seq"].as_str().unwrap_or("0"));
    seqs.map(str::to_owned).collect()
}

fn audit(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let dir = sandbox.dir().display().to_string();
    let who = ["--sandbox", &dir, "--as", "auditor", "--officer", "TT-01"];
    run(&[&["audit", "show"], &who[..], arguments].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citizen_sees_every_access_and_no_other_and_each_proves_itself() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let tax = Rest::new(&sandbox, "tax");
    let portal = Rest::new(&sandbox, "portal");
    let mut mine = BTreeSet::new();
    for _ in 0..4 {
        mine.insert(seq(&commune, ME, "ONE_STOP_DESK").await);
        seq(&commune, NEIGHBOUR, "ONE_STOP_DESK").await;
    }
    let hints = json!({"fullName": "Nobody At All", "birthDate": {"year": 1999}});
    let refused = json!({
        "context": context("BENEFIT_CLAIM"),
        "subject": {"personalId": ME, "hints": hints},
        "readMask": "tax.status",
    });
    let refused = tax
        .post("/v1/citizens:lookup", refused.to_string(), &[])
        .await;
    assert_eq!(refused.unwrap().status, 403);

    let list = accesses(&portal, ME).await;
    assert_eq!(seqs(&list), mine);
    assert_eq!(list.len(), mine.len());
    let times: Vec<&str> = list
        .iter()
        .map(|it| it["logTime"].as_str().unwrap())
        .collect();
    assert!(
        times.is_sorted_by(|newer, older| newer >= older),
        "{times:?}"
    );
    assert_eq!(list[0]["receiverCode"], "H55");
    assert_eq!(list[0]["receiverName"], "Tỉnh Thái Nguyên");
    for access in &list {
        let file = sandbox.dir().join("row.tlog-proof");
        std::fs::write(&file, access["tlogProof"].as_str().unwrap()).unwrap();
        let file = file.display().to_string();
        let proved = run(&[
            "audit",
            "verify",
            &file,
            "--vkey",
            sandbox.text("/log/vkey"),
        ]);
        assert_eq!(proved.code, 0, "{proved:?}");
    }
    assert_eq!(accesses(&portal, NEIGHBOUR).await.len(), 4);
}

/// A stream leaves several records; the same question under the same request id is another call.
#[tokio::test(flavor = "multi_thread")]
async fn the_accesses_of_one_call_are_told_from_those_of_others() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let portal = Rest::new(&sandbox, "portal");
    let lookup = question(ME, "ONE_STOP_DESK", "population.name,tax.status");
    let stream = json!({"lookup": lookup}).to_string();
    for _ in 0..2 {
        let path = "/v1/citizens:stream";
        let answer = commune.post(path, stream.clone(), &[]).await.unwrap();
        assert!(answer.text.contains("event: summary"), "{answer:?}");
    }
    seq(&commune, ME, "ONE_STOP_DESK").await;
    let list = accesses(&portal, ME).await;
    let mut calls = BTreeMap::new();
    for access in &list {
        let exchange = access["exchange"].as_str().unwrap();
        *calls.entry(exchange).or_insert(0) += 1;
    }
    let mut records: Vec<_> = calls.into_values().collect();
    records.sort_unstable();
    assert_eq!(records, [1, 3, 3], "{list:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_by_an_old_number_is_on_the_list_of_the_one_in_force() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let portal = Rest::new(&sandbox, "portal");
    let answer = lookup(&commune, OLD, "ONE_STOP_DESK").await;
    let in_force = answer["citizen"]["population"]["personalId"]
        .as_str()
        .unwrap();
    assert_ne!(in_force, OLD);
    let seq = answer["receipt"]["seq"].as_str().unwrap();
    for id in [in_force, OLD] {
        let list = accesses(&portal, id).await;
        assert!(seqs(&list).contains(seq), "{id}: {list:?}");
    }
}

/// An agreement whose accesses are shown after a month: nothing tells today that there were any.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_delayed_is_not_on_the_list_nor_in_its_totals_nor_between_its_pages() {
    let sandbox = Sandbox::start();
    let agreements = sandbox.dir().join("agreements.toml");
    let stopped = sandbox.interrupt();
    let text = std::fs::read_to_string(&agreements).unwrap();
    let (of_tax, delayed) = (
        "systems = [\"tax-registry\"]\n",
        "visibility = \"DELAYED\"\ndelay_days = 30\n",
    );
    assert!(text.contains(of_tax));
    let text = text.replace(of_tax, &format!("{of_tax}{delayed}"));
    std::fs::write(&agreements, text).unwrap();
    let sandbox = stopped.restart();
    let commune = Rest::new(&sandbox, "commune");
    let (tax, portal) = (Rest::new(&sandbox, "tax"), Rest::new(&sandbox, "portal"));
    let (mut shown, mut hidden) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..5 {
        shown.insert(seq(&commune, ME, "ONE_STOP_DESK").await);
        for _ in 0..3 {
            hidden.insert(seq(&tax, ME, "TAXPAYER_REGISTRATION").await);
        }
    }
    seq(&tax, NEIGHBOUR, "TAXPAYER_REGISTRATION").await;

    // Pages of two: 2, 2, 1; a page that hides something would be shorter, or there would be more.
    assert_eq!(seqs(&accesses(&portal, ME).await), shown);
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let body = json!({
            "context": context("SELF_ACCESS"),
            "subject": {"personalId": ME},
            "pageSize": 2,
            "pageToken": token,
        });
        let path = "/v1/dataSubjects/accesses:list";
        let page = portal.post(path, body.to_string(), &[]).await.unwrap();
        let page = page.json();
        assert_eq!(page["totalSize"], 5, "{page}");
        pages.push(page["accesses"].as_array().unwrap().len());
        token = page["nextPageToken"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [2, 2, 1]);
    // To whom nothing is shown yet it is as if nobody had asked.
    assert_eq!(accesses(&portal, NEIGHBOUR).await, [] as [Value; 0]);
    let find = json!({"userCode": ME, "limit": 3});
    let found = portal
        .post("/v2/findUsage", find.to_string(), &[("x-road-userid", ME)])
        .await
        .unwrap();
    assert_eq!(found.status, 200, "{found:?}");
    assert_eq!(found.json()["totalUsages"], 5);
    // Inspectors find them.
    let all = audit(&sandbox, &["--subject", ME, "--agency", "G12"]);
    for seq in hidden {
        assert!(
            all.out.contains(&format!(" {seq}  ACCESS ALLOW")),
            "{all:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_the_log_verifies_and_nothing_opens_what_was_erased() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let mine = seq(&commune, ME, "ONE_STOP_DESK").await;
    seq(&commune, NEIGHBOUR, "ONE_STOP_DESK").await;
    let shown = audit(&sandbox, &["--subject", ME]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown.out.contains(ME) && shown.out.contains("H55/one-stop-desk"),
        "{shown:?}"
    );
    let auditor = Rest::new(&sandbox, "auditor");
    let erase = json!({"context": context("INSPECTION"), "subject": {"personalId": ME}});
    let erased = auditor
        .post("/v1/audit/subjects:erase", erase.to_string(), &[])
        .await;
    let erased = erased.unwrap();
    assert_eq!(erased.status, 200, "{erased:?}");
    assert_ne!(erased.json()["openingsDestroyed"], Value::Null);

    assert_eq!(audit(&sandbox, &["--subject", ME]).code, 4);
    let portal = Rest::new(&sandbox, "portal");
    assert_eq!(accesses(&portal, ME).await, [] as [Value; 0]);
    assert_eq!(accesses(&portal, NEIGHBOUR).await.len(), 1);
    // The record stands, with nothing to open in it; the number is nowhere in what is shown.
    let all = audit(&sandbox, &["--agency", "H55", "--limit", "200"]);
    assert!(
        all.out.contains(&format!(" {mine}  ACCESS ALLOW")),
        "{all:?}"
    );
    assert!(
        all.out.contains(NEIGHBOUR) && !all.out.contains(ME),
        "{all:?}"
    );
    assert_eq!(sandbox.verify(None).code, 0);

    let log = sandbox.path("/log/dir");
    let config = sandbox.path("/config").display().to_string();
    let held = run(&["audit", "reindex", "--config", &config]);
    assert_eq!(held.code, 1, "{held:?}");
    let stopped = sandbox.interrupt();
    let made = run(&["audit", "reindex", "--config", &config]);
    assert_eq!(made.code, 0, "{made:?}");
    let out = stopped.dir().join("copy").display().to_string();
    let log = log.display().to_string();
    let copied = run(&["audit", "export", &log, "--out", &out]);
    assert_eq!(copied.code, 0, "{copied:?}");
    assert_eq!(run(&["audit", "verify", &out]).code, 0);
    assert_eq!(
        run(&["audit", "export", &log, "--out", &out]).code,
        1,
        "it is not empty"
    );
    let sandbox = stopped.restart();
    // The searches since are on record; what was erased is not found again.
    let since = audit(&sandbox, &["--subject", ME]);
    assert_eq!(since.code, 0, "{since:?}");
    assert!(!since.out.contains("ACCESS ALLOW"), "{since:?}");
    let neighbour = audit(&sandbox, &["--subject", NEIGHBOUR]);
    assert!(neighbour.out.contains("ACCESS ALLOW"), "{neighbour:?}");
}
