//! Vietnamese personal names: normalising them and deciding when two are the same.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::words::forges;

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameViolation {
    /// Nothing, or only spaces.
    #[error("must not be empty")]
    Empty,
    /// More than 100 characters.
    #[error("is longer than 100 characters")]
    TooLong,
    /// A control, bidirectional-override or zero-width character.
    #[error("holds a character that is not allowed")]
    Character,
}

/// Brings a name to NFC with single spaces.
///
/// # Errors
/// What makes the text no name.
pub fn normalise(name: &str) -> Result<String, NameViolation> {
    if name.chars().any(forges) {
        return Err(NameViolation::Character);
    }
    let squeezed: Vec<&str> = name.split_whitespace().collect();
    let normal: String = squeezed.join(" ").nfc().collect();
    match normal.chars().count() {
        0 => Err(NameViolation::Empty),
        1..=100 => Ok(normal),
        _ => Err(NameViolation::TooLong),
    }
}

/// The form in which two names of one person are equal: NFC, upper case, spaces squeezed,
/// apostrophes unified, and the tone mark of `oa oe uy` at one place (HOÀ = HÒA).
///
/// Diacritics stay: `MAI` and `MÃI` are different people.
#[must_use]
pub fn name_key(name: &str) -> String {
    let squeezed = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let upper = squeezed.to_uppercase();
    // Decomposed, a tone is a character of its own behind its vowel and can be moved.
    let mut out: Vec<char> = Vec::with_capacity(upper.len() + 8);
    for c in upper.nfd() {
        match c {
            '\u{2019}' | '\u{2018}' | '\u{02bc}' | '`' => out.push('\''),
            _ => out.push(c),
        }
        fold_tone(&mut out);
    }
    out.into_iter().nfc().collect()
}

/// The form in which names are alike whatever their diacritics: a hint for a search, never a
/// confirmation that two names are one.
#[must_use]
pub fn name_hint(name: &str) -> String {
    let key = name_key(name);
    let letters = key.nfd().filter(|c| !is_combining_mark(*c));
    letters.map(|c| if c == 'Đ' { 'D' } else { c }).collect()
}

/// Moves a tone from the second to the first vowel of `oa`, `oe`, `uy` as soon as it is read.
fn fold_tone(out: &mut Vec<char>) {
    const TONES: [char; 5] = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];
    if let [.., first, second, tone] = out.as_mut_slice()
        && TONES.contains(tone)
        && matches!((*first, *second), ('O', 'A' | 'E') | ('U', 'Y'))
    {
        std::mem::swap(second, tone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_habits_are_one_name() {
        let same = [
            ("Nguyễn Thị Hoà", "NGUYỄN THỊ HÒA"),
            ("nguyễn  văn\u{a0}thuý", "NGUYỄN VĂN THÚY"),
            ("H’Mông", "H'MÔNG"),
            ("Đỗ Thị Ngân", "ĐỖ THỊ NGÂN"),
        ];
        for (a, b) in same {
            assert_eq!(name_key(a), name_key(b), "{a} {b}");
        }
        let decomposed: String = "Lương Đức Ơn".nfd().collect();
        assert_eq!(name_key(&decomposed), name_key("LƯƠNG ĐỨC ƠN"));
    }

    #[test]
    fn diacritics_distinguish_people() {
        assert_ne!(name_key("Mai"), name_key("Mãi"));
        assert_ne!(name_key("Dũng"), name_key("Đũng"));
    }

    #[test]
    fn a_hint_looks_past_diacritics() {
        assert_eq!(name_hint("Đỗ Thị Hoà"), name_hint("DO THI HOA"));
        assert_eq!(name_hint("Lương Đức Ơn"), "LUONG DUC ON");
        assert_ne!(name_hint("Mai"), name_hint("Mau"));
    }

    #[test]
    fn forged_text_is_no_name() {
        assert_eq!(normalise("An\u{202e}"), Err(NameViolation::Character));
        assert_eq!(normalise("  "), Err(NameViolation::Empty));
        assert_eq!(normalise("a\u{301}  b").unwrap(), "á b");
    }
}
