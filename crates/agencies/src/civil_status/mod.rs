//! The civil-status register (hộ tịch), Ministry of Justice: births, deaths, marriages,
//! recognised parentage.
//!
//! Protocol: JSON over HTTPS, a bearer token from a login. An enquiry registers a dossier, whose
//! result comes at once or is polled for. `WIRE.md` and `openapi.yaml` say it for a stranger.
//!
//! Quirks: refusals are numbers inside a 200; only one of them, 201, says that there is no such
//! person, and even that means a lost dossier when it answers a poll; dossiers hang; legacy books
//! have partial dates and parents without numbers. Limits: 1 MiB per answer, one renewal of the
//! session per call, polls from 20 ms apart.
//!
//! Not here: deciding what may be asked; merging answers.

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

use crate::{Entry, Problem};

pub(crate) const ENTRY: Entry = Entry {
    source: Source::CivilStatus,
    connect: |settings, deps| {
        let config = config::Config::read(&settings)?;
        let client = adapter::Client::new(&settings.endpoint, &deps.clock)
            .map_err(|error| vec![Problem::new("endpoint", error)])?;
        let cap = settings.endpoint.cap();
        let dossiers = &deps.dossiers;
        Ok(Arc::new(client::CivilStatus::new(
            client, config, cap, dossiers,
        )))
    },
    settings: || schema_for!(config::Keys),
    #[cfg(feature = "foreign")]
    read: foreign::read,
    #[cfg(feature = "sim")]
    simulator: sim::SIMULATOR,
};
