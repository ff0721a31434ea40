//! What an agency is to the gateway: the trait that every adapter implements, the question it is
//! asked, the answer or the miss it returns, the guard before it, and what adapters share to get it: an HTTP client
//! with deadline and caps, a session renewed beside the calls that use it, a reader of XML, a look
//! at texts.
//!
//! Not here: any agency's wire; deciding what may be asked; merging answers.
//!
//! *Invariants:* every await on the network has a deadline; a miss is never "not found"; an
//! answer about another person is a miss.

mod addresses;
mod agency;
pub mod dossier;
mod endpoint;
mod flight;
pub mod guard;
mod http;
mod log_outs;
mod maintenance;
mod miss;
mod names;
mod reach;
mod session;
mod subject;
mod text;
pub mod xml;

pub use addresses::Addresses;
pub use agency::{Agency, Answer, BoxFuture, Context, Question, Resolution, boxed};
pub use endpoint::{Endpoint, EndpointError, MinTls, is_loopback};
pub use flight::Flight;
pub use http::{Client, Response, classify, logged_out};
pub use log_outs::LogOuts;
pub use maintenance::{Announced, Topic, Window};
pub use miss::{Blame, Miss, Progress};
pub use reach::{Loopback, Refused, is_refused, is_tls};
pub use session::{Heard, Login, Session};
pub use subject::{Confirmed, confirm};
pub use text::{is_nfc, says_session_over};
