//! Vietnamese in the bytes of before Unicode, which much stored text still has.
//!
//! A letter that is shorter there is filled up with spaces, so that every length that was promised
//! stays true and only the letters lie.

use unicode_normalization::UnicodeNormalization as _;

/// How letters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// TCVN 5712:1993, one byte per letter; capitals are a matter of the font.
    Tcvn3,
    /// VNI: the letter, and a byte for what is on it.
    Vni,
}

impl Charset {
    /// Text in which every Vietnamese letter is in these bytes; what is no text passes as it is.
    #[must_use]
    pub fn rewrite(self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            for letter in chunk.valid().chars() {
                let start = out.len();
                self.letter(letter, &mut out);
                out.resize(start + letter.len_utf8(), b' ');
            }
            out.extend_from_slice(chunk.invalid());
        }
        out
    }

    fn letter(self, letter: char, out: &mut Vec<u8>) {
        let mut utf8 = [0; 4];
        let same = letter.encode_utf8(&mut utf8).as_bytes();
        if letter.is_ascii() {
            return out.extend_from_slice(same);
        }
        match self {
            Self::Tcvn3 => match tcvn3(letter) {
                Some(byte) => out.push(byte),
                None => out.extend_from_slice(same),
            },
            Self::Vni => match vni(letter) {
                Some((base, mark)) => out.extend(base.into_iter().chain(mark)),
                None => out.extend_from_slice(same),
            },
        }
    }
}

fn tcvn3(letter: char) -> Option<u8> {
    let small = letter.to_lowercase().next()?;
    let place = TCVN3.iter().find(|(letter, _)| *letter == small);
    place.map(|(_, byte)| *byte)
}

/// The letter and its mark; `đ`, `ơ` and `ư` are letters of their own.
fn vni(letter: char) -> Option<(Option<u8>, Option<u8>)> {
    let parts: Vec<char> = std::iter::once(letter).nfd().collect();
    let base = match *parts.first()? {
        'đ' => 0xF1,
        'Đ' => 0xD1,
        'o' if parts.contains(&'\u{31b}') => 0xF4,
        'O' if parts.contains(&'\u{31b}') => 0xD4,
        'u' if parts.contains(&'\u{31b}') => 0xF6,
        'U' if parts.contains(&'\u{31b}') => 0xD6,
        plain if plain.is_ascii() => plain as u8,
        _ => return None,
    };
    let hat = parts.contains(&'\u{302}');
    let bow = parts.contains(&'\u{306}');
    let tone = parts
        .iter()
        .find_map(|part| TONES.iter().position(|tone| tone == part));
    let row = match (hat, bow) {
        (true, _) => [0xE1, 0xE0, 0xE5, 0xE3, 0xE4],
        (_, true) => [0xE9, 0xE8, 0xFA, 0xFC, 0xEB],
        _ => [0xF9, 0xF8, 0xFB, 0xF5, 0xEF],
    };
    let mark = match tone {
        Some(tone) => row.get(tone).copied(),
        None if hat => Some(0xE2),
        None if bow => Some(0xEA),
        None => None,
    };
    Some((Some(base), mark))
}

/// Acute, grave, hook above, tilde, dot below.
const TONES: [char; 5] = ['\u{301}', '\u{300}', '\u{309}', '\u{303}', '\u{323}'];

/// The letters of TCVN3.
const TCVN3: [(char, u8); 67] = [
    ('ă', 0xA8),
    ('â', 0xA9),
    ('ê', 0xAA),
    ('ô', 0xAB),
    ('ơ', 0xAC),
    ('ư', 0xAD),
    ('đ', 0xAE),
    ('à', 0xB5),
    ('ả', 0xB6),
    ('ã', 0xB7),
    ('á', 0xB8),
    ('ạ', 0xB9),
    ('ằ', 0xBB),
    ('ẳ', 0xBC),
    ('ẵ', 0xBD),
    ('ắ', 0xBE),
    ('ặ', 0xC6),
    ('ầ', 0xC7),
    ('ẩ', 0xC8),
    ('ẫ', 0xC9),
    ('ấ', 0xCA),
    ('ậ', 0xCB),
    ('è', 0xCC),
    ('ẻ', 0xCE),
    ('ẽ', 0xCF),
    ('é', 0xD0),
    ('ẹ', 0xD1),
    ('ề', 0xD2),
    ('ể', 0xD3),
    ('ễ', 0xD4),
    ('ế', 0xD5),
    ('ệ', 0xD6),
    ('ì', 0xD7),
    ('ỉ', 0xD8),
    ('ĩ', 0xDC),
    ('í', 0xDD),
    ('ị', 0xDE),
    ('ò', 0xDF),
    ('ỏ', 0xE1),
    ('õ', 0xE2),
    ('ó', 0xE3),
    ('ọ', 0xE4),
    ('ồ', 0xE5),
    ('ổ', 0xE6),
    ('ỗ', 0xE7),
    ('ố', 0xE8),
    ('ộ', 0xE9),
    ('ờ', 0xEA),
    ('ở', 0xEB),
    ('ỡ', 0xEC),
    ('ớ', 0xED),
    ('ợ', 0xEE),
    ('ù', 0xEF),
    ('ủ', 0xF1),
    ('ũ', 0xF2),
    ('ú', 0xF3),
    ('ụ', 0xF4),
    ('ừ', 0xF5),
    ('ử', 0xF6),
    ('ữ', 0xF7),
    ('ứ', 0xF8),
    ('ự', 0xF9),
    ('ỳ', 0xFA),
    ('ỷ', 0xFB),
    ('ỹ', 0xFC),
    ('ý', 0xFD),
    ('ỵ', 0xFE),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_longer_utf_8_and_as_long_as_before() {
        for charset in [Charset::Tcvn3, Charset::Vni] {
            let name = "NGUYỄN THỊ ÁNH ĐƯỢM";
            let written = charset.rewrite(name.as_bytes());
            assert_eq!(written.len(), name.len());
            assert!(std::str::from_utf8(&written).is_err());
        }
    }

    #[test]
    fn letters_are_where_the_tables_have_them() {
        assert_eq!(Charset::Tcvn3.rewrite("ễ".as_bytes()), b"\xD4  ");
        assert_eq!(Charset::Tcvn3.rewrite("Đ".as_bytes()), b"\xAE ");
        assert_eq!(Charset::Vni.rewrite("ễ".as_bytes()), b"e\xE3 ");
        assert_eq!(Charset::Vni.rewrite("ợ".as_bytes()), b"\xF4\xEF ");
        assert_eq!(Charset::Vni.rewrite(b"plain \xFF"), b"plain \xFF");
    }
}
