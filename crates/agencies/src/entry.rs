//! What an agency registers.

use std::sync::Arc;

use adapter::Agency;
use adapter::dossier::Register;
use exchange::{Clock, Source};
use schemars::Schema;

use crate::{Problem, Settings};

/// What every adapter is given.
#[derive(Clone, Debug)]
pub struct Deps {
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// What questions leave under way.
    pub dossiers: Arc<Register>,
}

impl Deps {
    /// For an agency of which nothing is kept that a question leaves under way.
    #[must_use]
    pub fn of(clock: Arc<dyn Clock>) -> Self {
        let dossiers = Arc::new(Register::new(Arc::clone(&clock)));
        Self { clock, dossiers }
    }
}

/// One agency: its source and how its adapter and its simulator are made.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The source it stands for; its name is the name of the stanza `[agency.<name>]`.
    pub source: Source,
    /// Makes the adapter from its settings, or lists everything wrong with them. Opens no
    /// connection.
    #[expect(
        clippy::type_complexity,
        reason = "spelt out once, where it is registered"
    )]
    pub connect: fn(Settings, &Deps) -> Result<Arc<dyn Agency>, Vec<Problem>>,
    /// The schema of its own keys in the stanza, beside those of every [`adapter::Endpoint`].
    pub settings: fn() -> Schema,
    /// Reads what it may send, from bytes alone: whatever they are, it ends, and tells nobody.
    #[cfg(feature = "foreign")]
    pub read: fn(&[u8]),
    /// Its simulator.
    #[cfg(feature = "sim")]
    pub simulator: crate::Simulator,
}
