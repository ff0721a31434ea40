//! Where records are kept so that they can be found: what the gate asks of it.
//!
//! Not here: the index itself (crate `evidence`).
//!
//! *Invariant:* whoever implements [`Records`] makes a record of every call that is answered, and
//! answers only when that record is durable.

use std::fmt;

use adapter::BoxFuture;
use evidence::{Accesses, Disclosure, Erased, Evidence};
use exchange::{Fault, Found, Identifier, Position, Query};
use jiff::Timestamp;

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
    /// How many of these are left out, the newest first.
    pub skip: u32,
    /// How many accesses at most.
    pub limit: u32,
}

impl Period<'_> {
    /// The same as a search.
    pub(super) fn query(&self) -> Query {
        Query {
            subject: Some(self.subject.clone()),
            from: self.from,
            until: self.until,
            after: self.after,
            skip: self.skip,
            limit: self.limit,
            ..Query::default()
        }
    }
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

    /// Destroys what opens the records about a person, or promises to.
    fn erase<'a>(
        &'a self,
        disclosure: &'a Disclosure<'a>,
        subject: &'a Identifier,
    ) -> BoxFuture<'a, Result<Erased, Fault>>;
}

impl Records for Evidence {
    fn search<'a>(
        &'a self,
        disclosure: &'a Disclosure<'a>,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Found, Fault>> {
        Box::pin(Self::search(self, disclosure, query))
    }

    fn accesses<'a>(
        &'a self,
        disclosure: &'a Disclosure<'a>,
        period: &'a Period<'a>,
    ) -> BoxFuture<'a, Result<Accesses, Fault>> {
        let query = period.query();
        Box::pin(async move { Self::accesses(self, disclosure, &query).await })
    }

    fn erase<'a>(
        &'a self,
        disclosure: &'a Disclosure<'a>,
        subject: &'a Identifier,
    ) -> BoxFuture<'a, Result<Erased, Fault>> {
        Box::pin(Self::erase(self, disclosure, subject))
    }
}
