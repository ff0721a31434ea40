//! May they: agreements, purposes, fields, quotas.
//!
//! Scope: the files of a policy say which caller may ask which fields for which purpose, and how often.
//! [`Admission::admit`] looks a question up in it and gives a [`Permit`] or a [`Refusal`];
//! [`Admission::admit_duty`] a call about the record itself, and gives a [`Warrant`]. Not here:
//! who the caller is (crate `identity`), what is asked of the agencies (crate `gate`), the codes
//! and texts of a refusal (crate `edge`).
//!
//! *Invariant:* a [`Permit`] is made nowhere else, and its granted fields lie in both the mask of
//! the request and the agreement. Nothing here asks whether the citizen exists, and no decision is
//! another one for a subject that does.

mod admission;
mod bundle;
mod catalogue;
mod check;
mod config;
mod consent;
mod duty;
mod error;
mod glass;
mod hindsight;
mod hours;
mod permit;
mod policy;
mod quota;
mod reader;
mod scrutiny;
#[cfg(test)]
mod tests;
mod warrant;
mod withheld;

pub use admission::{Admission, Reload};
pub use bundle::{Bundle, NOTE_FILE};
pub use catalogue::Grant;
pub use config::midnight as day_begins;
pub use consent::{Consent, ConsentError, Consents};
pub use duty::Duty;
pub use error::{Error, Problem, SyntaxError};
pub use hindsight::{Explained, Judged, Line, Recorded, Verdict};
pub use permit::{Permit, Refusal, resolution_mask};
pub use policy::{AgencyName, Policy, Purpose, Visibility};
pub use quota::{Ask, Granted, Leases, Limited, QuotaState, Sharing, Standing};
pub use scrutiny::{Citizens, Found, Level, Step, Suspension, SuspensionId, Suspicion, Thresholds};
pub use warrant::Warrant;
pub use withheld::Withheld;
