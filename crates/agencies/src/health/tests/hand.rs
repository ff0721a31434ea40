//! Answers made by hand and signed with the ministry's key: what the simulator never says.

use std::time::Duration;

use adapter::{Answer, Blame, Miss, Response};
use base64_simd::STANDARD;
use exchange::SourceState;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::COMPLETE;
use super::town::{Asking, Town, all};
use crate::Settings;
use crate::health::answer;
use crate::health::config::Config;
use crate::health::keys::SigningKey;
use crate::health::wire::{Envelope, Header};

const QUESTION: &str = "999000000000126100100000000000000000000000000000000";

/// The settings of an adapter without sockets, and the key of the other side.
struct Bench {
    config: Config,
    ministry: SigningKey,
}

impl Bench {
    async fn new() -> Self {
        let town = Town::new().await;
        let settings = Settings::new(town.stanza.clone(), &town.site.root).unwrap();
        let key = std::fs::read(town.site.file("ministry-signing.key")).unwrap();
        Self {
            config: Config::read(&settings).unwrap(),
            ministry: SigningKey::from_pem(&key).unwrap(),
        }
    }

    /// An answer about the person asked for that holds this XML.
    fn envelope(&self, xml: &str) -> Envelope<'static> {
        Envelope {
            header: Header {
                version: "1.0".into(),
                sender_id: "9990000000018".into(),
                receiver_id: "9990000000001".into(),
                txn_type: "TRA_CUU_HSSK".into(),
                msg_id: "9990000000018261001ffffffffffffffffffffffffffffffff".into(),
                ref_msg_id: QUESTION.into(),
                msg_type: "102".into(),
                data_type: "DANH_SACH_HO_SO".into(),
                send_datetime: 1_790_816_400_000,
                status_code: "CM_SUCCESS".into(),
            },
            data: STANDARD.encode_to_string(xml).into(),
            signature: "".into(),
        }
    }

    fn signed(&self, mut envelope: Envelope<'_>) -> String {
        self.ministry.sign(&mut envelope).unwrap();
        String::from_utf8(envelope.write().unwrap()).unwrap()
    }

    fn read(&self, body: impl Into<Vec<u8>>) -> Result<Answer, Miss> {
        self.hear(StatusCode::OK, "application/json; charset=utf-8", body)
    }

    fn hear(
        &self,
        status: StatusCode,
        kind: &'static str,
        body: impl Into<Vec<u8>>,
    ) -> Result<Answer, Miss> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let response = Response {
            status,
            headers,
            body: body.into().into(),
        };
        let asking = Asking::new(COMPLETE, all(), Duration::from_secs(1));
        answer::read(&self.config, &response, &asking.question(), QUESTION)
    }

    fn reason(&self, body: impl Into<Vec<u8>>) -> &'static str {
        self.read(body).unwrap_err().reason
    }
}

const RECORD: &str = include_str!("../fixtures/unknown_and_escaped.xml");

#[tokio::test]
async fn a_byte_order_mark_and_escaped_slashes_change_nothing() {
    let bench = Bench::new().await;
    let body = bench.signed(bench.envelope(RECORD));
    let body = format!("\u{feff}{}", body.replace('/', "\\/"));
    assert!(bench.read(body).is_ok());
}

#[tokio::test]
async fn no_byte_of_an_answer_changes_unnoticed() {
    let bench = Bench::new().await;
    let body = bench.signed(bench.envelope(RECORD));
    for (from, to) in [
        ("CM_SUCCESS", "CM_NOT_FOUND"),
        ("ffffffff", "fffffffe"),
        ("1790816400000", "1790816400001"),
        ("PHk6", "PHk7"),
    ] {
        let other = body.replacen(from, to, 1);
        assert_ne!(other, body);
        assert_eq!(bench.reason(other), "SIGNATURE", "{from}");
    }
}

#[tokio::test]
async fn an_answer_to_another_question_is_not_ours() {
    let bench = Bench::new().await;
    let mut other = bench.envelope(RECORD);
    other.header.ref_msg_id = "9990000000001261001ffffffffffffffffffffffffffffffff".into();
    assert_eq!(bench.reason(bench.signed(other)), "OTHER_REQUEST");
    let mut echo = bench.envelope(RECORD);
    echo.header.msg_type = "101".into();
    assert_eq!(bench.reason(bench.signed(echo)), "OTHER_REQUEST");
    let mut stranger = bench.envelope(RECORD);
    stranger.header.receiver_id = "9990000000002".into();
    assert_eq!(bench.reason(bench.signed(stranger)), "OTHER_REQUEST");
}

#[tokio::test]
async fn status_codes_mean_what_is_written_down() {
    let bench = Bench::new().await;
    for (code, state, reason) in [
        ("CM_NOT_FOUND", SourceState::NotFound, ""),
        (
            "CM_INVALID_REQUEST",
            SourceState::Unavailable,
            "REQUEST_REFUSED",
        ),
        (
            "PS_SIGNATURE_INVALID",
            SourceState::Unavailable,
            "SIGNATURE_REFUSED",
        ),
        ("CM_TIMEOUT", SourceState::InvalidAnswer, "STATUS_CODE"),
        ("", SourceState::InvalidAnswer, "STATUS_CODE"),
    ] {
        let mut envelope = bench.envelope("");
        envelope.header.status_code = code.into();
        let miss = bench.read(bench.signed(envelope)).unwrap_err();
        assert_eq!((miss.state, miss.reason), (state, reason), "{code}");
        let of_question = code == "CM_INVALID_REQUEST";
        assert_eq!(miss.blame == Blame::Question, of_question, "{code}");
    }
}

#[tokio::test]
async fn only_the_envelope_says_not_found() {
    let bench = Bench::new().await;
    let body = bench.signed(bench.envelope(RECORD));
    for (status, kind, reason) in [
        (StatusCode::NOT_FOUND, "application/json", "STATUS"),
        (StatusCode::FORBIDDEN, "application/json", "FORBIDDEN"),
        (StatusCode::FOUND, "text/html", "REDIRECT"),
        (StatusCode::OK, "text/html", "CONTENT_TYPE"),
        (StatusCode::ACCEPTED, "application/json", "STATUS"),
        (StatusCode::BAD_REQUEST, "application/json", "STATUS"),
        (StatusCode::SERVICE_UNAVAILABLE, "text/html", "SERVER_ERROR"),
    ] {
        let miss = bench.hear(status, kind, body.clone()).unwrap_err();
        assert_eq!(miss.reason, reason, "{status}");
        assert_ne!(miss.state, SourceState::NotFound);
    }
}

#[tokio::test]
async fn samples_of_every_trap_have_their_state() {
    let bench = Bench::new().await;
    for (xml, state, reason) in [
        (
            include_str!("../fixtures/nobody.xml"),
            SourceState::NotFound,
            "",
        ),
        (
            include_str!("../fixtures/several.xml"),
            SourceState::Ambiguous,
            "SEVERAL_RECORDS",
        ),
        (
            include_str!("../fixtures/row_of_another.xml"),
            SourceState::InvalidAnswer,
            "WRONG_SUBJECT",
        ),
        (
            include_str!("../fixtures/superseded.xml"),
            SourceState::InvalidAnswer,
            "WRONG_SUBJECT",
        ),
        (
            include_str!("../fixtures/entity_bomb.xml"),
            SourceState::InvalidAnswer,
            "XML_ENTITY",
        ),
        (
            include_str!("../fixtures/truncated.xml"),
            SourceState::InvalidAnswer,
            "MALFORMED",
        ),
    ] {
        let miss = bench.read(bench.signed(bench.envelope(xml))).unwrap_err();
        assert_eq!((miss.state, miss.reason), (state, reason));
    }
}

#[tokio::test]
async fn what_is_no_envelope_is_refused_without_a_word_of_it() {
    let bench = Bench::new().await;
    let mut torn = bench.envelope(RECORD);
    torn.data = "PD94*".into();
    for body in [
        "",
        "[]",
        "null",
        "<html>phiên hết hạn</html>",
        r#"{"header":{},"data":"","data":""}"#,
        bench.signed(torn).as_str(),
    ] {
        let miss = bench.read(body).unwrap_err();
        assert_eq!(miss.reason, "MALFORMED", "{body}");
        assert!(!miss.detail.contains("phiên"));
    }
    // Also where nobody reads it.
    let mut odd = bench.signed(bench.envelope(RECORD)).into_bytes();
    assert!(bench.read(odd.clone()).is_ok());
    odd.splice(1..1, b"\"note\":\"\xff\",".iter().copied());
    assert_eq!(bench.read(odd).unwrap_err().reason, "MALFORMED");
}
