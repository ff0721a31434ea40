//! From one page of a search or a list to the next.
//!
//! Not here: how a token is sealed (crate `evidence`).
//!
//! *Invariant:* a token that leads nowhere is refused before anything else is looked at, and whatever is
//! wrong with it in the same words.

use api::convert;
use evidence::Page;
use exchange::{Fault, PageToken, Position, Query};

use crate::{Call, Gate};

impl Gate {
    /// The record behind which a page begins; none if it is the first.
    pub(crate) async fn turn_to(
        &self,
        call: &Call,
        list: &str,
        query: &Query,
        page: Option<&PageToken>,
    ) -> Result<Option<Position>, Fault> {
        let Some(token) = page else {
            return Ok(None);
        };
        let page = of(call, list, query);
        match self.deps.evidence.turn_to(&page, token).await? {
            Some(after) => Ok(Some(after)),
            None => Err(Fault::invalid(vec![convert::no_page()])),
        }
    }

    /// What asks for the page behind a record, as text; empty behind the last.
    pub(crate) async fn next_page(
        &self,
        call: &Call,
        list: &str,
        query: &Query,
        next: Option<Position>,
    ) -> Result<String, Fault> {
        let Some(next) = next else {
            return Ok(String::new());
        };
        let page = of(call, list, query);
        let token = self.deps.evidence.page_token(&page, next).await?;
        Ok(convert::page_token(&token))
    }
}

const fn of<'a>(call: &'a Call, list: &'a str, query: &'a Query) -> Page<'a> {
    Page {
        caller: &call.caller,
        list,
        query,
    }
}
