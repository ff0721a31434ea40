//! The department's words into ours: answers are checked, statuses become misses. Pure.

use std::time::Duration;

use super::channel::{CONTRADICTION, NOT_OPENED, OTHER_CONTENT};
use adapter::{Answer, Miss, Resolution, confirm, is_nfc};
use api::agency::v1::{
    LookupRecordResponse, ResolveIdentifierResponse, lookup_record_response as answer,
};
use api::{Record, v1};
use exchange::{CitizenId, FieldSet, Identifier};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use unicode_normalization::UnicodeNormalization as _;

use super::channel::progress;

/// An answer about the subject, holding the fields asked for and no other.
///
/// # Errors
/// A miss if it is about somebody else, or of another register.
pub(super) fn record(
    asked: &CitizenId,
    fields: &FieldSet,
    response: LookupRecordResponse,
    obligations: Vec<v1::TaxObligation>,
) -> Result<Answer, Miss> {
    let previous = response.previous_ids.iter().map(String::as_str);
    let confirmed = confirm(asked, &response.personal_id, previous)?;
    let Some(answer::Record::Tax(mut record)) = response.record else {
        return Err(Miss::invalid(
            "WRONG_RECORD",
            "the answer holds no tax record",
        ));
    };
    let inner = record.personal_id.trim();
    if !inner.is_empty() && inner != response.personal_id.trim() {
        return Err(Miss::wrong_subject());
    }
    record.obligations = obligations;
    normalise(&mut record);
    let mut record = Record::Tax(record);
    record.retain(fields);
    Ok(Answer {
        record,
        as_of: response.as_of.and_then(api::Timestamp::to_jiff),
        upstream_request_id: None,
        in_force: confirmed.in_force(),
        adoption: FieldSet::EMPTY,
        attempts: 1,
    })
}

/// Brings names to NFC: clients of the contract compare them byte by byte.
fn normalise(record: &mut v1::TaxRecord) {
    let dependants = record.dependants.iter_mut().filter_map(|d| d.name.as_mut());
    for name in record.taxpayer_name.iter_mut().chain(dependants) {
        for part in [
            &mut name.family,
            &mut name.middle,
            &mut name.given,
            &mut name.full,
        ] {
            if !is_nfc(part) {
                *part = part.nfc().collect();
            }
        }
    }
}

/// Who is behind a number.
pub(super) fn resolution(
    asked: &Identifier,
    response: &ResolveIdentifierResponse,
) -> Result<Resolution, Miss> {
    let ids: Option<Vec<CitizenId>> = response
        .personal_ids
        .iter()
        .map(|id| CitizenId::from_agency(id))
        .collect();
    let Some(ids) = ids else {
        return Err(Miss::invalid("PERSONAL_ID", "a personal id is malformed"));
    };
    Ok(match ids.as_slice() {
        [] => Resolution::NotFound,
        [id] if matches!(asked, Identifier::Personal(old) if old != id) => {
            Resolution::Superseded(*id)
        }
        [id] => Resolution::Current(*id),
        several => Resolution::Ambiguous {
            candidates: u32::try_from(several.len()).unwrap_or(u32::MAX),
        },
    })
}

/// True if the agency says that the gateway's session with it is over.
pub(super) fn is_session_over(status: &Status) -> bool {
    status.code() == Code::Unauthenticated
}

/// What a status means. Only `NOT_FOUND` is "no such person".
pub(super) fn miss(status: &Status) -> Miss {
    said(status).at(progress(status))
}

fn said(status: &Status) -> Miss {
    let detail = || format!("gRPC status {:?}", status.code());
    match status.code() {
        Code::NotFound => Miss::not_found(),
        Code::DeadlineExceeded | Code::Cancelled => Miss::timeout(detail()),
        Code::ResourceExhausted => Miss::rate_limited(retry_after(status)),
        Code::Unavailable if is_maintenance(status) => Miss::maintenance(retry_after(status)),
        Code::Unavailable => Miss::unavailable(not_opened(status), detail()),
        Code::Unauthenticated => Miss::unavailable("SESSION_EXPIRED", detail()),
        Code::PermissionDenied => Miss::refused("REFUSED", detail()),
        Code::OutOfRange => Miss::invalid("TOO_LARGE", detail()),
        Code::Unknown if status.message() == OTHER_CONTENT => {
            Miss::invalid("CONTENT_TYPE", detail())
        }
        Code::Unknown if status.message() == CONTRADICTION => {
            Miss::invalid("CONTRADICTION", detail())
        }
        Code::Unimplemented if status.message().contains("Content is compressed") => {
            Miss::invalid("CONTENT_ENCODING", detail())
        }
        Code::Internal | Code::Unknown if is_undecodable(status) => {
            Miss::invalid("GARBAGE", detail())
        }
        Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => Miss::unavailable("SERVER_ERROR", detail()),
    }
}

/// Why there is no connection, if that is known.
fn not_opened(status: &Status) -> &'static str {
    let why = status.metadata().get(NOT_OPENED);
    match why.and_then(|why| why.to_str().ok()) {
        Some("UPSTREAM_TLS") => "UPSTREAM_TLS",
        Some("ADDRESS_REFUSED") => "ADDRESS_REFUSED",
        _ => "UNREACHABLE",
    }
}

/// True for the statuses that the gRPC library itself makes of bytes that are no message.
fn is_undecodable(status: &Status) -> bool {
    let message = status.message();
    [
        "failed to decode",
        "protocol error",
        "grpc-status header missing",
        "Unexpected EOF",
    ]
    .iter()
    .any(|own| message.contains(own))
}

fn is_maintenance(status: &Status) -> bool {
    let info = status.get_details_error_info();
    info.is_some_and(|info| info.reason == "MAINTENANCE")
}

/// `google.rpc.RetryInfo`, at most an hour.
fn retry_after(status: &Status) -> Option<Duration> {
    let info = status.get_details_retry_info()?;
    info.retry_delay
        .map(|delay| delay.min(Duration::from_secs(3_600)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapter::Blame;
    use exchange::{Field, SourceState};

    fn id(text: &str) -> CitizenId {
        CitizenId::from_agency(text).unwrap()
    }

    fn held(under: &str) -> LookupRecordResponse {
        LookupRecordResponse {
            personal_id: under.into(),
            record: Some(answer::Record::Tax(Box::new(v1::TaxRecord {
                personal_id: under.into(),
                tax_code: under.into(),
                status: v1::TaxpayerStatus::Active.into(),
                ..Default::default()
            }))),
            ..Default::default()
        }
    }

    #[test]
    fn only_the_fields_asked_for_pass() {
        let asked = FieldSet::from_iter([Field::TaxStatus]);
        let subject = id("999099000001");
        let answer = record(&subject, &asked, held("999099000001"), Vec::new()).unwrap();
        assert_eq!(answer.record.present(), asked);
    }

    #[test]
    fn another_person_never_passes() {
        let all = FieldSet::all();
        let asked = id("999099000001");
        let miss = record(&asked, &all, held("999099000002"), Vec::new()).unwrap_err();
        assert_eq!(miss.reason, "WRONG_SUBJECT");
        let mut mixed = held("999099000001");
        if let Some(answer::Record::Tax(inner)) = &mut mixed.record {
            inner.personal_id = "999099000002".into();
        }
        let miss = record(&asked, &all, mixed, Vec::new()).unwrap_err();
        assert_eq!(miss.reason, "WRONG_SUBJECT");
    }

    #[test]
    fn a_superseded_number_is_confirmed_by_the_list() {
        let mut response = held("999099000014");
        response.previous_ids = vec!["999099000004".into()];
        let answer = record(&id("999099000004"), &FieldSet::all(), response, Vec::new()).unwrap();
        assert!(answer.in_force.is_some());
    }

    #[test]
    fn a_record_of_another_register_is_no_answer() {
        let mut response = held("999099000001");
        response.record = Some(answer::Record::Health(Box::default()));
        let miss = record(&id("999099000001"), &FieldSet::all(), response, Vec::new()).unwrap_err();
        assert_eq!(miss.reason, "WRONG_RECORD");
    }

    #[test]
    fn a_malformed_id_is_no_resolution() {
        let asked = Identifier::TaxCode("0100233488".into());
        let response = ResolveIdentifierResponse {
            personal_ids: vec!["garbage".into()],
        };
        let miss = resolution(&asked, &response).unwrap_err();
        assert_eq!(miss.state, SourceState::InvalidAnswer);
    }

    #[test]
    fn no_failure_is_not_found() {
        for code in 1..=16 {
            let code = Code::from_i32(code);
            let state = miss(&Status::new(code, "")).state;
            assert_eq!(
                state == SourceState::NotFound,
                code == Code::NotFound,
                "{code:?} is {state:?}"
            );
        }
    }

    #[test]
    fn of_all_statuses_one_refuses_the_question_alone() {
        for code in 1..=16 {
            let code = Code::from_i32(code);
            let blame = miss(&Status::new(code, "")).blame;
            let refused = code == Code::PermissionDenied;
            assert_eq!(blame == Blame::Question, refused, "{code:?}");
        }
    }
}
