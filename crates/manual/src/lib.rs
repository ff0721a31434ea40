//! The documentation. Each module is one page of markdown, so that rustdoc shows it beside the
//! code and checks what it compiles.
//!
//! Not here: what a module does, which stands in the module.

#![expect(clippy::doc_markdown, reason = "prose, read on paper too")]

/// How the house is built.
#[doc = include_str!("../architecture.md")]
pub mod architecture {}

/// For those who call the gateway.
#[doc = include_str!("../callers.md")]
pub mod callers {}

/// Every reason for which a call fails.
#[doc = include_str!("../errors.md")]
pub mod errors {}

/// For those who run the gateway.
#[doc = include_str!("../operations.md")]
pub mod operations {}

/// The record: what it holds and how it is checked.
#[doc = include_str!("../evidence.md")]
pub mod evidence {}

/// For those who run an agency, or add one.
#[doc = include_str!("../agencies.md")]
pub mod agencies {}

/// How often one may ask.
#[doc = include_str!("../quotas.md")]
pub mod quotas {}

/// Which test covers which row of the fault matrix.
#[doc = include_str!("../rows.md")]
pub mod rows {}
