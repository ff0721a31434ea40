//! Looking into the record: every search, list and erasure is a record too, durable before anything
//! is handed out.

use std::time::Duration;

use exchange::{CallContext, Caller, Fault, Found, Identifier, Query, Reason};
use tokio::time::{Instant, timeout_at};

use crate::attempt::Why;
use crate::leaf::{self, Digest, Head, Tail};
use crate::private::{Accesses, Eyes};
use crate::{Error, Evidence, Receipt};

/// Who looks into the record, and why.
#[derive(Clone, Copy, Debug)]
pub struct Disclosure<'a> {
    /// Who looks.
    pub caller: &'a Caller,
    /// Why and for whom.
    pub context: &'a CallContext,
    /// The agreement that allows it.
    pub agreement: &'a str,
    /// SHA-256 of the policy that was applied.
    pub policy: &'a [u8; 32],
    /// Until when the answer is waited for.
    pub deadline: Instant,
}

/// What is done with the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Records are searched and opened.
    Search,
    /// A person sees who asked about them.
    AccessList,
    /// The keys to a person's records are destroyed.
    Erase,
}

impl Act {
    /// Its name in the leaf.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Search => "SEARCH",
            Self::AccessList => "ACCESS_LIST",
            Self::Erase => "ERASE",
        }
    }

    /// The type of the leaf.
    const fn kind(self) -> &'static str {
        match self {
            Self::Search | Self::AccessList => "DISCLOSURE",
            Self::Erase => "ADMIN",
        }
    }
}

impl Evidence {
    /// Searches the record, newest first, and opens what is found.
    ///
    /// # Errors
    /// `AUDIT_UNAVAILABLE`: the index cannot be read, or the disclosure not be recorded.
    pub async fn search(&self, disclosure: &Disclosure<'_>, query: &Query) -> Result<Found, Fault> {
        let (records, until) = (self.records(), filed_by(disclosure));
        let found = records.search(query.clone(), Eyes::Inspector, until).await;
        let Accesses { found, .. } = found.map_err(unavailable)?;
        let (subject, count) = (query.subject.as_ref(), found.records.len() as u64);
        self.disclose(disclosure, Act::Search, subject, Some(count))
            .await?;
        Ok(found)
    }

    /// Lists who asked about a person, as that person may see it, newest first.
    ///
    /// # Errors
    /// As [`Evidence::search`]; also if what was recorded cannot be searched yet: a list is whole.
    pub async fn accesses(
        &self,
        disclosure: &Disclosure<'_>,
        query: &Query,
    ) -> Result<Accesses, Fault> {
        let eyes = Eyes::Person(self.now());
        let (records, until) = (self.records(), filed_by(disclosure));
        let all = records.search(query.clone(), eyes, until).await;
        let all = all.and_then(|all| match all.found.complete {
            true => Ok(all),
            false => Err(Error::Unfiled),
        });
        let all = all.map_err(unavailable)?;
        let count = all.found.records.len() as u64;
        let subject = query.subject.as_ref();
        self.disclose(disclosure, Act::AccessList, subject, Some(count))
            .await?;
        Ok(all)
    }

    /// Destroys the keys to everything that was recorded of a person before; how many records it was.
    /// The log stays as it is.
    ///
    /// That it is done is recorded before, and how much it was afterwards. Dropping the future does
    /// not end what has begun.
    ///
    /// # Errors
    /// `AUDIT_UNAVAILABLE`: it cannot be recorded, then nothing is destroyed; or the databases cannot
    /// be written, or not before the deadline. Then it is done when they can.
    pub async fn erase(
        &self,
        disclosure: &Disclosure<'_>,
        subject: &Identifier,
    ) -> Result<u64, Fault> {
        // Whom it is about must not be recorded anew.
        self.disclose(disclosure, Act::Erase, None, None).await?;
        let (evidence, subject) = (self.clone(), subject.clone());
        let (caller, context) = (disclosure.caller.clone(), disclosure.context.clone());
        let (until_ms, deadline) = (self.now_ms(), disclosure.deadline);
        let (agreement, policy) = (disclosure.agreement.to_owned(), *disclosure.policy);
        let erasing = tokio::spawn(async move {
            let records = evidence.records();
            let erased = records.erase(&subject, records.want_all(), until_ms).await;
            let erased = erased.map_err(unavailable)?;
            let disclosure = Disclosure {
                caller: &caller,
                context: &context,
                agreement: &agreement,
                policy: &policy,
                deadline,
            };
            let done = evidence.disclose(&disclosure, Act::Erase, None, Some(erased));
            done.await.map(|_| erased)
        });
        match timeout_at(filed_by(disclosure), erasing).await {
            Ok(erased) => erased.unwrap_or_else(|_| Err(unavailable(Error::Ended))),
            Err(_) => Err(unavailable(Error::Unfiled)),
        }
    }

    async fn disclose(
        &self,
        disclosure: &Disclosure<'_>,
        act: Act,
        subject: Option<&Identifier>,
        count: Option<u64>,
    ) -> Result<Receipt, Fault> {
        let why = Why {
            context: Some(disclosure.context),
            subject,
        };
        self.single(|node, ts, salts| {
            let mut out = Vec::with_capacity(1_024);
            let head = Head {
                agr: Some(disclosure.agreement),
                pol: Some(Digest(disclosure.policy)),
                ..why.head(act.kind(), node, ts, disclosure.caller, salts)
            };
            leaf::write_head(&mut out, &head);
            leaf::write_tail(
                &mut out,
                &Tail::<()> {
                    act: Some(act.name()),
                    n: count,
                    ..Tail::of("ALLOW")
                },
            );
            (out, why.openings(salts))
        })
        .await
    }
}

/// What is left of the caller's time for the search itself, and for the record of either.
const SEARCHING: Duration = Duration::from_secs(1);

/// Until when a search or an erasure waits for what was recorded before it.
fn filed_by(disclosure: &Disclosure<'_>) -> Instant {
    let deadline = disclosure.deadline;
    deadline.checked_sub(SEARCHING).unwrap_or(deadline)
}

/// What the caller is told; the reason is for the log.
fn unavailable(error: Error) -> Fault {
    let detail = "the index of the record cannot be read";
    Fault::new(Reason::AuditUnavailable, detail).because(error)
}
