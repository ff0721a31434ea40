//! `StreamCitizen`: the same road, with one message per source as it answers.
//!
//! Every part has a durable record of its own before it leaves; the summary closes the attempt.
//!
//! A task drives the sources, not the reader: one who never reads must not keep a place in the
//! queue of the record. The gate owns these tasks, and [`Gate::finish`] waits for them.

use std::sync::Arc;

use admission::Permit;
use api::v1::{self, stream_citizen_response::Event};
use evidence::{Asked, Open, Outcome};
use exchange::{CitizenId, Fault, FieldSet, Request, Source, SourceState};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument as _;

use crate::answer::Draft;
use crate::ask::{Answers, Asking, person};
use crate::once::Mode;
use crate::part::Part;
use crate::seal::message;
use crate::{Call, Gate};

/// The events of a streamed answer. Dropping it cancels the agencies.
pub type Events = ReceiverStream<Result<v1::StreamCitizenResponse, Fault>>;

/// Parts that may wait for a slow reader: one per source and the summary.
const WAITING: usize = 6;

impl Gate {
    /// Begins a streamed lookup: admission is settled when this returns.
    ///
    /// # Errors
    /// The caller may not ask, or the attempt cannot be recorded.
    pub async fn stream(
        self: &Arc<Self>,
        call: Call,
        request: Arc<Request>,
    ) -> Result<Events, Fault> {
        let permit = self.admit(&call, &request).await?;
        let (send, events) = mpsc::channel(WAITING);
        if request.dry_run {
            let summary = self.dry(&call, &request, &permit).response;
            // The channel is empty and open.
            send.try_send(Ok(event(Event::Summary(summary)))).ok();
            return Ok(ReceiverStream::new(events));
        }
        let open = self.open(&call, &request, &permit)?;
        let gate = Arc::clone(self);
        let run = async move {
            let gone = send.clone();
            // But for the last, the attempt is dropped, and recorded as abandoned.
            let stopped = tokio::select! {
                biased;
                () = gone.closed() => None,
                reason = gate.stops(&call, &request) => Some(reason),
                () = gate.run(open, &call, &request, &permit, &send) => None,
            };
            if let Some(reason) = stopped {
                let asked = Asked::Question(&request);
                let fault = gate.stopped(&call, asked, reason).await;
                send.send(Err(fault)).await.ok();
            }
        };
        self.streams.spawn(run.in_current_span());
        Ok(ReceiverStream::new(events))
    }

    /// Waits until every stream is over: recorded as answered or as abandoned. To be called when
    /// no call is left that could read one, and before the record is closed.
    pub async fn finish(&self) {
        self.streams.close();
        self.streams.wait().await;
    }

    /// Sends every part, then the summary.
    async fn run(
        &self,
        open: Open,
        call: &Call,
        request: &Arc<Request>,
        permit: &Permit,
        send: &Sender,
    ) {
        let asking = self.asking(&open, call, request, permit, Mode::Record);
        let summary = match self.parts(asking, send).await {
            Ok(answers) => self.summary(open, call, request, permit, answers).await,
            Err(fault) => Err(fault),
        };
        let last = summary.map(|summary| event(Event::Summary(summary)));
        // A caller who has left needs no summary.
        send.send(last).await.ok();
    }

    /// Asks every source, and sends each part when its record is durable. The error is that of the
    /// record.
    async fn parts(&self, asking: Asking<'_>, send: &Sender) -> Result<Answers, Fault> {
        let subject = match asking.subject().await {
            Ok(subject) => subject,
            Err(none) => return Ok(none),
        };
        let sources = asking.permit.granted().sources();
        let questions = sources.iter().map(|source| asking.one(source, &subject));
        let mut questions: FuturesUnordered<_> = questions.collect();
        let mut parts = Vec::with_capacity(Source::ALL.len());
        let mut sent = 0;
        while let Some(part) = questions.next().await {
            let knows_nobody = part.outcome.state == SourceState::NotFound;
            parts.push(part);
            // Who gave the second factor of somebody else may not learn from single sources that
            // the number names somebody: if all know nobody, the stream only ends.
            if sent > 0 || !knows_nobody {
                for part in parts.iter().skip(sent) {
                    let person = part.person.or_else(|| subject.person());
                    self.pass_on(part, person, asking.open, send).await?;
                }
                sent = parts.len();
            }
        }
        Ok(Answers {
            person: person(&subject, &parts),
            parts: Ok(parts),
            resolver: subject.resolver,
        })
    }

    /// Sends a part when its record is durable.
    async fn pass_on(
        &self,
        part: &Part,
        person: Option<CitizenId>,
        open: &Open,
        send: &Sender,
    ) -> Result<(), Fault> {
        let outcome = Outcome {
            sources: std::slice::from_ref(&part.outcome),
            person,
            ..Outcome::default()
        };
        let receipt = self.deps.evidence.seal_part(open, &outcome).await?;
        let mut view = v1::CitizenView::default();
        if let Some(record) = part.record.clone() {
            record.put_into(&mut view);
        }
        let result = v1::SourceResult {
            status: Some(part.status.clone()),
            part: Some(view),
            receipt: Some(message(&receipt)),
        };
        // A caller who has left is noticed by the select.
        send.send(Ok(event(Event::Result(result)))).await.ok();
        Ok(())
    }

    /// Closes the attempt. What was released stands in the records of the parts, so the last one
    /// repeats the states and releases nothing again.
    async fn summary(
        &self,
        open: Open,
        call: &Call,
        request: &Request,
        permit: &Permit,
        answers: Answers,
    ) -> Result<v1::LookupCitizenResponse, Fault> {
        let mut draft = Draft::new(request, permit, answers, self.deps.clock.now());
        self.notice(call, request, &draft.outcomes);
        draft.response.citizen = None;
        for outcome in &mut draft.outcomes {
            outcome.released = FieldSet::EMPTY;
            outcome.masked = FieldSet::EMPTY;
            outcome.record = None;
        }
        let receipt = self.record(open, &draft).await?;
        draft.sealed(&receipt, permit).map(|reply| reply.message)
    }
}

type Sender = mpsc::Sender<Result<v1::StreamCitizenResponse, Fault>>;

const fn event(event: Event) -> v1::StreamCitizenResponse {
    v1::StreamCitizenResponse { event: Some(event) }
}
