//! Dossiers, refusals and sessions as no simulator would play them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use adapter::{Blame, Miss};
use bytes::Bytes;
use exchange::SourceState::{self, InvalidAnswer, NotFound, Timeout, Unavailable};
use http::Response;
use http::header::LOCATION;

use super::rig::about;
use super::scripted::{Call, Scripted, json, of_type, token};

const RESULT: &str = r#""ketQua": {"danhSach": [{"soDinhDanh": "999099001000"}]}"#;

fn said(body: &str) -> Response<Bytes> {
    json(200, format!("{{{body}}}"))
}

async fn missed(register: &Scripted) -> Miss {
    let asker = about("999099001000").within_ms(700);
    asker.ask(&*register.agency).await.unwrap_err()
}

async fn operations(answers: Vec<Response<Bytes>>) -> Vec<String> {
    let register = Scripted::in_order(answers).await;
    about("999099001000").ask(&*register.agency).await.unwrap();
    let calls = register.calls().into_iter();
    calls.map(|call| call.operation).skip(1).collect()
}

#[tokio::test]
async fn a_dossier_is_followed_until_it_is_done() {
    let done = format!(r#""maHoSo": "h", "trangThai": 4, {RESULT}"#);
    let at_once = vec![said(&done)];
    assert_eq!(operations(at_once).await, ["traCuu"]);
    let done_but_apart = vec![said(r#""maHoSo": "h", "trangThai": 4"#), said(&done)];
    assert_eq!(
        operations(done_but_apart).await,
        ["traCuu", "ketQuaDangKyHS"]
    );
    let under_way = [1, 3, 1, 4].map(|state| {
        said(&format!(
            r#""maHoSo": "h", "trangThai": "{state}", "thuLaiSauMs": 0"#
        ))
    });
    let under_way = under_way
        .into_iter()
        .chain([said(&format!(r#""maHoSo": "h", {RESULT}"#))]);
    let looks = ["traTrangThaiHoSo"; 3];
    let expected = [&["traCuu"][..], &looks, &["ketQuaDangKyHS"]].concat();
    assert_eq!(operations(under_way.collect()).await, expected);
}

#[tokio::test]
async fn a_dossier_that_does_not_end_well_is_a_miss() {
    let table: [(&[&str], SourceState, &str); 9] = [
        (
            &[r#""maHoSo": "h", "trangThai": 1"#],
            Timeout,
            "DOSSIER_UNDER_WAY",
        ),
        (
            &[r#""maHoSo": "h", "trangThai": 3"#],
            Timeout,
            "DOSSIER_UNDER_WAY",
        ),
        (
            &[r#""maHoSo": "h", "trangThai": 2"#],
            Unavailable,
            "NEEDS_SUPPLEMENT",
        ),
        (
            &[r#""maHoSo": "h", "trangThai": 1"#, r#""trangThai": 0"#],
            Unavailable,
            "DOSSIER_FAILED",
        ),
        (
            &[r#""maHoSo": "h", "trangThai": 7"#],
            InvalidAnswer,
            "DOSSIER_STATE",
        ),
        (&[r#""trangThai": 1"#], InvalidAnswer, "DOSSIER_STATE"),
        (&[""], InvalidAnswer, "DOSSIER_STATE"),
        (
            &[r#""maHoSo": "h", "trangThai": 4"#, r#""trangThai": 1"#],
            InvalidAnswer,
            "DOSSIER_STATE",
        ),
        (
            &[
                r#""maHoSo": "h", "trangThai": 1"#,
                r#""maHoSo": "other", "trangThai": 4"#,
            ],
            InvalidAnswer,
            "WRONG_REQUEST",
        ),
    ];
    for (answers, state, reason) in table {
        let answers = answers.iter().map(|body| said(body)).collect();
        let register = Scripted::in_order(answers).await;
        let miss = missed(&register).await;
        assert_eq!((miss.state, miss.reason, miss.attempts), (state, reason, 1));
        assert_eq!(miss.blame == Blame::Question, state == Unavailable);
    }
}

#[tokio::test]
async fn a_poll_that_is_not_answered_is_a_hung_dossier() {
    let register = Scripted::start(|call| match call.operation.as_str() {
        "token" => token("t"),
        "traCuu" => said(r#""maHoSo": "h", "trangThai": 1, "thuLaiSauMs": 86400000"#),
        _ => panic!("asked again too early"),
    });
    let register = register.await;
    let miss = missed(&register).await;
    assert_eq!((miss.state, miss.reason), (Timeout, "DOSSIER_UNDER_WAY"));
}

/// `ID` stands for the id of the request.
#[tokio::test]
async fn only_a_201_that_can_mean_nothing_else_is_not_found() {
    let table = [
        (200, r#"{"maLoi": 201}"#, NotFound, ""),
        (200, r#"{"maLoi": "201", "maYeuCau": "ID"}"#, NotFound, ""),
        (500, r#"{"maLoi": 201, "maYeuCau": "ID"}"#, NotFound, ""),
        (404, r#"{"maLoi": 201, "maYeuCau": "ID"}"#, NotFound, ""),
        (500, r#"{"maLoi": 201}"#, Unavailable, "SERVER_ERROR"),
        (404, r#"{"maLoi": 201}"#, InvalidAnswer, "STATUS"),
        (
            200,
            r#"{"maLoi": 201, "maYeuCau": "x"}"#,
            InvalidAnswer,
            "WRONG_REQUEST",
        ),
        (
            500,
            r#"{"maLoi": 201, "maYeuCau": "x"}"#,
            InvalidAnswer,
            "WRONG_REQUEST",
        ),
        (500, r#"{"maLoi": 500}"#, Unavailable, "DATA_NOT_ACCEPTED"),
        (200, r#"{"maLoi": 500}"#, Unavailable, "DATA_NOT_ACCEPTED"),
        (400, r#"{"maLoi": 302}"#, Unavailable, "TYPE_NOT_ACCEPTED"),
        (200, r#"{"maLoi": "timeout"}"#, Unavailable, "VENDOR_ERROR"),
        (200, r#"{"maLoi": 404}"#, Unavailable, "VENDOR_ERROR"),
        (500, "", Unavailable, "SERVER_ERROR"),
        (404, "not found", InvalidAnswer, "STATUS"),
        (403, "", Unavailable, "FORBIDDEN"),
        (
            200,
            r#"{"maLoi": 0, "maYeuCau": "ID"}"#,
            InvalidAnswer,
            "DOSSIER_STATE",
        ),
        (
            200,
            r#"{"trangThai": 4, "ketQua": {"danhSach": []}}"#,
            InvalidAnswer,
            "NO_RECORD",
        ),
    ];
    for (status, body, state, reason) in table {
        let asker = about("999099001000");
        let answer = body.replace("ID", &asker.request_id());
        let register = Scripted::in_order(vec![json(status, answer)]).await;
        let miss = asker.ask(&*register.agency).await.unwrap_err();
        assert_eq!(
            (miss.state, miss.reason),
            (state, reason),
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn what_a_question_is_refused_for_is_told_from_what_the_register_lacks() {
    let table = [
        ("101", Blame::Source),
        ("106", Blame::Question),
        ("108", Blame::Question),
        ("200", Blame::Question),
        ("302", Blame::Question),
        ("500", Blame::Question),
        ("999", Blame::Source),
    ];
    for (code, blame) in table {
        let refusal = said(&format!(r#""maLoi": {code}"#));
        let miss = missed(&Scripted::in_order(vec![refusal]).await).await;
        assert_eq!((miss.state, miss.blame), (Unavailable, blame), "{code}");
    }
}

#[tokio::test]
async fn a_lost_dossier_is_not_a_person_who_does_not_exist() {
    let table = [
        (1, r#""maLoi": 201"#, Unavailable, "DOSSIER_LOST"),
        (
            1,
            r#""maLoi": 201, "maHoSo": "h", "trangThai": 4"#,
            Unavailable,
            "DOSSIER_LOST",
        ),
        (4, r#""maLoi": 201"#, Unavailable, "DOSSIER_LOST"),
        (
            4,
            r#""maLoi": 201, "maHoSo": "h""#,
            Unavailable,
            "DOSSIER_LOST",
        ),
        (
            4,
            r#""maLoi": 201, "maHoSo": "h", "trangThai": 4"#,
            NotFound,
            "",
        ),
    ];
    for (state, then, expected, reason) in table {
        let first = said(&format!(r#""maHoSo": "h", "trangThai": {state}"#));
        let register = Scripted::in_order(vec![first, said(then)]).await;
        let miss = missed(&register).await;
        assert_eq!(
            (miss.state, miss.reason),
            (expected, reason),
            "{state} {then}"
        );
        let is_lost = expected == Unavailable;
        assert_eq!(miss.blame == Blame::Question, is_lost, "{state} {then}");
    }
}

fn login_page() -> Response<Bytes> {
    of_type(
        200,
        "text/html; charset=utf-8",
        include_str!("../fixtures/login_page.html"),
    )
}

fn to_login() -> Response<Bytes> {
    let mut response = of_type(302, "text/html", "");
    let way = http::HeaderValue::from_static("/dang-nhap?next=api");
    response.headers_mut().insert(LOCATION, way);
    response
}

#[tokio::test]
async fn every_way_to_end_a_session_is_heard_and_tried_once_again() {
    let refused = (Unavailable, "SESSION_REFUSED");
    let ends = [
        (
            json(401, r#"{"maLoi": 100, "moTa": "phiên hết hạn"}"#),
            refused,
        ),
        (
            json(200, r#"{"maLoi": 100, "moTa": "phiên hết hạn"}"#),
            refused,
        ),
        // In words alone, and beside a number that nobody knows.
        (
            json(200, r#"{"moTa": "Phiên làm việc đã hết hạn"}"#),
            refused,
        ),
        (
            json(200, r#"{"maLoi": 999, "moTa": "phiên hết hạn"}"#),
            refused,
        ),
        (json(401, ""), refused),
        (login_page(), (InvalidAnswer, "CONTENT_TYPE")),
        (to_login(), (InvalidAnswer, "REDIRECT")),
    ];
    for (end, as_it_is) in ends {
        let done = said(&format!(r#""trangThai": 4, {RESULT}"#));
        let register = Scripted::in_order(vec![end.clone(), done]).await;
        let answer = about("999099001000").ask(&*register.agency).await.unwrap();
        assert_eq!((answer.attempts, register.logins()), (2, 2));
        let register = Scripted::in_order(vec![end]).await;
        let miss = missed(&register).await;
        assert_eq!((miss.state, miss.reason), as_it_is);
        assert_eq!((miss.attempts, register.logins()), (2, 2));
    }
}

#[tokio::test]
async fn a_session_that_ends_in_mid_poll_is_renewed_and_no_dossier_is_registered_twice() {
    let answers = vec![
        said(r#""maHoSo": "h", "trangThai": 1"#),
        json(401, ""),
        said(r#""maHoSo": "h", "trangThai": 4"#),
        said(&format!(r#""maHoSo": "h", "trangThai": 4, {RESULT}"#)),
    ];
    let register = Scripted::in_order(answers).await;
    let answer = about("999099001000").ask(&*register.agency).await.unwrap();
    assert_eq!((answer.attempts, register.logins()), (1, 2));
    let calls = register.calls();
    let enquiries = calls.iter().filter(|call| call.operation == "traCuu");
    assert_eq!(enquiries.count(), 1);
}

#[tokio::test]
async fn twenty_callers_renew_an_ended_session_once() {
    let logins = AtomicU32::new(0);
    let ended = Mutex::new(false);
    let script = move |call: &Call| match (call.operation.as_str(), call.token.as_str()) {
        ("token", _) => token(&logins.fetch_add(1, Ordering::SeqCst).to_string()),
        (_, "0") if *ended.lock().unwrap() => json(401, ""),
        _ => {
            *ended.lock().unwrap() = true;
            said(&format!(r#""trangThai": 4, {RESULT}"#))
        }
    };
    let register = Scripted::start(script).await;
    about("999099001000").ask(&*register.agency).await.unwrap();
    let questions = (0..20).map(|_| {
        let agency = register.agency.clone();
        tokio::spawn(async move { about("999099001000").ask(&*agency).await })
    });
    for question in questions.collect::<Vec<_>>() {
        assert_eq!(question.await.unwrap().unwrap().attempts, 2);
    }
    assert_eq!(register.logins(), 2);
}

#[tokio::test]
async fn a_login_that_gives_no_session_is_a_miss_and_no_question_is_asked() {
    let table = [
        (json(401, ""), Unavailable, "LOGIN_REFUSED"),
        (json(403, ""), Unavailable, "LOGIN_REFUSED"),
        (json(200, r#"{"maLoi": 100}"#), Unavailable, "LOGIN_REFUSED"),
        (json(200, r#"{"maLoi": 201}"#), Unavailable, "LOGIN_REFUSED"),
        (
            json(200, r#"{"maLoi": 101}"#),
            Unavailable,
            "ADDRESS_NOT_ALLOWED",
        ),
        (
            json(200, r#"{"maLoi": 106}"#),
            Unavailable,
            "AGENCY_NOT_ACCEPTED",
        ),
        (json(500, ""), Unavailable, "SERVER_ERROR"),
        (json(404, ""), InvalidAnswer, "STATUS"),
        (json(200, "{}"), InvalidAnswer, "MALFORMED"),
        (
            json(200, r#"{"token": "", "expiresIn": 9}"#),
            InvalidAnswer,
            "LOGIN_ANSWER",
        ),
        (
            json(200, r#"{"token": "a\nb", "expiresIn": 9}"#),
            InvalidAnswer,
            "LOGIN_ANSWER",
        ),
        (
            of_type(200, "text/plain", "token"),
            InvalidAnswer,
            "CONTENT_TYPE",
        ),
    ];
    for (answer, state, reason) in table {
        let register = Scripted::start(move |_| answer.clone()).await;
        let miss = missed(&register).await;
        assert_eq!((miss.state, miss.reason, miss.attempts), (state, reason, 0));
        assert_eq!(miss.blame, Blame::Source, "{reason}");
        assert!(
            register
                .calls()
                .iter()
                .all(|call| call.operation == "token")
        );
    }
}

#[tokio::test]
async fn an_enquiry_says_who_asks_why_and_what_for() {
    let done = said(&format!(r#""trangThai": 4, {RESULT}"#));
    let register = Scripted::in_order(vec![done]).await;
    let mut asker = about("999099001000").only(&[exchange::Field::CivilStatusMother]);
    asker.hints.full_name = Some("Nguyễn Thử".into());
    asker.hints.birth_date = exchange::PartialDate::new(1999, 2, 1).ok();
    asker.ask(&*register.agency).await.unwrap();
    let calls = register.calls();
    let login = serde_json::json!({"taiKhoan": "gateway", "matKhau": "secret"});
    assert_eq!(calls[0].body, login);
    let enquiry = serde_json::json!({
        "maYeuCau": asker.request_id(),
        "soDinhDanh": "999099001000",
        "danhSachTruong": ["soDinhDanh", "me"],
        "donVi": "G18",
        "mucDich": "MARRIAGE_REGISTRATION",
        "maThuTuc": "2.000815.000.00.00.H55",
        "maCanBo": "CB-17",
        "hoTen": "Nguyễn Thử",
        "ngaySinh": "01/02/1999",
    });
    assert_eq!(calls[1].body, enquiry);
    assert_eq!(calls[1].token, "t");
}

#[tokio::test]
async fn the_id_of_a_dossier_is_kept_only_if_it_says_nothing_about_the_person() {
    let table = [
        (r#""HT-2026/17""#, Some("HT-2026/17")),
        ("17", Some("17")),
        (r#""HT-999099001000""#, None),
        (r#""HT 17\n""#, None),
        (r#""""#, None),
    ];
    for (id, kept) in table {
        let done = said(&format!(r#""maHoSo": {id}, "trangThai": 4, {RESULT}"#));
        let register = Scripted::in_order(vec![done]).await;
        let answer = about("999099001000").ask(&*register.agency).await.unwrap();
        assert_eq!(answer.upstream_request_id.as_deref(), kept);
    }
}
