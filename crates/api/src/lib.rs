//! The public contract in Rust.
