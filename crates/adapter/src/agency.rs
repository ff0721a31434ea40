//! The one dynamic seam of the house: an agency that can be asked.

use std::fmt;
use std::future::Future;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::time::Duration;

use api::Record;
use exchange::{
    Caller, CitizenId, FieldSet, Identifier, IdentifierKind, MatchHints, Request, Source,
};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::Miss;
use crate::dossier::{Dossier, Enquiry, Seen};

/// A boxed future, as a trait object needs it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes a future on the heap, where `Box::pin` makes it on the stack and then moves all of it: the
/// future of a call is some kilobytes large, and little of that is set at first.
pub fn boxed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    // The place is there before the future is: nothing can fail between, which is what forces a move.
    let place: Box<MaybeUninit<F>> = Box::new_uninit();
    Box::into_pin(Box::write(place, make()))
}

/// An agency that can be asked, in its own protocol.
///
/// An adapter asks for the fields of the question and no other, checks that the answer is about
/// the subject, and translates it. It never decides what may be asked.
pub trait Agency: Send + Sync + fmt::Debug {
    /// The source it stands for.
    fn source(&self) -> Source;

    /// The longest a call may take, whatever time the caller gave.
    fn cap(&self) -> Duration;

    /// The fields it can answer.
    fn serves(&self) -> FieldSet {
        FieldSet::of(self.source())
    }

    /// The kinds of number behind which it can find a person.
    fn resolves(&self) -> &'static [IdentifierKind] {
        &[]
    }

    /// Asks about one person.
    fn ask<'a>(&'a self, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>>;

    /// Finds the person behind a number of one of the kinds in [`Agency::resolves`]; of no other.
    fn resolve<'a>(
        &'a self,
        _identifier: &'a Identifier,
        _context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Resolution, Miss>> {
        Box::pin(std::future::ready(Err(Miss::not_served())))
    }

    /// The name of the address that has what the same question has left under way.
    fn left_at(&self, _question: &Question<'_>) -> Option<String> {
        None
    }

    /// Asks how far a dossier is that a question has left under way. Nothing of a person is asked for.
    fn look<'a>(
        &'a self,
        _dossier: &'a Dossier,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<Seen, Miss>> {
        Box::pin(std::future::ready(Err(Miss::not_served())))
    }

    /// Sends again, under the same request id, what became a dossier. What is answered is not read: nobody
    /// asks for it.
    fn resend<'a>(
        &'a self,
        _enquiry: &'a Enquiry,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<Seen, Miss>> {
        Box::pin(std::future::ready(Err(Miss::not_served())))
    }
}

/// Why, for whom and until when an agency is asked.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The caller on whose behalf is asked.
    pub caller: &'a Caller,
    /// Its request: id, purpose, procedure, dossier, officer.
    pub request: &'a Request,
    /// The agreement the question rests on.
    pub agreement: &'a str,
    /// When the answer is too late. Never later than the caller's own deadline.
    pub deadline: Instant,
    /// The W3C `traceparent` of the call, for agencies that take one.
    pub traceparent: Option<&'a str>,
}

/// One question to one agency.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// About whom.
    pub subject: CitizenId,
    /// What the caller knows of the person.
    pub hints: &'a MatchHints,
    /// What is asked: fields of this source that may be released, and what a second factor is
    /// compared with.
    pub fields: FieldSet,
    /// Why, for whom and until when.
    pub context: Context<'a>,
}

/// What an agency said about the person asked for.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its record, holding at most the fields asked for.
    pub record: Record,
    /// The time for which it vouches.
    pub as_of: Option<Timestamp>,
    /// The id under which it knows the call.
    pub upstream_request_id: Option<String>,
    /// The number in force, if the one asked for is superseded; the record carries it.
    pub in_force: Option<CitizenId>,
    /// Of an adopted child, the fields asked for that would show whose child they were born.
    pub adoption: FieldSet,
    /// How many calls it took; renewing a session is none.
    pub attempts: u32,
}

/// Who is behind a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// One person, with this number in force.
    Current(CitizenId),
    /// The number is superseded; this one is in force.
    Superseded(CitizenId),
    /// The number is cancelled, and none took its place.
    Cancelled,
    /// Several people.
    Ambiguous {
        /// How many.
        candidates: u32,
    },
    /// Nobody.
    NotFound,
}
