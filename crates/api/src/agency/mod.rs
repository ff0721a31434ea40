//! What an agency implements to be asked natively.

pub mod v1;
