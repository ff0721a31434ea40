//! What adapters ask of a text.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// True for a text in NFC (UAX #15).
///
/// Nearly every text that comes is, and is found to be without a table: what stands below the
/// combining marks, and every Vietnamese letter that is one character.
#[must_use]
pub fn is_nfc(text: &str) -> bool {
    let is_composed = |c| matches!(c, '\0'..'\u{300}' | '\u{1e00}'..='\u{1eff}');
    text.is_ascii() || text.chars().all(is_composed) || unicode_normalization::is_nfc(text)
}

/// True for a short text that says of a session or its token that it is over: `phiên làm việc đã
/// hết hạn`, `token expired`, and the like, in any case and composition, with or without marks.
#[must_use]
pub fn says_session_over(text: &str) -> bool {
    if text.len() >= LONGEST_WORDS {
        return false;
    }
    let bare = text.nfd().filter(|c| !is_combining_mark(*c));
    let bare: String = bare.flat_map(char::to_lowercase).collect();
    let says = |words: &[&str]| words.iter().any(|word| bare.contains(word));
    says(&["phien", "session", "token"]) && says(&["het han", "het hieu luc", "expired"])
}

/// Longer than a service talks of sessions, in bytes.
const LONGEST_WORDS: usize = 1_000;

#[cfg(test)]
mod tests {
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

    #[test]
    fn the_end_of_a_session_is_known_by_its_words() {
        for text in [
            "phiên hết hạn",
            "Phiên làm việc đã hết hạn, vui lòng đăng nhập lại.",
            "PHIE\u{302}N ĐĂNG NHẬP HE\u{302}\u{301}T HA\u{323}N",
            "Phien lam viec da het han",
            "Token đã hết hiệu lực",
            "The session has expired",
            r#"{"code": "TOKEN_EXPIRED"}"#,
        ] {
            assert!(says_session_over(text), "{text}");
        }
        let long = format!("phiên hết hạn{}", " ".repeat(LONGEST_WORDS));
        for text in [
            "",
            "hết hạn",
            "thẻ đã hết hạn",
            "phiên",
            "hạn hết phiên",
            &long,
        ] {
            assert!(!says_session_over(text), "{text}");
        }
    }
}
