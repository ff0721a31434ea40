//! Texts, dates and codes of the register, made ours.

use adapter::is_nfc;
use api::v1;
use exchange::{PartialDate, forges};
use unicode_normalization::UnicodeNormalization as _;

/// A text in NFC, without surrounding spaces, and without characters that forge what is read.
pub(crate) fn text(raw: String) -> String {
    let plain = raw.bytes().all(|b| (0x20..0x7f).contains(&b));
    let clean = plain || (!raw.chars().any(forges) && is_nfc(&raw));
    if clean && raw.trim().len() == raw.len() {
        return raw;
    }
    let spaced = raw.chars().map(|c| if c.is_control() { ' ' } else { c });
    let kept: String = spaced.filter(|c| !forges(*c)).nfc().collect();
    kept.trim().to_owned()
}

/// A date: `dd/MM/yyyy`, `MM/yyyy` or `yyyy`, where an unknown day or month may also stand as
/// zeros or dots, or the forms that [`PartialDate::parse`] reads. None if it is no date.
pub(crate) fn date(raw: &str) -> Option<v1::PartialDate> {
    let raw = raw.trim();
    let date = if raw.contains('/') {
        with_slashes(raw)?
    } else {
        PartialDate::parse(raw)?
    };
    Some(v1::PartialDate {
        year: date.year().into(),
        month: date.month().unwrap_or(0).into(),
        day: date.day().unwrap_or(0).into(),
    })
}

fn with_slashes(raw: &str) -> Option<PartialDate> {
    let mut parts = raw.rsplit('/').map(str::trim);
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month = unless_unknown(parts.next())?;
    let day = unless_unknown(parts.next())?;
    // A day without its month says nothing.
    let day = if month == 0 { 0 } else { day };
    if parts.next().is_some() {
        return None;
    }
    PartialDate::new(year, month, day).ok()
}

/// A day or a month; 0 if it is left out, or stands as dots, dashes or crosses.
fn unless_unknown(part: Option<&str>) -> Option<i32> {
    let Some(part) = part else { return Some(0) };
    if part
        .chars()
        .all(|c| matches!(c, '.' | '-' | '_' | 'x' | 'X'))
    {
        return Some(0);
    }
    let number = part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit());
    number.then(|| part.parse().ok())?
}

/// A code of digits, with the zeros that a number lost in front; none stays none.
pub(crate) fn digits(code: &str, width: usize) -> String {
    let short = !code.is_empty() && code.len() < width;
    if short && code.bytes().all(|b| b.is_ascii_digit()) {
        format!("{code:0>width$}")
    } else {
        text(code.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn iso(raw: &str) -> Option<(i32, i32, i32)> {
        date(raw).map(|d| (d.year, d.month, d.day))
    }

    #[test]
    fn dates_of_old_books_are_read_as_far_as_they_go() {
        let cases = [
            ("02/01/1999", Some((1999, 1, 2))),
            ("2/1/1999", Some((1999, 1, 2))),
            ("01/1999", Some((1999, 1, 0))),
            ("1999", Some((1999, 0, 0))),
            ("00/00/1950", Some((1950, 0, 0))),
            ("../../1950", Some((1950, 0, 0))),
            ("15/../1950", Some((1950, 0, 0))),
            ("--/05/1950", Some((1950, 5, 0))),
            ("1999-01-02", Some((1999, 1, 2))),
            ("19990102", Some((1999, 1, 2))),
            ("31/02/1950", None),
            ("02/01/99", None),
            ("1/02/01/1999", None),
            ("không rõ", None),
            ("+2/+1/1999", None),
            ("", None),
        ];
        for (raw, expected) in cases {
            assert_eq!(iso(raw), expected, "{raw}");
        }
    }

    #[test]
    fn texts_come_out_composed_and_honest() {
        let decomposed: String = "Đỗ Thị Ngân".nfd().collect();
        assert_eq!(text(decomposed), "Đỗ Thị Ngân");
        assert_eq!(text(" a\u{202e}b\r\nc\u{feff} ".into()), "ab  c");
    }

    #[test]
    fn codes_get_their_zeros_back() {
        assert_eq!(digits("1", 2), "01");
        assert_eq!(digits("00001", 5), "00001");
        assert_eq!(digits("", 5), "");
        assert_eq!(digits("H", 5), "H");
    }

    proptest! {
        #[test]
        fn every_date_survives_the_wire(year in 1..=9999i32, month in 0..=12i32, day in 0..=28i32) {
            let day = if month == 0 { 0 } else { day };
            let ours = PartialDate::new(year, month, day).unwrap();
            prop_assert_eq!(iso(&super::super::super::wire::date(&ours)), Some((year, month, day)));
        }

        #[test]
        fn no_text_is_a_reason_to_panic(raw in "\\PC{0,20}", digits_raw in "[0-9./x-]{0,12}") {
            let _ = (date(&raw), date(&digits_raw), digits(&raw, 5));
            prop_assert!(!text(raw).chars().any(forges));
        }
    }
}
