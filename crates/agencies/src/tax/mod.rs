//! The tax department: its tax register, asked natively over gRPC with mutual TLS.
//!
//! The contract is `lienthong.agency.v1`, which the department implements itself; see `WIRE.md`.
//! Quirks: obligations are under tax secrecy and come by a call of their own, asked only when they
//! may be released; old 10-digit tax codes still name people; a session on the agency's side may
//! end, which it says as UNAUTHENTICATED, and the question is asked once again.

mod channel;
mod client;
mod config;
#[cfg(feature = "foreign")]
mod foreign;
#[cfg(feature = "sim")]
mod sim;
#[cfg(test)]
mod tests;
mod translate;
mod wire;

use std::sync::Arc;

use exchange::Source;
use schemars::schema_for;

use crate::Entry;

pub(crate) const ENTRY: Entry = Entry {
    source: Source::Tax,
    connect: |settings, deps| {
        let client = client::Client::new(&settings, deps)?;
        Ok(Arc::new(client))
    },
    settings: || schema_for!(config::Config),
    #[cfg(feature = "foreign")]
    read: foreign::read,
    #[cfg(feature = "sim")]
    simulator: sim::SIMULATOR,
};
