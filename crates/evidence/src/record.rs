//! The digest that a record commits to.

use aws_lc_rs::digest::{SHA256, digest as hash};

/// SHA-256 of the deterministic protobuf bytes of a released message.
#[must_use]
pub fn digest(message: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hash(&SHA256, message).as_ref());
    out
}
