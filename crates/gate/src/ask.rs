//! The fan-out: every source at once, each cut off at its own time, all cancelled together.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use adapter::{Agency, Answer, Context, Miss, Question};
use admission::Permit;
use evidence::Open;
use exchange::{CitizenId, Fault, FieldSet, Request, Source, SourceState};
use futures_util::future::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use crate::part::Part;
use crate::{Call, Gate, factor, trace};

/// Kept back from the caller's time for the record: 20 ms beyond a commit of at most 10 ms.
pub(crate) const RESERVE: Duration = Duration::from_millis(30);

/// What became of the question at one source.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) source: Source,
    pub(crate) result: Result<Answer, Miss>,
    pub(crate) took: Duration,
}

impl Gate {
    /// Asks every source of the permit, and waits for all within the caller's time.
    pub(crate) async fn ask(
        &self,
        open: &Open,
        call: &Call,
        request: &Request,
        permit: &Permit,
    ) -> Result<Vec<Part>, Fault> {
        let subject = self.subject(open, call, request, permit).await?;
        let sources = permit.granted().sources();
        let questions = sources
            .iter()
            .map(|source| self.ask_one(open, source, subject, call, request, permit));
        // Each is woken alone: an answer of one does not ask the others how they are.
        Ok(questions.collect::<FuturesUnordered<_>>().collect().await)
    }

    /// Asks one source, and notes how it ended. An error instead of a subject is its result.
    pub(crate) async fn ask_one(
        &self,
        open: &Open,
        source: Source,
        subject: Result<CitizenId, Unknown>,
        call: &Call,
        request: &Request,
        permit: &Permit,
    ) -> Part {
        let begun = Instant::now();
        let result = match (subject, self.agency(open, source)) {
            (Err(Unknown), _) => Err(Miss::new(
                SourceState::Skipped,
                "SUBJECT_UNRESOLVED",
                "the personal id could not be found in time",
            )
            .after(0)),
            (_, None) => Err(Miss::new(
                SourceState::Skipped,
                "NOT_CONFIGURED",
                "no agency is configured for this source",
            )
            .after(0)),
            (Ok(subject), Some(agency)) => {
                let span = trace::source(source);
                let asked = self
                    .question(&**agency, subject, call, request, permit, &span)
                    .instrument(span.clone())
                    .await;
                trace::ended(&span, state(&asked));
                asked
            }
        };
        let took = begun.elapsed();
        self.observe(call, source, &result, took);
        let asked = Asked {
            source,
            result,
            took,
        };
        Part::new(asked, permit.granted(), open)
    }

    async fn question(
        &self,
        agency: &dyn Agency,
        subject: CitizenId,
        call: &Call,
        request: &Request,
        permit: &Permit,
        span: &tracing::Span,
    ) -> Result<Answer, Miss> {
        let traceparent = trace::traceparent(span);
        let context = context(agency, call, request, permit, traceparent.as_deref());
        let (source, hints) = (agency.source(), &request.subject.hints);
        let granted = permit.granted().and(&FieldSet::of(source));
        let question = Question {
            subject,
            hints,
            fields: granted.or(&factor::needed(source, hints)),
            context,
        };
        // A panic in one adapter is that source's failure only.
        let asked = AssertUnwindSafe(agency.ask(&question)).catch_unwind();
        match timeout_at(context.deadline, asked).await {
            Ok(Ok(Ok(answer))) if !factor::agrees(&answer.record, hints) => {
                Err(Miss::not_found().after(answer.attempts))
            }
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Miss::invalid("INTERNAL", "the adapter panicked")),
            Err(_) => Err(Miss::timeout("no answer in the time there was")),
        }
    }

    fn observe(&self, call: &Call, source: Source, result: &Result<Answer, Miss>, took: Duration) {
        let state = state(result);
        self.deps.observer.source(&call.caller, source, state, took);
        let Err(miss) = result else { return };
        if miss.reason == "WRONG_SUBJECT" {
            self.deps.observer.wrong_subject(source);
            tracing::error!(%source, "a source answered about another person");
        } else if state.is_failure() {
            tracing::warn!(%source, state = state.name(), reason = miss.reason, detail = miss.detail, "a source gave no answer");
        }
    }
}

/// That the personal id behind the number asked for could not be found out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unknown;

/// Why, for whom and until when this agency is asked.
pub(crate) fn context<'a>(
    agency: &dyn Agency,
    call: &'a Call,
    request: &'a Request,
    permit: &'a Permit,
    traceparent: Option<&'a str>,
) -> Context<'a> {
    let cap = Instant::now() + agency.cap();
    let left = call.deadline.checked_sub(RESERVE).unwrap_or(call.deadline);
    Context {
        caller: &call.caller,
        request,
        agreement: permit.agreement(),
        deadline: cap.min(left),
        traceparent,
    }
}

const fn state(result: &Result<Answer, Miss>) -> SourceState {
    match result {
        Ok(_) => SourceState::Ok,
        Err(miss) => miss.state,
    }
}
