//! The wire as written down against the wire as coded.

use std::collections::BTreeSet;

use crate::health::keys::{SigningKey, VerifyingKey};
use crate::health::translate::CODES;
use crate::health::wire::{
    Allergy, Envelope, Found, History, Item, Lab, Query, Row, SEARCH_PATH, Service, Status,
    Summary, TOKEN_PATH, Vaccination, Visit,
};

const PAGE: &str = include_str!("../WIRE.md");
const OPENAPI: &str = include_str!("../openapi.yaml");
const GATEWAY: &[u8] = include_bytes!("../fixtures/gateway.pub");
const MINISTRY: &[u8] = include_bytes!("../fixtures/ministry.pub");
const CERTIFICATE: &[u8] = include_bytes!("../fixtures/ministry.crt");

/// The code blocks of that language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let starts = PAGE.match_indices(&fence).map(|(at, _)| at + fence.len());
    let block = |start: usize| PAGE[start..].split("\n```").next().unwrap();
    starts.map(block).collect()
}

/// The question and the answer of the page.
fn exchange() -> (Envelope<'static>, Envelope<'static>) {
    let json = blocks("json");
    let [.., question, answer] = json.as_slice() else {
        panic!("no exchange in the page");
    };
    let read = |text: &'static str| Envelope::read(text.as_bytes()).unwrap();
    (read(question), read(answer))
}

#[test]
fn the_page_names_every_code_column_and_status() {
    for (field, code) in CODES {
        let row = format!("| `{code}` | `{}` |", field.path());
        assert!(PAGE.contains(&row), "{row}");
    }
    let columns: BTreeSet<&str> = [
        Visit::COLUMNS,
        Item::COLUMNS,
        Service::COLUMNS,
        Lab::COLUMNS,
        Summary::COLUMNS,
        Allergy::COLUMNS,
        History::COLUMNS,
        Vaccination::COLUMNS,
    ]
    .concat()
    .into_iter()
    .collect();
    for column in columns {
        assert!(PAGE.contains(&format!("`{column}`")), "{column}");
    }
    for status in Status::ALL {
        assert!(PAGE.contains(&format!("| `{}` |", status.code())));
        assert!(OPENAPI.contains(status.code()));
    }
    for path in [TOKEN_PATH, SEARCH_PATH] {
        assert!(PAGE.contains(&format!("`POST {path}`")) && OPENAPI.contains(path));
    }
}

#[test]
fn the_exchange_of_the_page_verifies() {
    let (question, answer) = exchange();
    let key = |pem| VerifyingKey::from_pem(pem).unwrap();
    assert_eq!(key(GATEWAY).verify(&question), Ok(()));
    assert_eq!(key(MINISTRY).verify(&answer), Ok(()));
    assert_eq!(key(CERTIFICATE).verify(&answer), Ok(()));
    assert!(key(GATEWAY).verify(&answer).is_err());
}

#[test]
fn the_signed_bytes_are_those_of_the_page() {
    let (question, answer) = exchange();
    let texts = blocks("text");
    let [.., first, second] = texts.as_slice() else {
        panic!("no signed bytes in the page");
    };
    for (envelope, bytes) in [(question, first), (answer, second)] {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes.as_bytes());
        assert_eq!(envelope.digest().unwrap().as_ref(), digest.as_ref());
    }
}

#[test]
fn the_samples_of_the_page_are_read() {
    let (question, answer) = exchange();
    let xml = question.xml().unwrap();
    assert_eq!(xml, blocks("xml")[0].as_bytes());
    assert_eq!(
        Query::read(&xml).unwrap().codes,
        ["SO_CCCD", "HO_TEN", "DI_UNG"]
    );
    let xml = answer.xml().unwrap();
    assert_eq!(xml, blocks("xml")[1].as_bytes());
    let Ok(Found::One(book)) = Found::read(&xml) else {
        panic!("no health book in the page");
    };
    assert_eq!(book.visits[0].ho_ten, "Nguyễn Văn Thử");
    assert_eq!(answer.header.ref_msg_id, question.header.msg_id);
}

#[test]
fn what_could_be_signed_two_ways_is_not_signed() {
    let (question, _) = exchange();
    for value in ["a|b", "a b", "đ", "a\n"] {
        let mut twisted = Envelope {
            header: question.header.clone(),
            data: question.data.clone(),
            signature: question.signature.clone(),
        };
        twisted.header.txn_type = value.into();
        assert!(twisted.digest().is_err(), "{value}");
    }
}

#[test]
fn a_query_with_anything_unknown_is_refused() {
    for xml in [
        "<TRA_CUU><SO_CCCD>1</SO_CCCD><SO_CCCD>2</SO_CCCD></TRA_CUU>",
        "<TRA_CUU><TAT_CA/></TRA_CUU>",
        "<TRA/>",
    ] {
        assert!(Query::read(xml).is_err(), "{xml}");
    }
}

#[test]
fn what_is_no_key_is_told() {
    assert!(SigningKey::from_pem(GATEWAY).is_err());
    assert!(VerifyingKey::from_pem(b"").is_err());
}
