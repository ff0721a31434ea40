//! Agreements as a directory that is signed: what is in force, and what is refused.

use serde_json::{Value, json};
use tests::{Agreements, Rest, Sandbox, leaves};

const RELOAD: &str = "/admin/config:reload";

/// A sandbox under a directory of agreements that it wants signed.
fn signed() -> (Sandbox, Agreements) {
    let mut made = None;
    let sandbox = Sandbox::start_prepared("", |place| {
        let agreements = Agreements::write(place);
        let signed = agreements.sign();
        assert_eq!(signed.code, 0, "{signed:?}");
        agreements.configure(place);
        made = Some(agreements);
    });
    (sandbox, made.unwrap())
}

/// What is wrong with the agreements, in the words of a reload that refuses them.
async fn refused(operations: &Rest) -> String {
    let refused = operations.post(RELOAD, "{}", &[]).await.unwrap();
    assert_eq!(refused.status, 400, "{refused:?}");
    refused.json()["violations"].to_string()
}

async fn state(commune: &Rest) -> Value {
    let answer = commune
        .lookup("999099000001", "ONE_STOP_DESK", "tax.status")
        .await;
    answer.json()["sources"][0]["state"].clone()
}

#[tokio::test]
async fn agreements_that_are_signed_are_in_force_and_every_record_names_them() {
    let (sandbox, agreements) = signed();
    let checked = agreements.check();
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(
        checked.out.contains("signed by registry.example+"),
        "{checked:?}"
    );
    let digest = checked.out.lines().nth(1).unwrap().trim().to_owned();
    let commune = Rest::new(&sandbox, "commune");
    assert_eq!(state(&commune).await, "SOURCE_STATE_OK");
    let log = sandbox.path("/log/dir");
    let stopped = sandbox.interrupt();
    let records = leaves(&log);
    let accesses: Vec<_> = records.iter().filter(|it| it["t"] == "ACCESS").collect();
    assert!(!accesses.is_empty());
    for access in accesses {
        assert_eq!(access["pol"], digest.as_str());
    }
    drop(stopped);
}

#[tokio::test]
async fn what_differs_from_what_was_signed_is_named_and_nothing_of_it_comes_into_force() {
    let (sandbox, agreements) = signed();
    let operations = Rest::plain(sandbox.text("/operations"));
    let commune = Rest::new(&sandbox, "commune");
    agreements.set("agreements/A-101.toml", "fields", vec!["population"]);
    std::fs::rename(
        agreements.file("agreements/A-102.toml"),
        agreements.file("agreements/A-202.toml"),
    )
    .unwrap();
    let violations = refused(&operations).await;
    for told in [
        "agreements/A-101.toml): was altered after it was signed",
        "agreements/A-102.toml): is signed and is not there",
        "agreements/A-202.toml): is not in the list that was signed",
    ] {
        assert!(violations.contains(told), "{told} is not in {violations}");
    }
    assert_eq!(
        state(&commune).await,
        "SOURCE_STATE_OK",
        "the old ones stay"
    );
    let checked = agreements.check();
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(
        checked.err.contains("was altered after it was signed"),
        "{checked:?}"
    );

    std::fs::rename(
        agreements.file("agreements/A-202.toml"),
        agreements.file("agreements/A-102.toml"),
    )
    .unwrap();
    assert_eq!(agreements.sign().code, 0);
    let reloaded = operations.post(RELOAD, "{}", &[]).await.unwrap();
    assert_eq!(reloaded.json()["changed"], json!(["agreements"]));
    assert_eq!(state(&commune).await, "SOURCE_STATE_WITHHELD");
}

#[tokio::test]
async fn a_signature_is_needed_and_must_be_of_a_key_that_is_known() {
    let (sandbox, agreements) = signed();
    let operations = Rest::plain(sandbox.text("/operations"));
    let note = agreements.file("bundle.note");
    let good = std::fs::read_to_string(&note).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = Agreements::write(elsewhere.path());
    assert_eq!(stranger.sign().code, 0);
    let of_stranger = std::fs::read_to_string(stranger.file("bundle.note")).unwrap();
    let (text, _) = good.rsplit_once("\n\n").unwrap();
    let forged = good.replacen("— registry.example ", "— registry.example A", 1);
    for (note_is, told) in [
        (None, "is missing: the list of files is not signed"),
        (
            Some(text.to_owned()),
            "has no signatures behind a blank line",
        ),
        (Some(of_stranger), "is not signed by a known key"),
        (Some(forged), "signatures is not of the form"),
        (
            Some(good.replacen("quotas.toml", "quotes.toml", 1)),
            "the signature of a known key does not fit",
        ),
    ] {
        match note_is {
            None => std::fs::remove_file(&note).unwrap(),
            Some(text) => std::fs::write(&note, text).unwrap(),
        }
        let violations = refused(&operations).await;
        assert!(violations.contains(told), "{told} is not in {violations}");
    }
    std::fs::write(&note, good).unwrap();
    let same = operations.post(RELOAD, "{}", &[]).await.unwrap();
    assert_eq!(same.json()["changed"], json!([]));
}

#[test]
fn agreements_that_are_wrong_are_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    let agreements = Agreements::write(dir.path());
    agreements.set("agreements/A-103.toml", "purposes", vec!["CURIOSITY"]);
    let signed = agreements.sign();
    assert_eq!(signed.code, 1, "{signed:?}");
    let told = "agreements/A-103.toml): purposes[0]: unknown purpose \"CURIOSITY\" (line ";
    assert!(signed.err.contains(told), "{signed:?}");
    assert!(!agreements.file("bundle.note").exists());
}
