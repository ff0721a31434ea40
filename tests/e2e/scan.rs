//! After thousands of lookups, and searches, lists and erasures beside them, no file, log line, span or
//! metric holds anything about a person.
//!
//! Looked for: every number that was asked about, every name and long number that came back, every
//! officer and dossier; raw, percent-encoded and in base64; and any run of exactly twelve digits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aho_corasick::AhoCorasick;
use serde_json::{Value, json};
use tests::{Rest, Sandbox, everything, question};
use tokio::task::JoinSet;

use crate::telemetry::Receiver;

const LOOKUPS: u32 = 10_000;
const CALLERS: u32 = 16;
/// How often the record is searched meanwhile: as often as an inspector may in a burst.
const READINGS: u32 = 40;
const SEARCH: &str = "/v1/audit/records:search";
const LIST: &str = "/v1/dataSubjects/accesses:list";
const ERASE: &str = "/v1/audit/subjects:erase";
/// One lookup in so many asks every source.
const WHOLE: u32 = 20;

/// What was asked and what came back.
#[derive(Debug, Default)]
struct Words(BTreeSet<String>);

impl Words {
    /// Names and long numbers in an answer.
    fn add(&mut self, value: &Value, key: &str) {
        match value {
            Value::Object(all) => all.iter().for_each(|(key, value)| self.add(value, key)),
            Value::Array(all) => all.iter().for_each(|value| self.add(value, key)),
            Value::String(text) => {
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                let is_number = digits >= 9 && digits == text.len();
                let is_name =
                    matches!(key, "full" | "fullName" | "taxpayerName") && text.contains(' ');
                if is_number || is_name {
                    self.0.insert(text.clone());
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Every word in every form it could be written in.
    fn forms(&self) -> Vec<Vec<u8>> {
        let mut forms = Vec::new();
        for word in &self.0 {
            let bytes = word.as_bytes();
            forms.push(bytes.to_vec());
            let percent = percent(bytes);
            forms.push(percent.replace("%20", "+").into_bytes());
            forms.push(percent.into_bytes());
            for shift in 0..3 {
                forms.extend(base64(bytes, shift));
            }
        }
        forms.sort();
        forms.dedup();
        forms
    }
}

fn percent(bytes: &[u8]) -> String {
    let each = bytes.iter().map(|byte| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02X}"),
    });
    each.collect()
}

/// The word as it stands within a longer text in base64, when `shift` bytes of a group of three come
/// before it: without the letters that its neighbours share.
fn base64(bytes: &[u8], shift: usize) -> [Vec<u8>; 2] {
    let mut text = vec![0; shift];
    text.extend_from_slice(bytes);
    let whole = text.len() / 3 * 4;
    let first = shift.div_ceil(3) * 4;
    [base64_simd::STANDARD_NO_PAD, base64_simd::URL_SAFE_NO_PAD]
        .map(|alphabet| alphabet.encode_to_string(&text).as_bytes()[first..whole].to_vec())
}

/// True for a number that is shorter than a person's and part of a longer one: of nine digits in a row in
/// a time, any may be somebody's old number.
fn is_within_a_number(text: &[u8], place: std::ops::Range<usize>) -> bool {
    let is_digit = |at: Option<usize>| {
        let byte = at.and_then(|at| text.get(at));
        byte.is_some_and(u8::is_ascii_digit)
    };
    let word = &text[place.clone()];
    word.len() < 12
        && word.iter().all(u8::is_ascii_digit)
        && (is_digit(place.start.checked_sub(1)) || is_digit(Some(place.end)))
}

/// Where a run of exactly twelve digits stands by itself.
fn twelve_digits(bytes: &[u8]) -> Option<usize> {
    let joins = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let mut at = 0;
    for word in bytes.split(|byte| !joins(byte)) {
        if word.len() == 12 && word.iter().all(u8::is_ascii_digit) {
            return Some(at);
        }
        at += word.len() + 1;
    }
    None
}

/// The id of a citizen who is no persona.
fn citizen(number: u32) -> String {
    format!(
        "999{}{:02}{:06}",
        number % 2,
        number % 80 + 10,
        1_000 + number
    )
}

async fn ask(rest: &Rest, number: u32) -> Words {
    let id = citizen(number);
    let mask = if number.is_multiple_of(WHOLE) {
        everything()
    } else {
        "tax.taxCode,tax.taxpayerName".to_owned()
    };
    let (officer, dossier) = (
        format!("Nguyễn Văn Cán Bộ {number}"),
        format!("H55.{number:06}-261123-{number:04}"),
    );
    let mut body = question(&id, "ONE_STOP_DESK", &mask);
    body["context"]["officerId"] = officer.clone().into();
    body["context"]["dossierNo"] = dossier.clone().into();
    let answer = rest
        .post("/v1/citizens:lookup", body.to_string(), &[])
        .await
        .unwrap();
    assert!(matches!(answer.status, 200 | 404), "{answer:?}");
    let mut words = Words::default();
    words.0.extend([id, officer, dossier]);
    words.add(&answer.json()["citizen"], "");
    words
}

/// Who looks into the record while it grows.
struct Readers {
    auditor: Rest,
    portal: Rest,
}

impl Readers {
    /// Searches for somebody who was asked about or not, in every way a person or an officer can be
    /// named; lists that one's accesses; now and then has them erased.
    async fn look(&self, round: u32) -> Words {
        let id = citizen(round * LOOKUPS / READINGS);
        let unasked = citizen(LOOKUPS + round);
        let inspector = format!("Thanh Tra Viên {round}");
        let reason = format!("Đơn của bà Nguyễn Thị Khiếu Nại {round}");
        let context = |purpose: &str| {
            json!({
                "requestId": exchange::RequestId::fresh().to_string(),
                "purposeCode": purpose,
                "officerId": inspector,
                "reasonText": reason,
            })
        };
        let officer = format!("Nguyễn Văn Cán Bộ {}", round * LOOKUPS / READINGS);
        let inspection = context("INSPECTION");
        let mut calls = vec![
            (
                &self.auditor,
                SEARCH,
                json!({"context": inspection, "subject": {"personalId": id}}),
            ),
            (
                &self.auditor,
                SEARCH,
                json!({"context": context("INSPECTION"), "officerId": officer}),
            ),
            (
                &self.portal,
                LIST,
                json!({"context": context("SELF_ACCESS"), "subject": {"personalId": id}}),
            ),
            (
                &self.portal,
                LIST,
                json!({"context": context("SELF_ACCESS"), "subject": {"personalId": unasked}}),
            ),
        ];
        if round.is_multiple_of(5) {
            let erased = json!({"context": context("INSPECTION"), "subject": {"personalId": id}});
            calls.push((&self.auditor, ERASE, erased));
        }
        for (rest, path, body) in calls {
            // The cores are busy with the lookups, and what they recorded is filed first.
            let wait = [("prefer", "wait=15")];
            let answer = rest.post(path, body.to_string(), &wait).await.unwrap();
            assert_eq!(answer.status, 200, "{path} {answer:?}");
        }
        Words(BTreeSet::from([id, unasked, inspector, reason, officer]))
    }
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_lookups_leave_nothing_about_a_person_anywhere() {
    let receiver = Receiver::default();
    let endpoint = receiver.start().await;
    let sandbox = Sandbox::start_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.2"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ]);
    let rest = Rest::new(&sandbox, "commune");
    let next = Arc::new(AtomicU32::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (rest, next) = (rest.clone(), Arc::clone(&next));
        callers.spawn(async move {
            let mut words = Words::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= LOOKUPS {
                    return words;
                }
                words.0.extend(ask(&rest, number).await.0);
            }
        });
    }
    let readers = Readers {
        auditor: Rest::new(&sandbox, "auditor"),
        portal: Rest::new(&sandbox, "portal"),
    };
    let mut words = Words::default();
    for round in 0..READINGS {
        words.0.extend(readers.look(round).await.0);
    }
    while let Some(found) = callers.join_next().await {
        words.0.extend(found.unwrap().0);
    }
    assert!(words.0.len() as u32 > 3 * LOOKUPS, "{}", words.0.len());
    let operations = Rest::plain(sandbox.text("/operations"));
    let metrics = operations.get("/metrics").await.unwrap().text;
    assert!(metrics.contains("gateway_answers_total"));
    receiver.wait_for("record", LOOKUPS as usize / 10).await;
    let log = sandbox.path("/log/dir");
    let stopped = sandbox.interrupt();

    let mut places = vec![
        ("the metrics".to_owned(), metrics.into_bytes()),
        (
            "the spans".to_owned(),
            format!("{:?}", receiver.spans()).into_bytes(),
        ),
        (
            "the log of the program".to_owned(),
            stopped.logged().into_bytes(),
        ),
    ];
    for file in files(&log) {
        let bytes = std::fs::read(&file).unwrap();
        places.push((file.display().to_string(), bytes));
    }
    let has = |part: &str| places.iter().any(|(name, _)| name.contains(part));
    for part in [
        "/wal/",
        "/tile/entries/",
        "/tile/0/",
        "index.db",
        "keyring.db",
    ] {
        assert!(has(part), "no {part} was looked at");
    }
    let forms = words.forms();
    let search = AhoCorasick::new(&forms).unwrap();
    let mut bytes = 0;
    for (name, text) in &places {
        bytes += text.len();
        let mut found = search.find_overlapping_iter(text);
        if let Some(found) = found.find(|it| !is_within_a_number(text, it.start()..it.end())) {
            let word = String::from_utf8_lossy(&forms[found.pattern().as_usize()]).into_owned();
            panic!("{name} holds {word:?} at byte {}", found.start());
        }
        // How much of a disk is free may have twelve digits too.
        let is_metric = name == "the metrics";
        let digits = (!is_metric).then(|| twelve_digits(text)).flatten();
        assert_eq!(digits, None, "{name} holds twelve digits");
    }
    println!(
        "{LOOKUPS} lookups, {} words in {} forms, {} places, {bytes} bytes",
        words.0.len(),
        forms.len(),
        places.len()
    );
}

#[test]
fn a_word_is_found_in_every_form() {
    let mut words = Words::default();
    words.0.insert("Nguyễn Thị Hoa".to_owned());
    let search = AhoCorasick::new(words.forms()).unwrap();
    for before in 0..4 {
        let text = format!("{}Nguyễn Thị Hoa, 30", "x".repeat(before));
        assert!(search.is_match(&text));
        assert!(search.is_match(&percent(text.as_bytes())));
        for alphabet in [base64_simd::STANDARD, base64_simd::URL_SAFE] {
            assert!(
                search.is_match(&alphabet.encode_to_string(&text)),
                "{before}"
            );
        }
    }
    assert!(is_within_a_number(b"1795961496303", 4..13));
    assert!(!is_within_a_number(b"no 961496303.", 3..12));
    assert!(!is_within_a_number(b"17999099000001", 2..14));
    assert_eq!(twelve_digits(b"a 999099000001, b"), Some(2));
    assert_eq!(twelve_digits(b"a-999099000001 1771234567890"), None);
}
