//! The public contract in Rust: messages, canonical proto-JSON, conversions into the words of
//! the house, and what is published of it (descriptor set, OpenAPI document, REST routes).
//!
//! Everything under `generated` follows from `proto/` by `cargo xtask proto`. Not here: serving;
//! deciding; the gRPC code or HTTP status of anything.
//!
//! *Invariant:* `Debug` of a message shows its name and nothing in it.

pub mod agency;
pub mod convert;
mod field_mask;
mod held;
mod kept;
mod mask;
mod record;
mod redact;
pub mod routes;
mod timestamp;
pub mod v1;

#[path = "generated/masks.rs"]
mod masks;
#[path = "generated/records.rs"]
mod records;
#[path = "generated/redacted.rs"]
mod redacted;

pub use field_mask::FieldMask;
pub use held::{Form, Held};
pub use kept::Kept;
pub use record::{Encoded, Record};
pub use records::form;
pub use timestamp::{NO_TIME, Timestamp};

/// The descriptor set of the whole contract, imports included, without comments.
pub const DESCRIPTORS: &[u8] = include_bytes!("generated/descriptors.binpb");

/// The OpenAPI 3.1 document of the REST door.
pub const OPENAPI: &str = include_str!("generated/openapi.json");
