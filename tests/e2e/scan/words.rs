//! Words that must be nowhere, in every form they could be written in, and the search for them.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use serde_json::Value;

/// What was asked and what came back.
#[derive(Debug, Default)]
pub(super) struct Words(pub(super) BTreeSet<String>);

impl Words {
    /// Names and long numbers in an answer.
    pub(super) fn add(&mut self, value: &Value, key: &str) {
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
/// before it: every letter that is all its own. Of two syllables, the shortest name, that leaves six
/// letters: too many to stand somewhere by chance.
fn base64(bytes: &[u8], shift: usize) -> [Vec<u8>; 2] {
    let mut text = vec![0; shift];
    text.extend_from_slice(bytes);
    let own = (shift * 8).div_ceil(6)..text.len() * 8 / 6;
    [base64_simd::STANDARD_NO_PAD, base64_simd::URL_SAFE_NO_PAD]
        .map(|alphabet| alphabet.encode_to_string(&text).as_bytes()[own.clone()].to_vec())
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

/// Something that is looked through: its name and its bytes.
pub(super) type Place = (String, Vec<u8>);

/// Looks for the words, and for twelve digits in a row, in all of it; how many forms there are, and how
/// many bytes were read.
pub(super) fn look_for(words: &Words, places: &[Place]) -> (usize, usize) {
    let forms = words.forms();
    let search = AhoCorasick::new(&forms).unwrap();
    let mut bytes = 0;
    for (name, text) in places {
        bytes += text.len();
        let mut found = search.find_overlapping_iter(text);
        if let Some(found) = found.find(|it| !is_within_a_number(text, it.start()..it.end())) {
            let word = String::from_utf8_lossy(&forms[found.pattern().as_usize()]).into_owned();
            panic!("{name} holds {word:?} at byte {}", found.start());
        }
        // How much of a disk is free may have twelve digits too. And a page of PostgreSQL's journal may
        // begin within a request id, whose last twelve letters may all be digits.
        let may_have_digits = name == METRICS || name.contains("/pg_wal/");
        let digits = (!may_have_digits).then(|| twelve_digits(text)).flatten();
        assert_eq!(digits, None, "{name} holds twelve digits");
    }
    (forms.len(), bytes)
}

/// What the metrics are called among the places.
pub(super) const METRICS: &str = "the metrics";

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
    let shortest = (0..3).flat_map(|shift| base64(b"Vo Ly", shift));
    assert!(shortest.into_iter().all(|form| form.len() == 6));
    assert!(is_within_a_number(b"1795961496303", 4..13));
    assert!(!is_within_a_number(b"no 961496303.", 3..12));
    assert!(!is_within_a_number(b"17999099000001", 2..14));
    assert_eq!(twelve_digits(b"a 999099000001, b"), Some(2));
    assert_eq!(twelve_digits(b"a-999099000001 1771234567890"), None);
}
