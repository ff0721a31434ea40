//! What the agency may send, for tests that send anything.

use super::translate;
use super::wire::{Envelope, Found};

/// Reads the bytes as an envelope, and as what is in one; of a real answer the signature is looked at
/// in between.
pub(super) fn read(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::read(bytes) {
        envelope.digest().ok();
        if let Ok(xml) = envelope.xml() {
            book(&xml);
        }
    }
    book(bytes);
}

fn book(xml: &[u8]) {
    if let Ok(Found::One(book)) = Found::read(xml) {
        translate::record(&book);
        translate::as_of(&book);
    }
}
