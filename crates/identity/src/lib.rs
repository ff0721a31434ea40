//! Who is calling: client certificate to caller, and the development CA.
//!
//! Scope: the TLS configurations of both sides, what a verified certificate says, revocation lists,
//! and why a handshake failed. Not here: sockets, the accept loop and its limits (crate `edge`), and
//! what a caller may do (crate `admission`).
//!
//! *Invariant:* a caller is named by exactly one URI of its verified certificate, and by nothing
//! else.

mod client;
mod error;
mod files;
#[cfg(feature = "foreign")]
pub mod foreign;
pub mod pki;
mod revocation;
mod server;
mod spiffe;
#[cfg(test)]
mod tests;
mod tls;
mod verifier;
mod why;

pub use client::{ClientFiles, ClientTls, TlsVersions};
pub use error::{CrlProblem, Error};
pub use server::{Lifetimes, ServerTls, Stamps, TlsFiles};
pub use spiffe::{CallerIdentity, SpiffeId, TrustDomain, Violation};
pub use tls::{ALPN_H2, ALPN_HTTP11};
pub use why::{Why, why};
