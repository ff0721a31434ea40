//! The national population database (Cơ sở dữ liệu quốc gia về dân cư), Ministry of Public
//! Security.
//!
//! Spoken to in SOAP 1.1 over HTTP (namespace `http://dancuquocgia.bca`), with QCVN 109 XML
//! inside; a signature in the headers of every request, and a session that logs itself out. The
//! wire is written down in `WIRE.md`, `population.wsdl` and `congdan.xsd`.
//!
//! Quirks: whole names in capitals in `HoVaTen/Ten`; dates without day or month; addresses in the
//! units of 2004 and of 2025; the end of a session said in three ways; refusals 004 (procedure
//! not licensed) and 005 (officer lacks the right); announced maintenance; records that hang.
//! Limits: the database owns personal numbers and the old nine-digit ones, and resolves both.

mod client;
mod config;
#[cfg(feature = "foreign")]
mod foreign;
mod hear;
mod judge;
mod line;
#[cfg(feature = "sim")]
mod sim;
#[cfg(feature = "sim")]
#[cfg(test)]
mod tests;
mod translate;
mod wire;

use std::sync::Arc;

use adapter::Agency;
use exchange::Source;
use schemars::schema_for;

use crate::{Deps, Entry, Problem, Settings};

/// What the agency registers.
pub(crate) const ENTRY: Entry = Entry {
    source: Source::Population,
    connect,
    settings: || schema_for!(config::Keys),
    #[cfg(feature = "foreign")]
    read: foreign::read,
    #[cfg(feature = "sim")]
    simulator: sim::SIMULATOR,
};

#[expect(
    clippy::needless_pass_by_value,
    reason = "the type of `Entry::connect`"
)]
fn connect(settings: Settings, deps: &Deps) -> Result<Arc<dyn Agency>, Vec<Problem>> {
    Ok(Arc::new(client::Population::new(&settings, deps)?))
}
