//! The development CA: what `lienthong pki` and the sandbox issue certificates with.
//!
//! Not here: a production authority. That one keeps its key in hardware and brings its own
//! processes; the gateway needs only its certificate and its revocation lists.
//!
//! An authority is a directory: `ca.pem`, `ca.key` (readable by its owner alone), `ca.crl` (always
//! present, empty at first) and `issued.csv`, the index of what it has issued and revoked.
//! *Invariant:* a certificate stands in the index before anyone receives it, so each one can be
//! revoked.

mod authority;
mod crl;
mod csr;
mod index;
mod issue;

pub use authority::Authority;
pub use index::{Entry, Profile};
pub use issue::{Credential, LOOPBACK};
