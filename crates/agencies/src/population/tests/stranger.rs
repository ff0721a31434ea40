//! The adapter against another implementation, which says things as the simulator does not.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use exchange::SourceState;

use super::*;

/// A content type and a body for every lookup; a login is always let in.
type Canned = (&'static str, String);

async fn answer(
    State((kind, body)): State<Canned>,
    asked: String,
) -> ([(&'static str, &'static str); 1], String) {
    if asked.contains("DangNhap>") {
        let opened =
            "<DangNhapResponse><MaPhien>S</MaPhien><ThoiHan>60</ThoiHan></DangNhapResponse>";
        return ([("content-type", "application/xml")], opened.to_owned());
    }
    let id = asked.split("MaYeuCau>").nth(1).unwrap_or_default();
    let id = id.trim_end_matches("</dan:");
    ([("content-type", kind)], body.replace("REQUEST", id))
}

/// What comes of asking about persona 1 where every lookup is answered so.
async fn told(kind: &'static str, body: &str) -> Result<Answer, Miss> {
    let config = StageConfig::loopback(Source::Population);
    let stage = Stage::bind(&config).await.unwrap();
    let address = stage.address();
    let router = Router::new().route("/", post(answer));
    let _stranger = stage.serve(router.with_state((kind, body.to_owned())));
    let pair = Pair::start_with(|stanza, _| {
        stanza.insert("url".into(), format!("http://{address}/").into());
    })
    .await;
    pair.ask("999099000001", Ask::default()).await
}

fn collection(id: &str, citizens: &str) -> String {
    format!("<CongdanCollection id='{id}'>{citizens}</CongdanCollection>")
}

const CITIZEN: &str = "<CongDan><SoDinhDanh>999099000001</SoDinhDanh></CongDan>";

#[tokio::test]
async fn a_bare_document_and_one_in_json_are_answers() {
    let bare = collection("REQUEST", CITIZEN);
    let wrapped = serde_json::json!({"error_code": "00", "message": collection("", CITIZEN)});
    for (kind, body) in [
        ("text/xml", bare),
        ("application/json", wrapped.to_string()),
    ] {
        let answer = told(kind, &body).await.unwrap();
        assert_eq!(population(answer.record).personal_id, "999099000001");
    }
}

#[tokio::test]
async fn what_belongs_to_another_request_or_person_is_not_taken() {
    let another = CITIZEN.replace("000001", "000002");
    let twice = format!("{CITIZEN}{CITIZEN}");
    for (body, state, reason) in [
        (
            collection("SYN-1", CITIZEN),
            SourceState::InvalidAnswer,
            "WRONG_REQUEST",
        ),
        (
            collection("REQUEST", &another),
            SourceState::InvalidAnswer,
            "WRONG_SUBJECT",
        ),
        (
            collection("REQUEST", "<CongDan/>"),
            SourceState::InvalidAnswer,
            "WRONG_SUBJECT",
        ),
        (
            collection("REQUEST", &twice),
            SourceState::Ambiguous,
            "SEVERAL_RECORDS",
        ),
        (collection("REQUEST", ""), SourceState::NotFound, ""),
    ] {
        let miss = told("application/xml", &body).await.unwrap_err();
        assert_eq!((miss.state, miss.reason), (state, reason));
    }
}

#[tokio::test]
async fn a_login_page_is_met_with_one_login_and_no_more() {
    let miss = told("text/html", "<html><form action='/login'/></html>")
        .await
        .unwrap_err();
    let expected = (SourceState::InvalidAnswer, "CONTENT_TYPE", 2);
    assert_eq!((miss.state, miss.reason, miss.attempts), expected);
}

#[tokio::test]
async fn an_answer_larger_than_the_cap_is_invalid() {
    let miss = told("text/xml", &"<a/>".repeat(300_000)).await.unwrap_err();
    assert_eq!(
        (miss.state, miss.reason),
        (SourceState::InvalidAnswer, "TOO_LARGE")
    );
}
