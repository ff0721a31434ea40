//! The register's adapter against its own simulator, against a scripted register that says what
//! no simulator would, and the written wire against both.
#![cfg(feature = "sim")]

mod documents;
mod fixtures;
mod left;
mod rig;
mod scripted;
mod simulated;
mod stages;
