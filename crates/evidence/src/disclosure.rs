//! Looking into the record: every search, list and erasure is a record too, durable before anything
//! is handed out.

use exchange::{CallContext, Caller, Fault, Found, Identifier, Query, Reason};

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
        let found = self.records().search(query.clone(), Eyes::Inspector).await;
        let Accesses { found, .. } = found.map_err(unavailable)?;
        let (subject, count) = (query.subject.as_ref(), found.records.len() as u64);
        self.disclose(disclosure, Act::Search, subject, count)
            .await?;
        Ok(found)
    }

    /// Lists who asked about a person, as that person may see it, newest first.
    ///
    /// # Errors
    /// As [`Evidence::search`].
    pub async fn accesses(
        &self,
        disclosure: &Disclosure<'_>,
        query: &Query,
    ) -> Result<Accesses, Fault> {
        let eyes = Eyes::Person(self.now());
        let all = self.records().search(query.clone(), eyes).await;
        let all = all.map_err(unavailable)?;
        let count = all.found.records.len() as u64;
        self.disclose(disclosure, Act::AccessList, query.subject.as_ref(), count)
            .await?;
        Ok(all)
    }

    /// Destroys the keys to everything that is recorded of a person; how many records it was. The
    /// log stays as it is.
    ///
    /// # Errors
    /// As [`Evidence::search`]; keys may be destroyed then all the same.
    pub async fn erase(
        &self,
        disclosure: &Disclosure<'_>,
        subject: &Identifier,
    ) -> Result<u64, Fault> {
        let erased = self.records().erase(subject.clone()).await;
        let erased = erased.map_err(unavailable)?;
        // Whom it was about must not be recorded anew.
        self.disclose(disclosure, Act::Erase, None, erased).await?;
        Ok(erased)
    }

    async fn disclose(
        &self,
        disclosure: &Disclosure<'_>,
        act: Act,
        subject: Option<&Identifier>,
        count: u64,
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
                    n: Some(count),
                    ..Tail::of("ALLOW")
                },
            );
            (out, why.openings(salts))
        })
        .await
    }
}

/// What the caller is told; the reason is for the log.
fn unavailable(error: Error) -> Fault {
    let detail = "the index of the record cannot be read";
    Fault::new(Reason::AuditUnavailable, detail).because(error)
}
