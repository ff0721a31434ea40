//! What the agency may send, for tests that send anything.

use adapter::Response;
use http::HeaderMap;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::hear::{Heard, hear};
use super::translate;

/// Hears the bytes as an answer, as XML and as JSON, and translates what is in it.
pub(super) fn read(bytes: &[u8]) {
    for kind in ["text/xml", "application/json"] {
        let response = Response {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]),
            body: bytes.to_vec().into(),
        };
        if let Ok(Heard::Citizens(collection)) = hear(&response) {
            translate::as_of(&collection.as_of);
            collection.first.map(|it| translate::record(*it));
        }
    }
}
