//! `lienthong.agency.v1`: what an agency implements to be asked natively, generated.
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

include!("../generated/lienthong.agency.v1.rs");
