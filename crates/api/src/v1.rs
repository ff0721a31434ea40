//! `lienthong.v1`: the public contract, generated.
#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::restriction,
    unused_qualifications,
    unreachable_pub,
    rustdoc::all,
    reason = "generated"
)]

include!("generated/lienthong.v1.rs");
include!("generated/lienthong.v1.serde.rs");
