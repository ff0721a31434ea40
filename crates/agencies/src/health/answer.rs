//! What an answer means: its status, its envelope, about whom it is.
//!
//! *Invariant:* nothing is read of an answer before its signature is known to be the ministry's
//! and its question to be ours, but that the session is over.

use adapter::{Answer, Confirmed, Miss, Question, Response, classify, confirm, says_session_over};
use api::Record;
use exchange::{CitizenId, FieldSet};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::config::Config;
use super::translate;
use super::wire::{ANSWER, DATA_RECORD, Envelope, Found, HealthBook, Status, Wrong};

/// What the answer says, once it is known to be theirs and to this question.
pub(super) fn read(
    config: &Config,
    response: &Response,
    question: &Question<'_>,
    msg_id: &str,
) -> Result<Answer, Miss> {
    if let Some(miss) = refused(response) {
        return Err(miss);
    }
    let envelope = Envelope::read(&response.body).map_err(wrong)?;
    config.agency.verify(&envelope).map_err(wrong)?;
    let header = &envelope.header;
    let ours = header.ref_msg_id == msg_id
        && header.sender_id == config.receiver_id
        && header.receiver_id == config.sender_id
        && header.msg_type == ANSWER;
    if !ours {
        let detail = "the answer belongs to another question";
        return Err(Miss::invalid("OTHER_REQUEST", detail));
    }
    match Status::from_code(&header.status_code) {
        Some(Status::Success) if header.data_type == DATA_RECORD => found(&envelope, question),
        Some(Status::Success) => Err(Miss::invalid("MALFORMED", "an unknown type of data")),
        Some(Status::NotFound) => Err(Miss::not_found()),
        Some(Status::InvalidRequest) => Err(Miss::refused(
            "REQUEST_REFUSED",
            "the agency calls the question invalid",
        )),
        Some(Status::SignatureInvalid) => Err(Miss::unavailable(
            "SIGNATURE_REFUSED",
            "the agency does not accept our signature",
        )),
        None => Err(Miss::invalid("STATUS_CODE", "an unknown status code")),
    }
}

/// That the session is over, in words where an envelope should be.
pub(super) fn session_over(response: &Response) -> Option<Miss> {
    let body = &response.body;
    if response.status != StatusCode::OK
        || body.len() >= ENVELOPE_BYTES
        || Envelope::read(body).is_ok()
    {
        return None;
    }
    // JSON may spell its letters by their numbers.
    let text = match serde_json::from_slice(body) {
        Ok(serde_json::Value::String(said)) => said,
        Ok(said) => said.to_string(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    says_session_over(&text).then(Miss::session_refused)
}

/// What status and content type alone say.
fn refused(response: &Response) -> Option<Miss> {
    let status = response.status;
    let detail = || format!("status {}", status.as_u16());
    match status {
        StatusCode::FORBIDDEN => Some(Miss::unavailable("FORBIDDEN", detail())),
        StatusCode::OK if is_json(&response.headers) => None,
        StatusCode::OK => Some(Miss::invalid("CONTENT_TYPE", "the answer is not JSON")),
        // An address without an envelope says nothing of the person: 404 is not "not found".
        _ => classify(response).or_else(|| Some(Miss::invalid("STATUS", detail()))),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The record in the envelope, if it is about the person asked for.
fn found(envelope: &Envelope<'_>, question: &Question<'_>) -> Result<Answer, Miss> {
    let xml = envelope.xml().map_err(wrong)?;
    let book = match Found::read(&xml).map_err(wrong)? {
        Found::One(book) => book,
        Found::Nobody => return Err(Miss::not_found()),
        Found::Several => return Err(Miss::ambiguous()),
    };
    let confirmed = about(&book, &question.subject)?;
    let mut record = Record::Health(Box::new(translate::record(&book)));
    record.retain(&question.fields);
    Ok(Answer {
        record,
        as_of: translate::as_of(&book),
        upstream_request_id: None,
        in_force: confirmed.in_force(),
        adoption: FieldSet::EMPTY,
        attempts: 1,
    })
}

/// Confirms the person, and that every row of `XML1` which names one names the same.
fn about(book: &HealthBook<'_>, asked: &CitizenId) -> Result<Confirmed, Miss> {
    let previous = || book.so_cccd_cu.iter().map(|id| id.as_ref());
    let confirmed = confirm(asked, &book.so_cccd, previous())?;
    let same = |id: &str| {
        id.is_empty() || id == book.so_cccd.trim() || previous().any(|old| old.trim() == id)
    };
    if book.visits.iter().all(|row| same(row.so_cccd.trim())) {
        Ok(confirmed)
    } else {
        Err(Miss::wrong_subject())
    }
}

/// A miss for what is none of this wire.
pub(super) fn wrong(wrong: Wrong) -> Miss {
    Miss::invalid(wrong.reason(), wrong.to_string())
}

/// The least of an envelope: a header, and a signature of 2,048 bits.
const ENVELOPE_BYTES: usize = 1_000;
