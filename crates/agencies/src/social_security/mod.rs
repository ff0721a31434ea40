//! Social security (VSS) and social assistance: a read-only view over the PostgreSQL wire.
//!
//! One statement per lookup selects the columns of the fields asked for and no other; lists come
//! as JSON that the view aggregates, so one round trip fetches a person. A session is a
//! connection; it is over when the server ends it (`57P01`), and the next one asks again.
//!
//! Quirks: birth dates may lack day or month; the store is keyed by the number in force and keeps
//! the numbers it replaced in `previous_ids`; insurance codes from before August 2025 are resolved
//! by a view of their own; the wire has no place for a `traceparent`.
//!
//! Limits: 1 MiB and 1,000 rows an answer; `statement_timeout` on the server, and a cancel request when the
//! deadline passes or the caller leaves. The wire is written down in `WIRE.md` and `view.sql`.

mod client;
mod config;
mod failure;
#[cfg(feature = "foreign")]
mod foreign;
mod link;
mod row;
#[cfg(feature = "sim")]
mod sim;
mod socket;
#[cfg(test)]
#[cfg(feature = "sim")]
mod tests;
mod translate;
mod wire;

use std::sync::Arc;

use exchange::Source;
use schemars::schema_for;

use crate::Entry;

/// What they register.
pub(crate) const ENTRY: Entry = Entry {
    source: Source::SocialSecurity,
    connect: |settings, deps| Ok(Arc::new(config::build(&settings, &deps.clock)?)),
    settings: || schema_for!(config::Own),
    #[cfg(feature = "foreign")]
    read: foreign::read,
    #[cfg(feature = "sim")]
    simulator: sim::SIMULATOR,
};
