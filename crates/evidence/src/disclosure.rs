//! Looking into the record: every search, list and erasure is a record too, durable before anything
//! is handed out.

use std::time::Duration;

use exchange::{CallContext, Caller, Fault, Found, Identifier, PageToken, Position, Query, Reason};
use tokio::time::{Instant, timeout_at};

use crate::attempt::Why;
use crate::leaf::{self, Digest, Head, Tail};
use crate::private::{Accesses, Eyes, Page, Promise};
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

/// What came of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// So many records cannot be opened any more, and nothing of them is left in the files of the
    /// databases, as far as these can be cleaned.
    Whole(u64),
    /// So many records cannot be opened any more; the files of the databases are still being cleaned.
    Keys(u64),
    /// It is promised, and done as soon as it can be: if not by this process, by the next one.
    Promised,
}

/// A disclosure that outlives its call.
struct Asked {
    caller: Caller,
    context: CallContext,
    agreement: String,
    policy: [u8; 32],
    deadline: Instant,
}

impl Asked {
    fn of(disclosure: &Disclosure<'_>) -> Self {
        Self {
            caller: disclosure.caller.clone(),
            context: disclosure.context.clone(),
            agreement: disclosure.agreement.to_owned(),
            policy: *disclosure.policy,
            deadline: disclosure.deadline,
        }
    }

    fn disclosure(&self) -> Disclosure<'_> {
        Disclosure {
            caller: &self.caller,
            context: &self.context,
            agreement: &self.agreement,
            policy: &self.policy,
            deadline: self.deadline,
        }
    }
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

    /// The token of the page that begins behind a record.
    ///
    /// # Errors
    /// `AUDIT_UNAVAILABLE`: the key of tokens cannot be read.
    pub async fn page_token(&self, of: &Page<'_>, after: Position) -> Result<PageToken, Fault> {
        let key = self.records().page_key().await.map_err(unavailable)?;
        key.seal(of, after, self.now_ms()).map_err(unavailable)
    }

    /// The record behind which the page of a token begins; none if the token is of another page, was
    /// changed, or is too old.
    ///
    /// # Errors
    /// As [`Evidence::page_token`].
    pub async fn turn_to(
        &self,
        of: &Page<'_>,
        token: &PageToken,
    ) -> Result<Option<Position>, Fault> {
        let key = self.records().page_key().await.map_err(unavailable)?;
        Ok(key.open(of, token, self.now_ms()))
    }

    /// Destroys the keys to everything that was recorded of a person before. The log stays as it is.
    ///
    /// That it is done is recorded before, and how much it was afterwards. It is promised, durably,
    /// before anything else: neither dropping the future nor the end of the process ends what was
    /// promised.
    ///
    /// # Errors
    /// `AUDIT_UNAVAILABLE`: it cannot be recorded, or not be promised since the databases cannot be
    /// written. Then nothing is destroyed, now or later; or its end cannot be recorded.
    pub async fn erase(
        &self,
        disclosure: &Disclosure<'_>,
        subject: &Identifier,
    ) -> Result<Erased, Fault> {
        // Whom it is about must not be recorded anew.
        self.disclose(disclosure, Act::Erase, None, None).await?;
        let (records, until) = (self.records(), filed_by(disclosure));
        let promise = records.promise(subject, self.now_ms(), until).await;
        let promise = promise.map_err(unavailable)?;
        let (evidence, asked) = (self.clone(), Asked::of(disclosure));
        let erasing = tokio::spawn(async move { evidence.keep(promise, &asked).await });
        let erased = match timeout_at(until, erasing).await {
            Ok(erased) => erased.unwrap_or(Ok(None))?,
            Err(_) => None,
        };
        let Some(count) = erased else {
            return Ok(Erased::Promised);
        };
        Ok(match timeout_at(until, records.cleaned()).await {
            Ok(()) => Erased::Whole(count),
            Err(_) => Erased::Keys(count),
        })
    }

    /// Keeps a promise; how many records it was, none if that is left to the next start.
    async fn keep(&self, promise: Promise, asked: &Asked) -> Result<Option<u64>, Fault> {
        let records = self.records();
        let erased = match records.erase(promise, records.want_all()).await {
            Ok(erased) => erased,
            Err(error) => {
                self.not_erased(&error);
                return Ok(None);
            }
        };
        let disclosure = asked.disclosure();
        let done = self.disclose(&disclosure, Act::Erase, None, Some(erased));
        done.await.map(|_| Some(erased))
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
