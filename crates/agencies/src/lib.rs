//! Which agencies there are: one folder each, one line each.
//!
//! A folder holds who the agency is and its quirks (`mod.rs`), its settings (`config.rs`), its
//! spelling (`wire.rs`), the pure translation (`translate.rs`), the calls (`client.rs`), how it is
//! simulated (`sim.rs`), samples (`fixtures/`), and the wire written down for a stranger. Folders
//! know nothing of each other and may be deleted in any order. Not here: deciding what may be
//! asked; merging answers.

mod entry;
mod settings;
#[cfg(feature = "sim")]
mod stage;

pub use entry::{Deps, Entry};
pub use settings::{ENDPOINT_KEYS, Problem, Secret, Settings};
#[cfg(feature = "sim")]
pub use stage::{Simulator, Site};

/// Declares the modules, and lists what each registers.
macro_rules! agencies {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*

        /// Every agency, in the order of the contract's sources.
        pub const ALL: &[Entry] = &[$($name::ENTRY),*];
    };
}

agencies! { population, health, civil_status, tax, social_security }
