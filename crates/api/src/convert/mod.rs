//! Between the messages of the contract and the words of the house.

mod request;
mod words;

pub use request::{lookup, resolve};
pub use words::partial_date;
