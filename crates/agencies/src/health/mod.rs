//! The electronic health book (sổ sức khỏe điện tử) of the Ministry of Health.
//!
//! *Wire:* OAuth2 client credentials, then one POST per question with the signed envelope of
//! QĐ 1551/QĐ-BYT around XML: a query there, the tables of QĐ 130/4750 back. `WIRE.md` and
//! `openapi.yaml` say it for a stranger.
//!
//! *Quirks:* a token ends in mid-flight; both sides sign; every visit repeats who the person is,
//! and the latest counts; lists within a cell are separated by `;`; dates carry zeros for what is
//! unknown; nationality and occupation have lists of their own.
//!
//! *Limits:* 1 MiB and 5 000 rows per answer. One signature per question is most of its cost.
//!
//! *Invariant:* the HIV (XML6) and tuberculosis (XML15) tables and costs are never read, whatever
//! the ministry sends.

mod answer;
mod client;
mod config;
#[cfg(feature = "foreign")]
mod foreign;
mod keys;
#[cfg(feature = "sim")]
mod sim;
#[cfg(test)]
#[cfg(feature = "sim")]
mod tests;
mod token;
mod translate;
mod wire;

use exchange::Source;
use schemars::schema_for;

use crate::Entry;

/// The health book, registered.
pub(crate) const ENTRY: Entry = Entry {
    source: Source::Health,
    connect: client::connect,
    settings: || schema_for!(config::Own),
    #[cfg(feature = "foreign")]
    read: foreign::read,
    #[cfg(feature = "sim")]
    simulator: sim::SIMULATOR,
};
