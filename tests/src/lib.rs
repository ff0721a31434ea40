//! What the suites share: an agency with its simulator in one line, a whole gateway in another.
//!
//! Not here: what one test asserts; what every row of the fault matrix does is in [`row`].
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::print_stdout,
    reason = "the harness of tests: what cannot be set up ends the test, and what was measured is shown"
)]

pub mod bad_day;
mod bench;
mod beside;
mod cut;
pub mod forger;
pub mod frames;
mod grpc;
pub mod jobs;
mod kept;
mod leaves;
pub mod mutator;
mod node;
mod policy;
mod port;
pub mod readers;
mod receipt;
mod receiver;
mod records;
mod redis;
mod rest;
pub mod row;
mod sandbox;
mod serving;
mod unary;
pub mod vitals;
mod wire;

pub use bench::{Ask, Bench, ask_agency};
pub use beside::Beside;
pub use cut::Cuttable;
pub use grpc::{channel, channel_to};
pub use kept::Kept;
pub use leaves::leaves;
pub use node::{Node, set};
pub use policy::Agreements;
pub use port::{free_address, free_port};
pub use receipt::receipt_text;
pub use receiver::Receiver;
pub use records::{dossiers_alone, records, records_of};
pub use redis::Redis;
pub use rest::{Rest, RestAnswer, apart, everything, field_of, question};
pub use sandbox::{Ran, Sandbox, Stopped, loop_until, program, run, shell, verify};
pub use serving::Serving;
pub use unary::{Told, Unary, fault};
pub use wire::Wire;
