//! What anybody may read: the contract, as OpenAPI document and as descriptor set, and the log.
//!
//! There is nothing personal in any of it. Not here: how the files of the log are made.

use std::io::ErrorKind;

use evidence::{Item, ItemKind, Shelf};
use http::StatusCode;

use crate::listener::plain::Page;

/// The page at a path of the public listener.
pub(crate) async fn page(path: &str, log: &Shelf) -> Option<Page> {
    match path {
        "/openapi.json" => Some(Page::ok("application/json", api::OPENAPI)),
        "/descriptors.binpb" => Some(Page::ok("application/octet-stream", api::DESCRIPTORS)),
        _ => file(log.find(path)?).await,
    }
}

/// A file of the log: at most a bundle of 256 records, some 250 KB.
async fn file(item: Item) -> Option<Page> {
    match (tokio::fs::read(item.path).await, item.kind) {
        (Ok(bytes), ItemKind::Checkpoint) => Some(Page::text(StatusCode::OK, bytes)),
        (Ok(bytes), ItemKind::Fixed) => Some(Page {
            cache_control: "public, max-age=31536000, immutable",
            ..Page::ok("application/octet-stream", bytes)
        }),
        (Err(error), _) if error.kind() == ErrorKind::NotFound => None,
        (Err(error), _) => {
            tracing::error!(%error, "a file of the log cannot be read");
            let problem = "the file cannot be read\n";
            Some(Page::text(StatusCode::INTERNAL_SERVER_ERROR, problem))
        }
    }
}
