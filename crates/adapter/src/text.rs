//! What adapters ask of a text.

/// True for a text in NFC (UAX #15).
///
/// Nearly every text that comes is, and is found to be without a table: what stands below the
/// combining marks, and every Vietnamese letter that is one character.
#[must_use]
pub fn is_nfc(text: &str) -> bool {
    let is_composed = |c| matches!(c, '\0'..'\u{300}' | '\u{1e00}'..='\u{1eff}');
    text.is_ascii() || text.chars().all(is_composed) || unicode_normalization::is_nfc(text)
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    #[test]
    fn no_character_is_judged_otherwise_than_by_the_table() {
        for c in '\0'..=char::MAX {
            let text = c.encode_utf8(&mut [0; 4]).to_owned();
            assert_eq!(is_nfc(&text), unicode_normalization::is_nfc(&text), "{c:?}");
        }
    }

    #[test]
    fn letters_that_follow_each_other_are_judged_together() {
        let name = "Nguyễn Thị Ánh Đượm";
        assert!(is_nfc(name));
        assert!(!is_nfc(&name.nfd().collect::<String>()));
        assert!(!is_nfc("e\u{301}"));
    }
}
