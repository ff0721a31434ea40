//! `ResolveIdentifier`: the personal id in force behind an old, cancelled or superseded number.

use std::sync::Arc;

use adapter::{Answer, Miss, Resolution};
use api::v1::{ResolveIdentifierResponse, ResolveOutcome};
use evidence::{Outcome, SourceOutcome};
use exchange::{CitizenId, Closed, Fault, Field, FieldSet, Reason, Request, Source, SourceState};

use crate::ask::Asking;
use crate::once::Mode;
use crate::seal::message;
use crate::subject::Subject;
use crate::switches::SOURCE_SUSPENDED;
use crate::{Call, Gate, Reply};

impl Gate {
    /// Resolves a number, and records it like a lookup of `population.personal_id`.
    ///
    /// # Errors
    /// Why there is no answer; recorded like one.
    pub async fn resolve(
        &self,
        call: &Call,
        request: &Arc<Request>,
    ) -> Result<Reply<ResolveIdentifierResponse>, Fault> {
        let permit = self.admit(call, request).await?;
        if !permit.may_resolve() {
            let detail = "the agreement does not grant population.personal_id";
            let fault = Fault::new(Reason::PurposeNotAllowed, detail);
            self.refuse_request(call, request, &permit, &fault).await?;
            return Err(fault);
        }
        let open = self.open(call, request, &permit)?;
        let asking = self.asking(&open, call, request, &permit, Mode::Number);
        let resolution = asking.resolution().await;
        let mut outcomes = vec![outcome(request, &resolution)];
        let found = resolution.as_ref().ok().and_then(person);
        let closed = found.and_then(|id| asking.closed(&id));
        let resolution = match (resolution, found) {
            (resolution, Some(id)) if !request.subject.hints.is_empty() => {
                let compared = asking.compare(id).await;
                note(&mut outcomes, &compared);
                match compared {
                    Ok(_) => resolution,
                    Err(miss) if miss.state == SourceState::NotFound => Ok(Resolution::NotFound),
                    Err(miss) => Err(miss),
                }
            }
            (other, _) => other,
        };
        let resolution = asking.unless_closed(resolution, closed, &mut outcomes);
        let open = self.still_open(open, call, request).await?;
        if let Some(outcome) = outcomes.first_mut() {
            outcome.released = released(&resolution);
        }
        self.notice(call, request, &outcomes);
        let result = resolution.map_err(|miss| fault(&miss));
        let outcome = Outcome {
            sources: &outcomes,
            failure: result.as_ref().err().map(|fault| fault.reason),
            person: result.as_ref().ok().and_then(person),
            verdict: None,
        };
        let receipt = self.deps.evidence.seal(open, &outcome).await?;
        match result {
            Ok(resolution) => Ok(Reply {
                message: ResolveIdentifierResponse {
                    receipt: Some(message(&receipt)),
                    request_id: request.id.to_string(),
                    ..response(&resolution)
                },
                quota: permit.quota().clone(),
            }),
            Err(fault) => Err(fault.with("seq", receipt.seq().to_string())),
        }
    }
}

impl Asking<'_> {
    /// Compares the second factor with what the population database holds of the person that was
    /// found: the agencies that give the other numbers out hold less, or are not told it.
    async fn compare(self, id: CitizenId) -> Result<Answer, Miss> {
        let subject = Subject::found(id, None);
        self.asked(Source::Population, &subject).await.result
    }

    /// Whoever is closed is told as nobody, and told of to those who watch over them.
    fn unless_closed(
        self,
        resolution: Result<Resolution, Miss>,
        closed: Option<Closed>,
        outcomes: &mut [SourceOutcome],
    ) -> Result<Resolution, Miss> {
        match (&resolution, closed) {
            (Ok(Resolution::Current(_) | Resolution::Superseded(_)), Some(why)) => {
                let source = self.request.subject.identifier.kind().issuer();
                let (observer, caller) = (&self.gate.deps.observer, &self.call.caller);
                observer.closed(caller, &self.request.id, source, why);
                if let Some(last) = outcomes.last_mut() {
                    last.state = SourceState::NotFound;
                }
                Ok(Resolution::NotFound)
            }
            _ => resolution,
        }
    }
}

/// Notes for the record that the population database was asked, once if it was asked twice.
fn note(outcomes: &mut Vec<SourceOutcome>, compared: &Result<Answer, Miss>) {
    let state = compared
        .as_ref()
        .map_or_else(|miss| miss.state, |_| SourceState::Ok);
    match outcomes
        .iter_mut()
        .find(|it| it.source == Source::Population)
    {
        Some(own) => own.state = state,
        None => outcomes.push(SourceOutcome {
            source: Source::Population,
            state,
            released: FieldSet::EMPTY,
            masked: FieldSet::EMPTY,
            as_of: None,
            record: None,
        }),
    }
}

fn response(resolution: &Resolution) -> ResolveIdentifierResponse {
    let (outcome, id, candidates) = match *resolution {
        Resolution::Current(id) => (ResolveOutcome::Current, Some(id), 0),
        Resolution::Superseded(id) => (ResolveOutcome::Superseded, Some(id), 0),
        Resolution::Cancelled => (ResolveOutcome::Cancelled, None, 0),
        Resolution::Ambiguous { candidates } => (ResolveOutcome::Ambiguous, None, candidates),
        Resolution::NotFound => (ResolveOutcome::NotFound, None, 0),
    };
    ResolveIdentifierResponse {
        outcome: outcome.into(),
        current_personal_id: id.map(|id| id.reveal().to_owned()).unwrap_or_default(),
        candidates,
        ..Default::default()
    }
}

/// The person a number turned out to be of.
const fn person(resolution: &Resolution) -> Option<CitizenId> {
    match *resolution {
        Resolution::Current(id) | Resolution::Superseded(id) => Some(id),
        Resolution::Ambiguous { .. } | Resolution::NotFound | Resolution::Cancelled => None,
    }
}

/// What leaves of a resolution.
fn released(resolution: &Result<Resolution, Miss>) -> FieldSet {
    match resolution {
        Ok(Resolution::Current(_) | Resolution::Superseded(_)) => {
            FieldSet::from_iter([Field::PopulationPersonalId])
        }
        Ok(Resolution::Ambiguous { .. } | Resolution::NotFound | Resolution::Cancelled)
        | Err(_) => FieldSet::EMPTY,
    }
}

/// What the record says of the source that was asked, if nothing leaves.
pub(crate) fn outcome(request: &Request, resolution: &Result<Resolution, Miss>) -> SourceOutcome {
    SourceOutcome {
        source: request.subject.identifier.kind().issuer(),
        state: state(resolution),
        released: FieldSet::EMPTY,
        masked: FieldSet::EMPTY,
        as_of: None,
        record: None,
    }
}

/// The state of the source that was asked.
pub(crate) const fn state(resolution: &Result<Resolution, Miss>) -> SourceState {
    match resolution {
        Ok(Resolution::Current(_) | Resolution::Superseded(_)) => SourceState::Ok,
        Ok(Resolution::Ambiguous { .. }) => SourceState::Ambiguous,
        Ok(Resolution::NotFound | Resolution::Cancelled) => SourceState::NotFound,
        Err(miss) => miss.state,
    }
}

fn fault(miss: &Miss) -> Fault {
    let reason = match miss.state {
        _ if miss.reason == "MAINTENANCE" => Reason::Maintenance,
        _ if miss.reason == SOURCE_SUSPENDED => Reason::SourceSuspended,
        SourceState::InvalidAnswer => Reason::SourceAnswerInvalid,
        SourceState::Ok
        | SourceState::NotFound
        | SourceState::Ambiguous
        | SourceState::Withheld
        | SourceState::Timeout
        | SourceState::Unavailable
        | SourceState::CircuitOpen
        | SourceState::RateLimited
        | SourceState::Skipped => Reason::AllSourcesUnavailable,
    };
    let wait = miss
        .retry_after
        .unwrap_or(std::time::Duration::from_secs(1));
    Fault::new(reason, "the number could not be resolved").retry_after(wait)
}
