//! The traps of the wire, one sample each.

use adapter::{Answer, Miss};
use api::v1;
use exchange::{FieldSet, Source, SourceState};

use super::rig::{about, record};
use super::scripted::{Scripted, json, of_type};

macro_rules! fixture {
    ($name:literal) => {
        &include_bytes!(concat!("../fixtures/", $name))[..]
    };
}

async fn answered(body: impl Into<bytes::Bytes>) -> Result<Answer, Miss> {
    let register = Scripted::in_order(vec![json(200, body)]).await;
    about("999099001000").ask(&*register.agency).await
}

#[tokio::test]
async fn a_complete_record_loses_nothing() {
    let answer = answered(fixture!("complete.json")).await.unwrap();
    assert_eq!(answer.as_of.unwrap().to_string(), "2026-10-01T01:00:00Z");
    assert_eq!(answer.record.present(), FieldSet::of(Source::CivilStatus));
    let record = record(answer);
    let day = |date: Option<v1::PartialDate>| date.map(|d| (d.year, d.month, d.day)).unwrap();
    assert_eq!(day(record.birth_date), (1999, 1, 2));
    let (born, native) = (record.birth_place.unwrap(), record.native_place.unwrap());
    assert_eq!(born.scheme(), v1::AddressScheme::Gso2004);
    assert_eq!(
        (born.district_code.as_str(), born.commune_code.as_str()),
        ("001", "00001")
    );
    assert_eq!(native.scheme(), v1::AddressScheme::Gso2025);
    assert_eq!(
        (native.district_code.as_str(), native.commune_code.as_str()),
        ("", "16681")
    );
    let death = record.death.unwrap();
    assert_eq!(day(death.date), (2026, 3, 0));
    assert_eq!(death.entry.unwrap().kind(), v1::RegistrationKind::Late);
    assert_eq!(death.notice_kind_code, "1");
    assert_eq!(record.mother.unwrap().legacy_id, "999000001");
    assert_eq!(record.parentage[0].kind_code, "1");
    assert_eq!(
        record.marital_status,
        i32::from(v1::MaritalStatus::DivorcedOrWidowed)
    );
}

#[tokio::test]
async fn the_latest_marriage_comes_first_whatever_the_order_on_the_wire() {
    let record = record(answered(fixture!("complete.json")).await.unwrap());
    let states: Vec<_> = record
        .marriages
        .iter()
        .map(|marriage| marriage.state())
        .collect();
    assert_eq!(
        states,
        [v1::MarriageState::Widowed, v1::MarriageState::Divorced]
    );
    let spouse = record.marriages[0].spouse.as_ref().unwrap();
    assert_eq!(
        (spouse.nationality.as_str(), spouse.personal_id.as_str()),
        ("LA", "999199001004")
    );
    assert_eq!(record.marriages[1].spouse_birth_date.unwrap().year, 1900);
}

#[tokio::test]
async fn an_old_book_gives_what_it_has() {
    let record = record(answered(fixture!("legacy_book.json")).await.unwrap());
    assert_eq!(record.personal_id, "999099001000");
    assert_eq!(record.name.unwrap().full, "NGUYỄN THỊ  ƯỚC");
    assert_eq!(
        record.birth_date.map(|d| (d.year, d.month, d.day)),
        Some((1950, 0, 0))
    );
    assert_eq!((record.sex, record.marital_status), (0, 0));
    let born = record.birth_place.unwrap();
    assert_eq!(born.detail, "Nhà hộ sinh xã Thử, tỉnh cũ");
    assert_eq!(born.scheme(), v1::AddressScheme::Unspecified);
    let native = record.native_place.unwrap();
    assert_eq!(
        (native.province_code.as_str(), native.commune_code.as_str()),
        ("01", "00001")
    );
    assert_eq!(record.ethnicity.unwrap().code, "01");
    let entry = record.birth_certificate.unwrap();
    assert_eq!(
        (entry.number.as_str(), entry.book_no.as_str(), entry.kind),
        ("12", "1", 0)
    );
    let mother = record.mother.unwrap();
    assert_eq!(
        (mother.personal_id.as_str(), mother.legacy_id.as_str()),
        ("", "999000001")
    );
    assert!(record.father.is_none() && record.death.is_none());
    assert_eq!(record.marriages.len(), 1);
    assert_eq!(record.marriages[0].state, 0);
}

#[tokio::test]
async fn what_is_no_answer_about_the_subject_is_a_miss() {
    use SourceState::{Ambiguous, InvalidAnswer};
    let table = [
        (fixture!("several.json"), Ambiguous, "SEVERAL_RECORDS"),
        (
            fixture!("wrong_person.json"),
            InvalidAnswer,
            "WRONG_SUBJECT",
        ),
        (fixture!("nobody.json"), InvalidAnswer, "WRONG_SUBJECT"),
        (fixture!("escaped_xml.json"), InvalidAnswer, "MALFORMED"),
        (
            fixture!("escaped_message.json"),
            InvalidAnswer,
            "DOSSIER_STATE",
        ),
        (fixture!("duplicate_key.json"), InvalidAnswer, "MALFORMED"),
        (b"[]", InvalidAnswer, "MALFORMED"),
        (b"null", InvalidAnswer, "MALFORMED"),
        (b"{\"trangThai\": 4} trailing", InvalidAnswer, "MALFORMED"),
        (b"{\"trangThai\": 1e400}", InvalidAnswer, "MALFORMED"),
        (
            b"{\"trangThai\": 4, \"ketQua\": [[[\"999099001000\"]]]}",
            InvalidAnswer,
            "MALFORMED",
        ),
        (
            b"{\"trangThai\": 4, \"ketQua\": {\"danhSach\": [[\"999099001000\"]]}}",
            InvalidAnswer,
            "MALFORMED",
        ),
        (b"\xff\xfe{\0}\0", InvalidAnswer, "MALFORMED"),
    ];
    for (body, state, reason) in table {
        let miss = answered(body).await.unwrap_err();
        let said = String::from_utf8_lossy(body);
        assert_eq!((miss.state, miss.reason), (state, reason), "{said}");
        assert!(
            !miss.detail.contains("999") && !miss.detail.contains('<'),
            "{}",
            miss.detail
        );
    }
}

#[tokio::test]
async fn a_superseded_number_must_be_named_by_the_record() {
    let answer = answered(fixture!("superseded.json")).await.unwrap();
    assert!(answer.in_force.is_some());
    assert_eq!(record(answer).personal_id, "999098001000");
}

#[tokio::test]
async fn unknown_members_and_a_byte_order_mark_do_no_harm() {
    for (body, sex) in [
        (fixture!("unknown_members.json"), 2),
        (fixture!("bom.json"), 1),
    ] {
        assert_eq!(record(answered(body).await.unwrap()).sex, sex);
    }
}

#[tokio::test]
async fn bombs_do_not_go_off() {
    const DEPTH: usize = 200_000;
    let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let known = [
        format!(r#"{{"trangThai": 4, "ketQua": {deep}}}"#),
        format!(r#"{{"trangThai": 4, "ketQua": {{"danhSach": [{{"nksNoiSinh": {deep}}}]}}}}"#),
        format!(r#"{{"trangThai": {deep}}}"#),
        "[".repeat(DEPTH),
    ];
    for body in known {
        assert_eq!(answered(body).await.unwrap_err().reason, "MALFORMED");
    }
    let ignored = format!(
        r#"{{"moRong": {deep}, "trangThai": 4, "ketQua": {{"danhSach": [{{"soDinhDanh": "999099001000"}}]}}}}"#
    );
    assert!(answered(ignored).await.is_ok());
    let large = format!(r#"{{"moRong": "{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(answered(large).await.unwrap_err().reason, "TOO_LARGE");
}

#[tokio::test]
async fn what_is_not_called_json_is_not_read_as_json() {
    for kind in ["text/html", "text/xml", "application/jsonp", ""] {
        let answer = of_type(200, kind, fixture!("bom.json"));
        let register = Scripted::in_order(vec![answer]).await;
        let miss = about("999099001000")
            .ask(&*register.agency)
            .await
            .unwrap_err();
        assert_eq!(
            (miss.state, miss.reason),
            (SourceState::InvalidAnswer, "CONTENT_TYPE")
        );
    }
}
