//! Between the messages of the contract and the words of the house.

mod question;
mod request;
mod words;

pub use question::{Malformed, Question};
pub use words::partial_date;
