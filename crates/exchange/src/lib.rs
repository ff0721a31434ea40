//! The words of the exchange: what two rooms of the gateway speak of.
//!
//! Scope: ids, subjects, fields, sources, callers, requests, states and faults, each parsed once
//! into a type that cannot be wrong. Not here: I/O, async, wire formats, policy.
//!
//! *Invariant:* a type that holds something personal redacts itself in `Debug` and has no
//! `Display`; the plain text comes out only through a method named `reveal`.

mod caller;
mod citizen_id;
mod claim;
mod clock;
mod closed;
mod date;
mod fault;
mod field;
mod field_set;
mod flag;
mod identifier;
mod name;
mod reason;
mod record;
mod request;
mod source;
mod state;
mod subject;
mod switch;
mod visibility;
mod words;

pub use caller::{AgencyCode, Caller, SystemId};
pub use citizen_id::{CitizenId, IdViolation, IdWarning, Sex};
pub use claim::{
    Claim, ClaimId, Disclosure, Given, MatchMode, OtherName, Predicate, RelationKind, StatusKind,
    Verdict, Verification,
};
pub use clock::{Clock, SystemClock};
pub use closed::{Closed, ClosedSet};
pub use date::{DateViolation, PartialDate};
pub use fault::{Fault, FaultDetails, Origin, QuotaViolation, Violation};
pub use field::{FIELDS, Field, FieldInfo, Mask, Sensitivity};
pub use field_set::{FieldSet, FieldSetIter};
pub use flag::{Flag, FlagSet};
pub use identifier::{Identifier, IdentifierKind, IdentifierViolation};
pub use name::{NameViolation, name_hint, name_key, normalise};
pub use reason::{Reason, Retry};
pub use record::{BatchProof, Found, Opened, Opening, PageToken, Position, Query};
pub use request::{CallContext, Criticality, Request};
pub use source::{Source, SourceSet};
pub use state::SourceState;
pub use subject::{MatchHints, Subject};
pub use switch::Switch;
pub use visibility::Visibility;
pub use words::{
    AgreementId, ConsentId, DossierNo, OfficerId, ProcedureCode, PurposeCode, ReasonText,
    RequestId, WordViolation, forges,
};
