//! Between the messages of the contract and the words of the house.

mod audit;
mod batch;
mod page;
mod question;
mod reader;
mod request;
mod verify;
mod words;

pub use audit::{Erasure, Listing, Search};
pub use batch::{Batch, Results};
pub use page::{no_page, page_token};
pub use question::{Malformed, Question};
pub use words::partial_date;
