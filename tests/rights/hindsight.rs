//! `lienthong policy explain` and `policy replay`: from the log of a gateway that really ran.

use tests::{Agreements, Rest, Sandbox, question, run};

const ID: &str = "999099000001";

/// A log with two answers and two refusals, the ids of these calls, and the agreements that decided.
struct Past {
    agreements: Agreements,
    answered: String,
    refused: String,
    log: String,
    _stopped: tests::Stopped,
}

async fn past() -> Past {
    let mut made = None;
    let sandbox = Sandbox::start_prepared("", |place| {
        let agreements = Agreements::write(place);
        assert_eq!(agreements.sign().code, 0);
        agreements.configure(place);
        made = Some(agreements);
    });
    let commune = Rest::new(&sandbox, "commune");
    let mut ids = Vec::new();
    for purpose in ["ONE_STOP_DESK", "BENEFIT_CLAIM"] {
        for _ in 0..2 {
            let body = question(ID, purpose, "tax.status,tax.taxCode");
            let answer = commune
                .post("/v1/citizens:lookup", body.to_string(), &[])
                .await;
            answer.unwrap();
            ids.push(body["context"]["requestId"].as_str().unwrap().to_owned());
        }
    }
    let log = sandbox.path("/log/dir").display().to_string();
    Past {
        agreements: made.unwrap(),
        answered: ids[0].clone(),
        refused: ids[2].clone(),
        log,
        _stopped: sandbox.interrupt(),
    }
}

#[tokio::test]
async fn an_admitted_and_a_refused_call_are_explained_line_by_line() {
    let past = past().await;
    let policy = past.agreements.file("").display().to_string();
    let explain = |id: &str| {
        run(&[
            "policy", "explain", id, "--log", &past.log, "--policy", &policy,
        ])
    };
    let why = explain(&past.answered);
    assert_eq!(why.code, 0, "{why:?}");
    for told in [
        "admitted; H55/one-stop-desk for ONE_STOP_DESK",
        "TAX OK tax.tax_code, tax.status",
        ": the policy in ",
        "yes  systems             one-stop-desk",
        "yes  valid_to            2035-12-31",
        "yes  fields              tax.tax_code, tax.status left, and is granted",
        "so A-101 admits it",
    ] {
        assert!(why.out.contains(told), "{told} is not in {}", why.out);
    }
    assert!(!why.out.contains("NO "), "{}", why.out);
    let why = explain(&past.refused);
    for told in [
        "PURPOSE_NOT_ALLOWED; H55/one-stop-desk for BENEFIT_CLAIM",
        "NO   purposes            ONE_STOP_DESK",
        "so it is refused: PURPOSE_NOT_ALLOWED",
    ] {
        assert!(why.out.contains(told), "{told} is not in {}", why.out);
    }
    let nothing = explain("0190163d-8694-739b-aea5-966c26f8ad91");
    assert_eq!(nothing.code, 4, "{nothing:?}");
    past.agreements
        .set("agreements/A-101.toml", "purposes", vec!["SELF_ACCESS"]);
    let why = explain(&past.answered);
    for told in [
        "ANOTHER one",
        "NO   purposes            SELF_ACCESS",
        "refused: PURPOSE_NOT_ALLOWED",
    ] {
        assert!(why.out.contains(told), "{told} is not in {}", why.out);
    }
}

#[tokio::test]
async fn calls_that_other_agreements_decide_otherwise_are_counted() {
    let past = past().await;
    let policy = past.agreements.file("").display().to_string();
    let replay = || run(&["policy", "replay", &policy, "--log", &past.log]);
    let same = replay();
    assert_eq!(same.code, 0, "{same:?}");
    // The sandbox asks once by itself.
    assert!(same.out.contains("5 are decided as they were"), "{same:?}");
    let desk = "agreements/A-101.toml";
    past.agreements.set(desk, "purposes", vec!["BENEFIT_CLAIM"]);
    let flipped = replay();
    assert_eq!(flipped.code, 1, "{flipped:?}");
    for told in [
        "3 H55/one-stop-desk for ONE_STOP_DESK: admitted, would be PURPOSE_NOT_ALLOWED",
        "2 H55/one-stop-desk for BENEFIT_CLAIM: PURPOSE_NOT_ALLOWED, would be ",
    ] {
        assert!(
            flipped.out.contains(told),
            "{told} is not in {}",
            flipped.out
        );
    }
    past.agreements.set(desk, "purposes", vec!["ONE_STOP_DESK"]);
    past.agreements
        .set(desk, "fields", vec!["tax.status", "population", "health"]);
    past.agreements
        .set(desk, "last_four_only", vec!["tax.tax_code"]);
    let masked = replay();
    let told = "admitted, and would be withheld: ";
    assert!(masked.out.contains(told), "{masked:?}");
    assert!(masked.out.contains("masked: tax.tax_code"), "{masked:?}");
    assert_eq!(masked.code, 1);
}

#[tokio::test]
async fn nothing_is_told_of_a_log_that_does_not_verify() {
    let past = past().await;
    let log = std::path::Path::new(&past.log);
    let bundles = std::fs::read_dir(log.join("tile/entries/000.p")).unwrap();
    for bundle in bundles {
        let path = bundle.unwrap().path();
        let text = std::fs::read(&path).unwrap();
        let altered = String::from_utf8_lossy(&text).contains("BENEFIT_CLAIM");
        let text: Vec<u8> = text
            .iter()
            .map(|byte| if *byte == b'B' { b'P' } else { *byte })
            .collect();
        if altered {
            std::fs::write(path, text).unwrap();
        }
    }
    let policy = past.agreements.file("").display().to_string();
    let replayed = run(&["policy", "replay", &policy, "--log", &past.log]);
    assert_eq!(
        (replayed.code, replayed.out.as_str()),
        (1, ""),
        "{replayed:?}"
    );
    assert!(replayed.err.contains("does not verify"), "{replayed:?}");
}
