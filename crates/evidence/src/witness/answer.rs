//! What a witness answers: <https://c2sp.org/tlog-witness>. Not here: HTTP.

use super::Refused;

/// An answer as it is sent; nothing in it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// True if its type is [`SIZE_TYPE`].
    pub is_size: bool,
    /// Lines with cosignatures, a size, or why there is neither.
    pub body: Vec<u8>,
}

/// The content type of the size that a witness knows.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

impl From<&Result<String, Refused>> for Answer {
    fn from(result: &Result<String, Refused>) -> Self {
        let (status, body) = match result {
            Ok(lines) => (200, lines.clone()),
            Err(Refused::Stale(size)) => (409, format!("{size}\n")),
            Err(refused) => (refused.status(), format!("{refused}\n")),
        };
        Self {
            status,
            is_size: matches!(result, Err(Refused::Stale(_))),
            body: body.into_bytes(),
        }
    }
}

impl Refused {
    const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Unsigned(_) => 403,
            Self::UnknownLog => 404,
            Self::Stale(_) | Self::Fork(_) => 409,
            Self::Inconsistent => 422,
            Self::State(_) => 500,
        }
    }
}
