//! Where records are kept so that they can be found: what the gate asks of it.
//!
//! Not here: an index. A node without one has [`NoRecords`].
//!
//! *Invariant:* whoever implements [`Records`] makes a record of every call that is answered, and
//! answers only when that record is durable.

use std::fmt;

use adapter::BoxFuture;
use exchange::{CallContext, Caller, Fault, Found, Identifier, Position, Query, Reason};
use jiff::Timestamp;

/// Who is told what, and why: what the record of a call about the record says.
#[derive(Clone, Copy, Debug)]
pub struct Disclosure<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// Why and for whom.
    pub context: &'a CallContext,
    /// The agreement that allows it.
    pub agreement: &'a str,
    /// SHA-256 of the policy that was applied.
    pub policy: &'a [u8; 32],
}

/// Which accesses to a citizen's data are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Period<'a> {
    /// The citizen.
    pub subject: &'a Identifier,
    /// Accesses then or later.
    pub from: Option<Timestamp>,
    /// Accesses before.
    pub until: Option<Timestamp>,
    /// Accesses behind this one.
    pub after: Option<Position>,
    /// How many accesses at most.
    pub limit: u32,
}

/// The accesses to a citizen's data that the citizen may see.
#[derive(Clone, Debug, Default)]
pub struct Accesses {
    /// One page of them, newest first.
    pub found: Found,
    /// How many there are on all pages.
    pub total: u64,
    /// Since when accesses are kept; none if there are none.
    pub available_from: Option<Timestamp>,
}

/// Where records can be found and opened.
pub trait Records: Send + Sync + fmt::Debug {
    /// Finds records, newest first, and opens them.
    fn search<'a>(
        &'a self,
        disclosure: &'a Disclosure<'a>,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Found, Fault>>;

    /// The accesses to a citizen's data, newest first: none that is sealed, and none that is delayed
    /// before its day.
    fn accesses<'a>(
        &'a self,
        disclosure: &'a Disclosure<'a>,
        period: &'a Period<'a>,
    ) -> BoxFuture<'a, Result<Accesses, Fault>>;

    /// Destroys what opens the records about a person; returns how many could be opened before.
    fn erase<'a>(
        &'a self,
        disclosure: &'a Disclosure<'a>,
        subject: &'a Identifier,
    ) -> BoxFuture<'a, Result<u64, Fault>>;
}

/// A node that keeps no index of its records: nothing is searched, listed or erased on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRecords;

impl Records for NoRecords {
    fn search<'a>(
        &'a self,
        _disclosure: &'a Disclosure<'a>,
        _query: &'a Query,
    ) -> BoxFuture<'a, Result<Found, Fault>> {
        Box::pin(async { Err(no_index()) })
    }

    fn accesses<'a>(
        &'a self,
        _disclosure: &'a Disclosure<'a>,
        _period: &'a Period<'a>,
    ) -> BoxFuture<'a, Result<Accesses, Fault>> {
        Box::pin(async { Err(no_index()) })
    }

    fn erase<'a>(
        &'a self,
        _disclosure: &'a Disclosure<'a>,
        _subject: &'a Identifier,
    ) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(async { Err(no_index()) })
    }
}

/// The fault of a call that needs an index where there is none.
fn no_index() -> Fault {
    Fault::new(Reason::NotServed, "this node keeps no index of its records")
}
