//! Page tokens as text.
//!
//! Not here: what is sealed in them, and whether one is the caller's (crate `evidence`).
//!
//! *Invariant:* whatever is wrong with a token, the caller is told the same of it.

use base64_simd::URL_SAFE_NO_PAD;
use exchange::{PageToken, Reason, Violation};

/// The text of a token.
#[must_use]
pub fn page_token(token: &PageToken) -> String {
    URL_SAFE_NO_PAD.encode_to_string(token.bytes())
}

/// What a caller is told of a token that leads nowhere.
#[must_use]
pub fn no_page() -> Violation {
    Violation {
        field: "page_token".to_owned(),
        description: "is none that an answer to this query has given of late".to_owned(),
        reason: Reason::PageTokenInvalid,
    }
}

/// The token of a text; none if it cannot be one.
pub(super) fn read(text: &str) -> Option<PageToken> {
    if text.len() != TEXT_LEN {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode_to_vec(text).ok()?;
    bytes.try_into().ok().map(PageToken::new)
}

/// Four letters for three bytes.
const TEXT_LEN: usize = (PageToken::LEN * 4).div_ceil(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_is_written_and_nothing_else_is() {
        let token = PageToken::new(std::array::from_fn(|at| at as u8));
        let text = page_token(&token);
        assert_eq!(text.len(), TEXT_LEN);
        assert_eq!(read(&text), Some(token));
        let (longer, padded) = (format!("{text}AAAA"), format!("{}=", &text[1..]));
        let standard = format!("{}+", &text[1..]);
        for wrong in ["", "AQ", "?", &text[1..], &longer, &padded, &standard] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
