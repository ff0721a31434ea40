//! The fan-out: every source at once, each cut off at its own time, all cancelled together.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use adapter::guard::{Guarded, PANICKED};
use adapter::{Answer, Miss, boxed};
use admission::{Limited, Permit};
use evidence::{Open, SourceOutcome};
use exchange::{CitizenId, Closed, Fault, FieldSet, Flag, Request, Source, SourceState};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::once::{By, Mode, Tag};
use crate::part::Part;
use crate::subject::Subject;
use crate::{Call, Gate, factor, relatives, trace};

/// Kept back from the caller's time for the record: 20 ms beyond a commit of at most 10 ms. See
/// decision 0056.
pub(crate) const RESERVE: Duration = Duration::from_millis(30);

/// What became of the question at one source.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) source: Source,
    pub(crate) result: Result<Answer, Miss>,
    pub(crate) took: Duration,
    /// Whose call it was.
    pub(crate) by: By,
}

/// What the sources said.
#[derive(Debug)]
pub(crate) struct Answers {
    /// One part per granted source, or the fault that kept them all from being asked.
    pub(crate) parts: Result<Vec<Part>, Fault>,
    /// What the record says of the source that was asked who is behind the number.
    pub(crate) resolver: Option<SourceOutcome>,
    /// The person whom the number in the question turned out to be of, if it was not theirs in force.
    pub(crate) person: Option<CitizenId>,
}

/// What all questions of one exchange have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) open: &'a Open,
    pub(crate) call: &'a Call,
    pub(crate) request: &'a Arc<Request>,
    pub(crate) permit: &'a Permit,
    pub(crate) mode: Mode,
    /// Stands for all of these, for who asks the same; none if nobody can be found who does.
    pub(crate) tag: Option<Tag>,
}

impl Asking<'_> {
    /// Asks every source of the permit, and waits for all within the caller's time.
    pub(crate) async fn all(self) -> Answers {
        let subject = match self.subject().await {
            Ok(subject) => subject,
            Err(none) => return none,
        };
        let sources = self.permit.granted().sources();
        let parts: Vec<Part> = match sources.only() {
            Some(source) => vec![self.one(source, &subject).await],
            None => {
                let questions = sources.iter();
                let questions = questions.map(|source| boxed(|| self.one(source, &subject)));
                // Each is woken alone: an answer of one does not ask the others how they are.
                let questions: FuturesUnordered<_> = questions.collect();
                questions.collect().await
            }
        };
        Answers {
            person: person(&subject, &parts),
            parts: Ok(parts),
            resolver: subject.resolver,
        }
    }

    /// Asks one source, and notes how it ended.
    pub(crate) async fn one(self, source: Source, subject: &Subject) -> Part {
        let asked = self.asked(source, subject).await;
        Part::new(asked, self.permit, self.open)
    }

    /// The same before anything is minimised. A subject that is not known is its result.
    pub(crate) async fn asked(self, source: Source, about: &Subject) -> Asked {
        let begun = Instant::now();
        let switches = &self.gate.deps.switches;
        let subject = match (
            about.id(),
            switches.asks(source),
            self.permit.limited(source),
        ) {
            (Err(miss), ..) | (_, Err(miss), _) => Err(miss),
            (_, _, Some(limited)) => Err(spent(limited)),
            // That stands in the number: nobody need be asked.
            _ if about.closed == Some(Closed::Minor) => Err(Miss::closed(Closed::Minor).after(0)),
            (subject, ..) => subject,
        };
        let (result, by) = match (subject, self.gate.agency(self.open, source)) {
            (Err(miss), _) => (Err(miss), By::Itself),
            (_, None) => (Err(unconfigured()), By::Itself),
            (Ok(subject), Some(agency)) => {
                let span = trace::source(source);
                let question = pin!(self.question(agency, (subject, about.closed), &span));
                let (asked, by) = question.instrument(span.clone()).await;
                trace::ended(&span, state(&asked));
                (asked, by)
            }
        };
        let took = begun.elapsed();
        let miss = result.as_ref().err();
        self.observe(source, state(&result), miss, took);
        Asked {
            source,
            result,
            took,
            by,
        }
    }

    async fn question(
        self,
        guarded: &Guarded,
        (subject, closed): (CitizenId, Option<Closed>),
        span: &tracing::Span,
    ) -> (Result<Answer, Miss>, By) {
        let (source, hints) = (guarded.guard.source(), &self.request.subject.hints);
        let granted = self.permit.granted().and(&FieldSet::of(source));
        let needed = factor::needed(source, hints);
        let near = match self.permit.flags_relatives() {
            true => relatives::needed(source, self.request),
            false => FieldSet::EMPTY,
        };
        // Of who is closed no more than whether the caller knows them.
        let fields = closed.map_or_else(|| granted.or(&needed).or(&near), |_| needed);
        let key = self.key(source, fields, Some(&subject));
        let (trace, patience) = (
            trace::traceparent(span),
            guarded.guard.patience(self.latest()),
        );
        let call = || {
            let put = self.put(guarded, patience, trace.as_deref());
            put.ask(subject, fields)
        };
        let (result, by) = self
            .once(&self.gate.answers, (source, key), patience.deadline, call)
            .await;
        // What comes when the source is stopped meanwhile is not used.
        let result = result.and_then(|mut answer| {
            if by == By::Another {
                answer.attempts = 0;
            }
            self.gate.deps.switches.asks(source)?;
            if !factor::agrees(&answer.record, hints) {
                return Err(Miss::not_found().after(answer.attempts));
            }
            if !near.is_empty() && relatives::has_officer(&answer.record, self.request) {
                self.open.raise(Flag::OwnRelative);
            }
            match closed.or_else(|| self.closes(&answer, &granted)) {
                Some(why) => Err(Miss::closed(why).after(answer.attempts)),
                None => Ok(answer),
            }
        });
        (result, by)
    }

    /// When an answer of a source is too late: the record takes its time too.
    pub(crate) fn latest(self) -> Instant {
        let deadline = self.call.deadline;
        deadline.checked_sub(RESERVE).unwrap_or(deadline)
    }

    /// Counts how a question to a source ended, and says why if it gave no answer.
    pub(crate) fn observe(
        self,
        source: Source,
        state: SourceState,
        miss: Option<&Miss>,
        took: Duration,
    ) {
        let observer = &self.gate.deps.observer;
        observer.source(&self.call.caller, source, state, took);
        let Some(miss) = miss else { return };
        if miss.is_mixed_up() {
            observer.wrong_subject(source);
            tracing::error!(%source, "a source answered about another person");
        } else if miss.reason == PANICKED {
            observer.panicked(source);
            tracing::error!(%source, "AdapterPanicked: the adapter of a source has a defect");
        } else if state == SourceState::Withheld {
            let why = miss.closed.unwrap_or(Closed::Sealed);
            observer.closed(&self.call.caller, &self.request.id, source, why);
        } else if state.is_failure() && self.permit.limited(source).is_none() {
            tracing::warn!(%source, state = state.name(), reason = miss.reason, detail = miss.detail, "a source gave no answer");
        }
    }
}

/// The person a question turned out to be about, by whatever source said so.
pub(crate) fn person(subject: &Subject, parts: &[Part]) -> Option<CitizenId> {
    let said = parts.iter().find_map(|part| part.person);
    said.or_else(|| subject.person())
}

/// What stands for the answer of a source that nobody has configured.
fn unconfigured() -> Miss {
    let detail = "no agency is configured for this source";
    Miss::new(SourceState::Skipped, "NOT_CONFIGURED", detail).after(0)
}

/// What stands for the answer of a source that is not asked because a quota for it is spent.
fn spent(limited: Limited) -> Miss {
    let detail = "a quota for the source is spent";
    Miss {
        retry_after: Some(limited.retry_after),
        ..Miss::new(SourceState::RateLimited, limited.reason, detail).after(0)
    }
}

const fn state(result: &Result<Answer, Miss>) -> SourceState {
    match result {
        Ok(_) => SourceState::Ok,
        Err(miss) => miss.state,
    }
}
