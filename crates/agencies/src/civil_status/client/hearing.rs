//! What a response says: a reply, the end of the session, or a miss.
//!
//! The body counts before the status: a refusal with a number is a refusal whatever the status.
//! One refusal is not believed so easily: 201, "not found", under an error status or in reply to a
//! poll, must name the very question it answers, so that a broken proxy, a mixed-up connection or
//! a lost dossier never becomes "no such person".

use adapter::dossier::{LOST, State};
use adapter::{Heard, Miss, Response, classify, logged_out, says_session_over};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::de::DeserializeOwned;

use super::super::wire::{self, Code, Reply};
use super::dossier::of_code;
use super::vendor::Refusal;

/// What was asked, and by which name the reply must call it.
#[derive(Clone, Copy)]
pub(in crate::civil_status) enum Asked<'a> {
    /// An enquiry, by the id of the request.
    Enquiry(&'a str),
    /// How far a dossier is, by its id.
    Status(&'a str),
    /// The records of a dossier, by its id.
    Result(&'a str),
}

impl Asked<'_> {
    /// The path of the operation.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Enquiry(_) => wire::ENQUIRE,
            Self::Status(_) => wire::STATUS,
            Self::Result(_) => wire::RESULT,
        }
    }

    /// Whether the reply names what was asked; none if it names nothing.
    fn is_named_by(self, reply: &Reply) -> Option<bool> {
        let (asked, named) = match self {
            Self::Enquiry(id) => (id, &reply.ma_yeu_cau),
            Self::Status(id) | Self::Result(id) => (id, &reply.ma_ho_so),
        };
        named.as_ref().map(|named| named.as_str() == asked)
    }
}

/// Hears the response to a question.
///
/// # Errors
/// The miss that it is.
pub(in crate::civil_status) fn hear(
    asked: Asked<'_>,
    response: &Response,
) -> Result<Heard<Reply>, Miss> {
    if let Some(over) = logged_out(response) {
        return Ok(Heard::SessionOver(over));
    }
    if let Some(miss) = busy(response) {
        return Err(miss);
    }
    let reply: Reply = match json(response) {
        Ok(reply) => reply,
        Err(miss) => return Err(by_status(response).unwrap_or(miss)),
    };
    let named = asked.is_named_by(&reply);
    if named == Some(false) {
        return Err(Miss::invalid(
            "WRONG_REQUEST",
            "a reply to another question",
        ));
    }
    let refusal = reply.refusal().map(Refusal::from_code);
    let says_over = || reply.mo_ta.as_deref().is_some_and(says_session_over);
    match refusal {
        // Of what has no number, or one that nobody knows, the words count.
        None | Some(Refusal::UNKNOWN) if says_over() => {
            Ok(Heard::SessionOver(Miss::session_refused()))
        }
        None => by_status(response).map_or(Ok(Heard::Answer(reply)), Err),
        Some(Refusal::Session) => Ok(Heard::SessionOver(Miss::session_refused())),
        Some(Refusal::Refused(reason)) => Err(Refusal::miss(reason)),
        Some(Refusal::Question(reason)) => Err(Miss::refused(reason, "the register refused that")),
        Some(Refusal::NothingFound) => Err(nothing_found(asked, named, &reply, response)),
    }
}

/// Hears the response to a login.
///
/// # Errors
/// The miss that it is.
pub(in crate::civil_status) fn hear_login(response: &Response) -> Result<wire::Token, Miss> {
    let refused = || Miss::unavailable("LOGIN_REFUSED", "the register refused the account");
    if matches!(response.status.as_u16(), 401 | 403) {
        return Err(refused());
    }
    if let Some(miss) = busy(response) {
        return Err(miss);
    }
    let refusal = json::<Reply>(response).ok();
    let code = refusal.as_ref().and_then(Reply::refusal);
    match code.map(Refusal::from_code) {
        Some(Refusal::Refused(reason) | Refusal::Question(reason)) => Err(Refusal::miss(reason)),
        Some(Refusal::Session | Refusal::NothingFound) => Err(refused()),
        None => by_status(response).map_or_else(|| token(response), Err),
    }
}

fn token(response: &Response) -> Result<wire::Token, Miss> {
    let token: wire::Token = json(response)?;
    if token.token.is_empty() {
        return Err(Miss::invalid("LOGIN_ANSWER", "a login without a token"));
    }
    Ok(token)
}

/// Says whether "not found" is about the person: only where nothing else can be meant.
fn nothing_found(
    asked: Asked<'_>,
    named: Option<bool>,
    reply: &Reply,
    response: &Response,
) -> Miss {
    let state = reply.trang_thai.as_ref().map(Code::as_str);
    let done = state.and_then(of_code) == Some(State::Completed);
    let certain = match asked {
        Asked::Enquiry(_) => response.status.is_success() || named == Some(true),
        Asked::Result(_) => named == Some(true) && done,
        Asked::Status(_) => false,
    };
    match (certain, asked) {
        (true, _) => Miss::not_found(),
        (false, Asked::Enquiry(_)) => {
            by_status(response).unwrap_or_else(|| Refusal::miss("VENDOR_ERROR"))
        }
        (false, Asked::Status(_) | Asked::Result(_)) => {
            Miss::refused(LOST, "the register does not know its own dossier")
        }
    }
}

/// Statuses that say "later", and need no body to say it.
fn busy(response: &Response) -> Option<Miss> {
    let later = response.headers.contains_key(RETRY_AFTER);
    match response.status.as_u16() {
        429 => classify(response),
        503 if later => classify(response),
        _ => None,
    }
}

/// The miss of every status but success.
fn by_status(response: &Response) -> Option<Miss> {
    if response.status.is_success() {
        return None;
    }
    let detail = || format!("status {}", response.status.as_u16());
    classify(response).or_else(|| {
        Some(match response.status.as_u16() {
            403 => Miss::unavailable("FORBIDDEN", detail()),
            _ => Miss::invalid("STATUS", detail()),
        })
    })
}

/// Reads a body of JSON, with or without a byte order mark. What is wrong with it is told by
/// place, never by content.
fn json<T: DeserializeOwned>(response: &Response) -> Result<T, Miss> {
    let kind = response.headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Miss::invalid(
            "CONTENT_TYPE",
            "the answer is not called JSON",
        ));
    }
    let body = response.body.strip_prefix(BOM).unwrap_or(&response.body);
    let read = serde_json::from_slice(body).map(|wire::Object(message)| message);
    read.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let detail = format!("{:?} error at {line}:{column}", error.classify());
        Miss::invalid("MALFORMED", detail)
    })
}

const BOM: &[u8] = b"\xef\xbb\xbf";
