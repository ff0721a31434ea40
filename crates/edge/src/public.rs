//! What anybody may read: the contract, as OpenAPI document and as descriptor set.
//!
//! Not here: the log, which comes with its tiles.

use crate::listener::plain::Page;

/// The page at a path of the public listener.
pub(crate) fn page(path: &str) -> Option<Page> {
    match path {
        "/openapi.json" => Some(Page::ok("application/json", api::OPENAPI)),
        "/descriptors.binpb" => Some(Page::ok("application/octet-stream", api::DESCRIPTORS)),
        _ => None,
    }
}
