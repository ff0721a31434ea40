//! The catalogue of errors, whole.

use exchange::{Fault, Reason, RequestId, Retry};

use crate::fault::{Told, code_name, meaning};

/// The page that the links of errors lead to.
const PAGE: &str = include_str!("../../../manual/errors.md");

#[test]
fn every_reason_has_its_code_status_and_text() {
    for reason in Reason::ALL {
        let fault = Fault::new(*reason, "for the log: 999099000001");
        let told = Told::new(&fault, RequestId::fresh(), "https://help.example/errors");
        let status = told.grpc();
        assert_eq!(status.code(), meaning(*reason).code);
        assert!(!status.message().is_empty(), "{reason}");
        let text = String::from_utf8(told.problem()).unwrap();
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["reason"], reason.name());
        let help = problem["type"].as_str().unwrap();
        let anchor = help.strip_prefix("https://help.example/errors").unwrap();
        assert!(PAGE.contains(&format!("[`{reason}`]({anchor})")), "{help}");
        let heading = format!("## {}\n", anchor[1..].to_ascii_uppercase());
        assert!(PAGE.contains(&heading), "{help}");
        assert_eq!(problem["status"], meaning(*reason).status.as_u16());
        for member in ["title", "detail"] {
            assert!(!problem[member].as_str().unwrap().is_empty(), "{reason}");
        }
        assert_ne!(problem["messages"]["vi"], problem["messages"]["en"]);
        assert!(!text.contains("999099000001"), "{reason}");
        let waits = problem["retryAfterSeconds"].is_u64();
        assert_eq!(waits, reason.retry() == Retry::After, "{reason}");
    }
}

#[test]
fn codes_and_statuses_are_those_of_the_catalogue() {
    let table = [
        (
            "INVALID_ARGUMENT",
            400,
            "INVALID_SUBJECT_ID INVALID_ARGUMENT INVALID_JSON READ_MASK_REQUIRED READ_MASK_WILDCARD UNKNOWN_FIELD_PATH PII_IN_URL PURPOSE_UNKNOWN SECOND_FACTOR_REQUIRED AGREEMENT_REQUIRED SYNTHETIC_ID PAGE_TOKEN_INVALID DOSSIER_REQUIRED CONSENT_REQUIRED",
        ),
        ("INVALID_ARGUMENT", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("RESOURCE_EXHAUSTED", 413, "PAYLOAD_TOO_LARGE"),
        (
            "PERMISSION_DENIED",
            403,
            "IDENTITY_MISMATCH CALLER_UNKNOWN AGENCY_SUSPENDED SYSTEM_SUSPENDED PURPOSE_SUSPENDED AGREEMENT_EXPIRED AGREEMENT_UNKNOWN PURPOSE_NOT_ALLOWED CONSENT_INVALID OUT_OF_HOURS OWN_RECORD DUTY_NOT_GRANTED CLAIM_NOT_GRANTED OFFICER_REQUIRED ENUMERATION_SUSPECTED",
        ),
        (
            "NOT_FOUND",
            404,
            "PERSON_NOT_FOUND RECORD_NOT_FOUND BATCH_JOB_NOT_FOUND",
        ),
        (
            "FAILED_PRECONDITION",
            409,
            "SUBJECT_AMBIGUOUS CHECKPOINT_NOT_KEPT",
        ),
        ("FAILED_PRECONDITION", 422, "REQUEST_ID_REUSED"),
        ("ABORTED", 409, "REQUEST_IN_PROGRESS"),
        ("RESOURCE_EXHAUSTED", 429, "QUOTA_EXCEEDED"),
        ("UNIMPLEMENTED", 404, "NOT_SERVED"),
        ("DEADLINE_EXCEEDED", 504, "DEADLINE_EXCEEDED"),
        (
            "UNAVAILABLE",
            503,
            "REQUIRED_SOURCE_UNAVAILABLE ALL_SOURCES_UNAVAILABLE MAINTENANCE SOURCE_SUSPENDED OVERLOADED AUDIT_BACKPRESSURE AUDIT_UNAVAILABLE DRAINING",
        ),
        ("UNAVAILABLE", 502, "SOURCE_ANSWER_INVALID"),
        ("INTERNAL", 500, "INTERNAL"),
    ];
    let mut seen = 0;
    for (code, status, names) in table {
        for name in names.split(' ') {
            let reason = Reason::ALL.iter().find(|reason| reason.name() == name);
            let meaning = meaning(*reason.unwrap());
            assert_eq!(code_name(meaning.code), code, "{name}");
            assert_eq!(meaning.status, status, "{name}");
            seen += 1;
        }
    }
    assert_eq!(seen, Reason::ALL.len());
}
