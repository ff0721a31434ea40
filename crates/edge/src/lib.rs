//! The doors: three listeners, and everything between a socket and the gate.
//!
//! Scope: the accept loop and mutual TLS, what HTTP may do, gRPC and REST over the same handlers,
//! deadlines, the one mapping of faults to codes and texts, the span and the log line of a call.
//! Not here: what a certificate says (crate `identity`), who may ask what and what is asked
//! (crate `gate`).
//!
//! *Invariants:* the caller is the certificate, and a header that claims otherwise is refused; no
//! await on the network lacks a deadline; what leaves about a failure comes from its reason alone.

mod account;
mod administration;
mod body;
mod config;
mod deadline;
mod edge;
mod fault;
#[cfg(feature = "foreign")]
pub mod foreign;
mod grpc;
mod handlers;
mod headers;
mod health;
mod listener;
mod log;
mod method;
mod observer;
mod once;
mod operations;
mod overload;
mod public;
mod quota;
mod readiness;
mod rest;
mod stack;
#[cfg(test)]
mod tests;
mod trace;
mod tracker;
mod url;

pub use administration::{
    Administration, Closure, Consented, Dossier, DossierMove, DossierOrder, Effect, EndpointHealth,
    Instruction, Lift, Lifted, Moved, NoAdministration, OpenReview, Position, Registration,
    Reloaded, Reviewed, Reviews, SourceHealth, Stopped, Suspended, Switched, Undone, Withdrawal,
};
pub use config::{Config, FindUsage, Limits};
pub use edge::{Deps, Edge, Error, Recheck, Running};
pub use listener::handed::Handed;
pub use observer::{Call, Cut, Load, NoObserver, Observer, Shed, TurnedAway};
pub use overload::Pressure;
pub use readiness::{Readiness, Record};
