//! The two doors of the simulated ministry: the token and the search.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Router};
use base64_simd::STANDARD;
use bytes::Bytes;
use exchange::{CitizenId, Clock, FieldSet, Source};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sim::person::IdStatus;
use sim::{
    Asked, FaultKind, Fuse, Journal, Knobs, Means, Person, Prepared, World, charset, misbehave,
};
use uuid::Uuid;

use super::render::render;
use super::tokens::{LIFE_S, Tokens};
use crate::health::keys::{SigningKey, VerifyingKey};
use crate::health::translate::field;
use crate::health::wire::{
    ANSWER, DATA_QUERY, DATA_RECORD, Envelope, Header, Query, REQUEST, SEARCH_PATH, Status,
    TOKEN_PATH, TXN_SEARCH, VERSION,
};

/// How far the time of a question may be from ours.
const FRESH_MS: u64 = 5 * 60 * 1_000;

/// A status code that stands in no list.
const TIMEOUT: &str = "CM_TIMEOUT";

/// The simulated ministry.
pub(super) struct Ministry {
    pub(super) world: Arc<World>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) journal: Arc<Journal>,
    pub(super) knobs: Arc<Knobs>,
    pub(super) prepared: Prepared<(CitizenId, FieldSet)>,
    pub(super) tokens: Tokens,
    pub(super) signing: SigningKey,
    pub(super) gateway: VerifyingKey,
    pub(super) gateway_id: &'static str,
    pub(super) own_id: &'static str,
}

/// A question that passed every check.
struct Asking {
    subject: CitizenId,
    fields: FieldSet,
}

impl Ministry {
    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route(TOKEN_PATH, post(token))
            .route(SEARCH_PATH, post(search))
            .with_state(self)
    }

    /// Checks a question as strictly as the ministry does, in its order.
    fn check(&self, envelope: &Envelope<'_>, now: Timestamp) -> Result<Asking, Status> {
        let header = &envelope.header;
        let age = now.as_millisecond().abs_diff(header.send_datetime);
        let rest = header.msg_id.strip_prefix(self.gateway_id);
        let proper = header.version == VERSION
            && header.sender_id == self.gateway_id
            && header.receiver_id == self.own_id
            && header.txn_type == TXN_SEARCH
            && header.msg_type == REQUEST
            && header.data_type == DATA_QUERY
            && header.ref_msg_id.is_empty()
            && header.status_code.is_empty()
            && rest.is_some_and(is_message)
            && age <= FRESH_MS;
        if !proper {
            return Err(Status::InvalidRequest);
        }
        let signed = self.gateway.verify(envelope);
        signed.map_err(|_| Status::SignatureInvalid)?;
        self.read(envelope).ok_or(Status::InvalidRequest)
    }

    fn read(&self, envelope: &Envelope<'_>) -> Option<Asking> {
        let xml = envelope.xml().ok()?;
        let query = Query::read(&xml).ok()?;
        let fields = query.codes.iter().map(|code| field(code));
        Some(Asking {
            subject: CitizenId::from_agency(&query.so_cccd)?,
            fields: fields.collect::<Option<_>>()?,
        })
    }

    /// Notes a question; the entry is built only if the journal keeps it.
    fn note(&self, asking: &Asking, headers: &HeaderMap, outcome: &str) {
        self.journal.record(|| {
            let mut entry = Asked::new(self.clock.now(), TXN_SEARCH, Some(&asking.subject));
            entry.fields = asking.fields.iter().map(|f| f.path().to_owned()).collect();
            let trace = headers.get("traceparent").and_then(|v| v.to_str().ok());
            entry.traceparent = trace.map(str::to_owned);
            entry.outcome = outcome.to_owned();
            entry
        });
    }

    /// The person as the ministry holds them, or somebody else as the fault says.
    fn person(&self, subject: &CitizenId, fault: Option<FaultKind>) -> Option<Person> {
        match fault {
            Some(FaultKind::NotFound | FaultKind::NotFoundAsFailure) => None,
            Some(FaultKind::WrongPerson) => {
                let others = ["999099000001", "999099000009"];
                let mut others = others.into_iter().filter_map(CitizenId::from_agency);
                let other = others.find(|other| other != subject)?;
                self.world.view(&other, Source::Health)
            }
            _ => self.filed(subject),
        }
    }

    /// The person under the number in force: the ministry files its books anew when a number is
    /// replaced, and keeps an index of the old ones.
    fn filed(&self, subject: &CitizenId) -> Option<Person> {
        let mut person = self.world.view(subject, Source::Health)?;
        if person.status != IdStatus::Current {
            person.personal_id = self.world.person(subject)?.personal_id;
        }
        Some(person)
    }

    /// The base64 of the answer's XML, kept for the next time unless a fault bends it.
    fn data(&self, asking: &Asking, fault: Option<FaultKind>) -> Option<Bytes> {
        let lie = fault.and_then(charset);
        let render = |person: &Person| {
            let local = self
                .clock
                .now()
                .to_zoned(TimeZone::fixed(jiff::tz::offset(7)));
            let time = local.strftime("%Y%m%d%H%M").to_string();
            let xml = render(person, &asking.subject, &asking.fields, &time);
            // Signed as it is: only the letters lie.
            let lie = lie.map(|lie| lie.rewrite(xml.as_bytes()));
            let xml = lie.unwrap_or_else(|| xml.into_bytes());
            Bytes::from(STANDARD.encode_to_string(xml))
        };
        let bent = matches!(
            fault,
            Some(FaultKind::NotFound | FaultKind::NotFoundAsFailure | FaultKind::WrongPerson)
        );
        if bent || lie.is_some() {
            return self.person(&asking.subject, fault).map(|p| render(&p));
        }
        let key = (asking.subject, asking.fields);
        let data = self.prepared.get_or_render(key, || {
            let person = self.person(&asking.subject, fault);
            person.map(|person| render(&person)).unwrap_or_default()
        });
        (!data.is_empty()).then_some(data)
    }

    /// The signed answer to the question of that message id.
    fn reply(&self, code: &'static str, data: &[u8], to: &str) -> Response<Bytes> {
        let now = self.clock.now();
        let day = now.to_zoned(TimeZone::fixed(jiff::tz::offset(7)));
        let id = Uuid::new_v4().simple();
        let mut envelope = Envelope {
            header: Header {
                version: VERSION.into(),
                sender_id: self.own_id.into(),
                receiver_id: self.gateway_id.into(),
                txn_type: TXN_SEARCH.into(),
                msg_id: format!("{}{}{id}", self.own_id, day.strftime("%y%m%d")).into(),
                ref_msg_id: to.into(),
                msg_type: ANSWER.into(),
                data_type: DATA_RECORD.into(),
                send_datetime: now.as_millisecond(),
                status_code: code.into(),
            },
            data: String::from_utf8_lossy(data),
            signature: "".into(),
        };
        let signed = self.signing.sign(&mut envelope);
        match signed.and_then(|()| envelope.write()) {
            Ok(body) => json(StatusCode::OK, body),
            Err(_) => json(StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
        }
    }
}

/// `YYMMDD` and 32 hexadecimal digits.
fn is_message(rest: &str) -> bool {
    rest.split_at_checked(6).is_some_and(|(day, id)| {
        day.bytes().all(|b| b.is_ascii_digit())
            && id.len() == 32
            && id.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

async fn token(
    State(ministry): State<Arc<Ministry>>,
    headers: HeaderMap,
    form: String,
) -> Response<Body> {
    let now = ministry.clock.now();
    ministry.journal.record(|| Asked::new(now, "token", None));
    let (status, body) = if !ministry.tokens.knows(&headers) {
        let refusal = serde_json::json!({"error": "invalid_client"});
        (StatusCode::UNAUTHORIZED, refusal)
    } else if !form
        .split('&')
        .any(|pair| pair == "grant_type=client_credentials")
    {
        let refusal = serde_json::json!({"error": "unsupported_grant_type"});
        (StatusCode::BAD_REQUEST, refusal)
    } else {
        let token = serde_json::json!({
            "access_token": ministry.tokens.give(now),
            "token_type": "Bearer",
            "expires_in": LIFE_S,
        });
        (StatusCode::OK, token)
    };
    let mut response = json(status, body.to_string());
    set(&mut response, CACHE_CONTROL, "no-store");
    if status == StatusCode::UNAUTHORIZED {
        set(&mut response, WWW_AUTHENTICATE, "Basic realm=\"health\"");
    }
    response.map(Body::from)
}

async fn search(
    State(ministry): State<Arc<Ministry>>,
    Extension(fuse): Extension<Fuse>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let now = ministry.clock.now();
    if !ministry.tokens.admits(&headers, now) {
        return expired().map(Body::from);
    }
    let Ok(envelope) = Envelope::read(&body) else {
        let reply = ministry.reply(Status::InvalidRequest.code(), b"", "");
        return reply.map(Body::from);
    };
    let id = &envelope.header.msg_id;
    let asking = match ministry.check(&envelope, now) {
        Ok(asking) => asking,
        Err(status) => return ministry.reply(status.code(), b"", id).map(Body::from),
    };
    let fault = ministry.knobs.decide(&asking.subject);
    ministry.knobs.pause(Some(&asking.subject)).await;
    if let Some(said @ (FaultKind::SessionExpired | FaultKind::SessionRefused)) = fault {
        ministry.note(&asking, &headers, said.name());
        let over = match asking.subject.birth_year() % 2 {
            0 => expired(),
            _ => json(StatusCode::OK, WORDS),
        };
        return over.map(Body::from);
    }
    let data = ministry.data(&asking, fault);
    let said = fault.map(FaultKind::name);
    let (code, outcome) = match data {
        Some(_) if fault == Some(FaultKind::TimeoutAsAnswer) => (TIMEOUT, said),
        Some(_) => (Status::Success.code(), said.or(Some("ok"))),
        None => (Status::NotFound.code(), said),
    };
    ministry.note(&asking, &headers, outcome.unwrap_or("not_found"));
    let to = match fault {
        Some(FaultKind::WrongRequest) => "",
        _ => id,
    };
    let reply = ministry.reply(code, &data.unwrap_or_default(), to);
    let means = Means {
        fuse: &fuse,
        again: ministry.knobs.again(),
        journal: &ministry.journal,
        clock: &*ministry.clock,
    };
    misbehave(fault, reply, means).await
}

/// How what stands before a ministry may say the same.
const WORDS: &str =
    r#"{"code": "77", "message": "Phi\u00ean l\u00e0m vi\u1ec7c \u0111\u00e3 h\u1ebft h\u1ea1n"}"#;

/// How the wire says that the session is over (RFC 6750 §3.1).
fn expired() -> Response<Bytes> {
    let mut response = json(StatusCode::UNAUTHORIZED, r#"{"error":"invalid_token"}"#);
    set(
        &mut response,
        WWW_AUTHENTICATE,
        "Bearer error=\"invalid_token\"",
    );
    response
}

fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, "application/json");
    response
}

fn set(response: &mut Response<Bytes>, name: HeaderName, value: &'static str) {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}
