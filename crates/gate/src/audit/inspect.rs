//! `SearchRecords` and `EraseSubject`: what an inspectorate does with the record.

use admission::{Duty, Warrant};
use api::convert::{Erasure, Search};
use api::v1;
use evidence::{Act, Asked, Erased};
use exchange::{BatchProof, CallContext, Fault, Identifier, Opened, Opening, Query};

use super::time;
use crate::{Call, Gate, Reply, trace};
use evidence::Disclosure;

impl Gate {
    /// Finds records and opens them.
    ///
    /// # Errors
    /// The caller may not, this node keeps no index, or the search cannot be recorded.
    pub async fn search(
        &self,
        call: &Call,
        asked: &Search,
    ) -> Result<Reply<v1::SearchRecordsResponse>, Fault> {
        let (context, page) = (&asked.context, asked.page.as_ref());
        let query = Query {
            after: self
                .turn_to(call, Act::Search.name(), &asked.query, page)
                .await?,
            ..asked.query.clone()
        };
        let about = query.subject.as_ref();
        let warrant = self.entitled(call, context, about, Duty::SearchRecords);
        let warrant = warrant.await?;
        let disclosure = disclosure(call, context, &warrant);
        let found = self.deps.records.search(&disclosure, &query).await?;
        let next = self.next_page(call, Act::Search.name(), &query, found.next);
        let message = v1::SearchRecordsResponse {
            records: found.records.into_iter().map(opened).collect(),
            next_page_token: next.await?,
            index_complete_to_checkpoint: found.complete,
        };
        Ok(answer(message, &warrant))
    }

    /// Destroys what opens the records about a person, or promises to.
    ///
    /// # Errors
    /// The caller may not, this node keeps no index, or the erasure cannot be recorded or promised.
    pub async fn erase(
        &self,
        call: &Call,
        asked: &Erasure,
    ) -> Result<Reply<v1::EraseSubjectResponse>, Fault> {
        let (context, subject) = (&asked.context, &asked.subject);
        let warrant = self.entitled(call, context, Some(subject), Duty::EraseSubject);
        let warrant = warrant.await?;
        let disclosure = disclosure(call, context, &warrant);
        let erased = self.deps.records.erase(&disclosure, subject).await?;
        // Of whom it is, is not known here.
        self.verdicts.forget();
        Ok(answer(how_far(erased), &warrant))
    }

    /// Admits a call about the record. A refusal is a record too, as of a question.
    pub(super) async fn entitled(
        &self,
        call: &Call,
        context: &CallContext,
        about: Option<&Identifier>,
        duty: Duty,
    ) -> Result<Warrant, Fault> {
        self.refuse_synthetic(context, about)?;
        self.unless_stopped(call, context, Asked::Record(context, about))
            .await?;
        let admitted = trace::admission()
            .in_scope(|| self.deps.admission.admit_duty(&call.caller, context, duty));
        match admitted {
            Ok(warrant) => Ok(warrant),
            Err(refusal) => {
                let asked = Asked::Record(context, about);
                Err(self.refused(call, asked, refusal).await)
            }
        }
    }
}

/// What the record of a call says of who asked, and why.
pub(super) fn disclosure<'a>(
    call: &'a Call,
    context: &'a CallContext,
    warrant: &'a Warrant,
) -> Disclosure<'a> {
    Disclosure {
        caller: &call.caller,
        context,
        agreement: warrant.agreement(),
        policy: warrant.policy_digest(),
        deadline: call.deadline,
    }
}

/// An answer, with what it leaves of the quota.
pub(super) fn answer<T>(message: T, warrant: &Warrant) -> Reply<T> {
    Reply {
        message,
        quota: warrant.quota().clone(),
    }
}

fn how_far(erased: Erased) -> v1::EraseSubjectResponse {
    let (openings_destroyed, state) = match erased {
        Erased::Whole(records) => (records, v1::ErasureState::Done),
        Erased::Keys(records) => (records, v1::ErasureState::Cleaning),
        Erased::Promised => (0, v1::ErasureState::Noted),
    };
    v1::EraseSubjectResponse {
        openings_destroyed,
        state: state.into(),
    }
}

fn opened(record: Opened) -> v1::OpenedRecord {
    v1::OpenedRecord {
        log_origin: (*record.origin).to_owned(),
        seq: record.seq,
        log_time: Some(time(record.ts_ms)),
        leaf: record.leaf,
        openings: record.openings.into_iter().map(opening).collect(),
        entries: record.entries.into_iter().map(entry).collect(),
    }
}

fn entry(proof: BatchProof) -> v1::BatchEntry {
    v1::BatchEntry {
        entry: proof.entry.into_bytes(),
        index: proof.index,
        path: proof.path.iter().map(|hash| hash.to_vec()).collect(),
    }
}

fn opening(mut opening: Opening) -> v1::Opening {
    v1::Opening {
        field: std::mem::take(&mut opening.field),
        salt: opening.salt.to_vec(),
        value: std::mem::take(&mut opening.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erasure_says_how_far_it_is() {
        let said = |erased| {
            let said = how_far(erased);
            (said.openings_destroyed, said.state())
        };
        let state = |name| v1::ErasureState::from_str_name(name).unwrap();
        let (done, cleaning) = (Erased::Whole(3), Erased::Keys(2));
        assert_eq!(said(done), (3, state("ERASURE_STATE_DONE")));
        assert_eq!(said(cleaning), (2, state("ERASURE_STATE_CLEANING")));
        assert_eq!(said(Erased::Promised), (0, state("ERASURE_STATE_NOTED")));
    }
}
