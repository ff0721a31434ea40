//! Calls about the record into the words of the house.

use exchange::{AgencyCode, CallContext, Identifier, OfficerId, PageToken, Query, Reason, Subject};
use jiff::Timestamp;

use super::page;
use super::reader::Reader;
use super::{Malformed, Question};
use crate::v1;

/// A search in the record.
#[derive(Clone, Debug)]
pub struct Search {
    /// Why and for whom.
    pub context: CallContext,
    /// What for, on the first page.
    pub query: Query,
    /// Which page, if it is not the first.
    pub page: Option<PageToken>,
}

/// A citizen's question for their own accesses, as a portal puts it.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Why and for whom.
    pub context: CallContext,
    /// The citizen.
    pub subject: Identifier,
    /// Accesses then or later.
    pub from: Option<Timestamp>,
    /// Accesses before.
    pub until: Option<Timestamp>,
    /// Which page, if it is not the first.
    pub page: Option<PageToken>,
    /// How many accesses at most.
    pub limit: u32,
}

/// A call to erase what opens the records about a person.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// Why and for whom.
    pub context: CallContext,
    /// The person.
    pub subject: Identifier,
}

impl Question for v1::SearchRecordsRequest {
    type Asked = Search;

    fn context(&self) -> Option<&v1::CallContext> {
        self.context.as_ref()
    }

    fn read(&self, this_year: i16) -> Result<Search, Malformed> {
        let mut reader = Reader::new(this_year);
        let subject = self.subject.as_ref();
        let subject = subject.and_then(|subject| reader.subject(Some(subject)));
        let context = reader.context(self.context.as_ref());
        let (from, until) =
            reader.period(("start_time", self.start_time), ("end_time", self.end_time));
        let request = Some(&*self.request_id).filter(|id| !id.is_empty());
        let query = Query {
            subject: subject.as_ref().map(|it| it.identifier.clone()),
            agency: reader.agency(&self.caller_agency),
            officer: reader.word("officer_id", &self.officer_id, OfficerId::parse),
            request: request.and_then(|id| reader.id("request_id", id)),
            from,
            until,
            after: None,
            skip: 0,
            limit: reader.limit(self.page_size, MAX_RECORDS),
        };
        let page = reader.page(&self.page_token);
        if self.is_boundless() {
            let what = "is required, or another condition: a search without any finds everybody";
            reader.violation("subject", Reason::InvalidArgument, what);
        }
        if context.is_none() {
            reader.keep(subject);
        }
        reader.finish(context.map(|context| Search {
            context,
            query,
            page,
        }))
    }
}

impl v1::SearchRecordsRequest {
    /// True if no condition is given.
    const fn is_boundless(&self) -> bool {
        self.subject.is_none()
            && self.caller_agency.is_empty()
            && self.officer_id.is_empty()
            && self.request_id.is_empty()
            && self.start_time.is_none()
            && self.end_time.is_none()
    }
}

impl Question for v1::ListMyAccessesRequest {
    type Asked = Listing;

    fn context(&self) -> Option<&v1::CallContext> {
        self.context.as_ref()
    }

    fn read(&self, this_year: i16) -> Result<Listing, Malformed> {
        let mut reader = Reader::new(this_year);
        let (from, until) = reader.period(
            ("period_start", self.period_start),
            ("period_end", self.period_end),
        );
        let page = reader.page(&self.page_token);
        let limit = reader.limit(self.page_size, MAX_ACCESSES);
        let asked = reader.about(self.context.as_ref(), self.subject.as_ref());
        reader.finish(asked.map(|(context, subject)| Listing {
            context,
            subject: subject.identifier,
            from,
            until,
            page,
            limit,
        }))
    }
}

impl Question for v1::EraseSubjectRequest {
    type Asked = Erasure;

    fn context(&self) -> Option<&v1::CallContext> {
        self.context.as_ref()
    }

    fn read(&self, this_year: i16) -> Result<Erasure, Malformed> {
        let mut reader = Reader::new(this_year);
        let asked = reader.about(self.context.as_ref(), self.subject.as_ref());
        reader.finish(asked.map(|(context, Subject { identifier, .. })| Erasure {
            context,
            subject: identifier,
        }))
    }
}

impl From<Search> for Malformed {
    fn from(search: Search) -> Self {
        Self {
            violations: Vec::new(),
            purpose: Some(search.context.purpose),
            identifier: search.query.subject,
        }
    }
}

impl From<Listing> for Malformed {
    fn from(listing: Listing) -> Self {
        Erasure {
            context: listing.context,
            subject: listing.subject,
        }
        .into()
    }
}

impl From<Erasure> for Malformed {
    fn from(erasure: Erasure) -> Self {
        Self {
            violations: Vec::new(),
            purpose: Some(erasure.context.purpose),
            identifier: Some(erasure.subject),
        }
    }
}

impl Reader {
    fn period(
        &mut self,
        (start, from): (&str, Option<crate::Timestamp>),
        (end, until): (&str, Option<crate::Timestamp>),
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        let from = self.time(start, from);
        let until = self.time(end, until);
        if from.is_some_and(|from| until.is_some_and(|until| until <= from)) {
            self.violation(
                end,
                Reason::InvalidArgument,
                "does not lie behind the start",
            );
        }
        (from, until)
    }

    fn time(&mut self, field: &str, time: Option<crate::Timestamp>) -> Option<Timestamp> {
        let read = time?.to_jiff();
        if read.is_none() {
            self.violation(field, Reason::InvalidArgument, "is out of range");
        }
        read
    }

    fn agency(&mut self, code: &str) -> Option<AgencyCode> {
        if code.is_empty() {
            return None;
        }
        let agency = AgencyCode::parse(code);
        if agency.is_none() {
            self.violation(
                "caller_agency",
                Reason::InvalidArgument,
                "is no agency code",
            );
        }
        agency
    }

    pub(super) fn page(&mut self, token: &str) -> Option<PageToken> {
        if token.is_empty() {
            return None;
        }
        let page = page::read(token);
        if page.is_none() {
            self.add(page::no_page());
        }
        page
    }

    pub(super) fn limit(&mut self, size: i32, max: u32) -> u32 {
        match u32::try_from(size) {
            Ok(0) => PAGE,
            Ok(size) => size.min(max),
            Err(_) => {
                self.violation("page_size", Reason::InvalidArgument, "must not be negative");
                PAGE
            }
        }
    }
}

/// How many a page has if nothing is said.
const PAGE: u32 = 50;
/// A record takes about 2 KiB with what opens it.
const MAX_RECORDS: u32 = 200;
/// Each has a proof of about 4 KiB: half of what an answer may have.
const MAX_ACCESSES: u32 = 50;
