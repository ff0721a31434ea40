//! Text that cannot end a line, move a cursor or turn what a reader sees around.

use std::fmt::{self, Write};

/// Passes text on with what could forge a line escaped as in JSON.
#[derive(Debug)]
pub(super) struct Escaped<W>(pub(super) W);

impl<W: Write> Write for Escaped<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly every text: a name, a number, a code. Looked at as a whole, many bytes at a time.
        if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
            return self.0.write_str(text);
        }
        let mut rest = text;
        while let Some((place, c)) = rest.char_indices().find(|(_, c)| forges(*c)) {
            let (plain, from) = rest.split_at(place);
            self.0.write_str(plain)?;
            self.escape(c)?;
            rest = from.get(c.len_utf8()..).unwrap_or_default();
        }
        self.0.write_str(rest)
    }
}

impl<W: Write> Escaped<W> {
    fn escape(&mut self, c: char) -> fmt::Result {
        match c {
            '"' => self.0.write_str("\\\""),
            '\\' => self.0.write_str("\\\\"),
            '\n' => self.0.write_str("\\n"),
            '\r' => self.0.write_str("\\r"),
            '\t' => self.0.write_str("\\t"),
            // All that forges lies below U+10000, where one escape holds a character.
            _ => write!(self.0, "\\u{:04x}", u32::from(c)),
        }
    }
}

/// The characters of ASCII that forge nothing.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

/// Quotes and backslashes, controls (C0, DEL, C1), line and paragraph separators, zero-width
/// characters and bidirectional overrides.
const fn forges(c: char) -> bool {
    matches!(
        c,
        '"' | '\\'
            | '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        Escaped(&mut out).write_str(text).unwrap();
        out
    }

    #[test]
    fn what_forges_a_line_is_escaped_and_reads_back() {
        for text in [
            "a\r\nb\t\"c\" \\d",
            "\u{1b}[31m\u{7f}\u{9b}31m",
            "\u{202e}\u{2028}\u{200b}\u{feff}\0",
            "Nguyễn Văn Bình ✓ 𝕏",
            "",
        ] {
            let out = escaped(text);
            assert!(!out.contains(|c: char| c.is_control() || c == '\u{202e}'));
            let back: String = serde_json::from_str(&format!("\"{out}\"")).unwrap();
            assert_eq!(back, text);
        }
    }

    #[test]
    fn plain_text_is_left_alone() {
        assert_eq!(escaped("Nguyễn Văn Bình"), "Nguyễn Văn Bình");
    }
}
