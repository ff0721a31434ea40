//! What both doors do with a message: read it, take it to the gate, note what came of it.
//!
//! Not here: bytes, codes and headers.

mod audit;
mod batch;

use std::sync::Arc;

use admission::QuotaState;
use api::convert::{Malformed, Question};
use api::v1;
use exchange::{CallContext, Fault, QuotaViolation, Reason, RequestId, Violation};
use futures_util::stream::{self, Stream, StreamExt as _};
use gate::{Batches, Call, Gate, Reply};
use tokio::time::timeout_at;
use v1::stream_citizen_response::Event;

use crate::Readiness;
use crate::account::Context;
use crate::once::{Once, Running};

/// The methods of the contract.
#[derive(Clone, Debug)]
pub(crate) struct Handlers {
    gate: Arc<Gate>,
    batches: Arc<Batches>,
    readiness: Readiness,
    once: Once,
}

impl Handlers {
    pub(crate) const fn new(
        gate: Arc<Gate>,
        batches: Arc<Batches>,
        readiness: Readiness,
        once: Once,
    ) -> Self {
        Self {
            gate,
            batches,
            readiness,
            once,
        }
    }

    pub(crate) async fn lookup(
        &self,
        context: &Context,
        message: &v1::LookupCitizenRequest,
    ) -> Result<v1::LookupCitizenResponse, Fault> {
        let request = Arc::new(self.read(context, message)?);
        let running = self.begin(context, &request, "lookup", message).await?;
        let reply = self.gate.lookup(&again(context, &running), &request).await;
        let answer = self.note(context, &request, reply.map(whole))?;
        running.answered(answer.receipt.as_ref());
        context.notes().completeness = Some(answer.completeness());
        Ok(answer)
    }

    /// The events of a streamed answer. The last one may be the fault that ended it.
    pub(crate) async fn stream(
        &self,
        context: &Arc<Context>,
        message: &v1::StreamCitizenRequest,
    ) -> Result<impl Stream<Item = Result<v1::StreamCitizenResponse, Fault>> + Send + use<>, Fault>
    {
        let request = Arc::new(self.read(context, message)?);
        let running = self.begin(context, &request, "stream", message).await?;
        let begun = self
            .gate
            .stream(again(context, &running), Arc::clone(&request))
            .await;
        let begun = begun.map(|events| (events, self.gate.quota(&context.call)));
        let events = self.note(context, &request, begun).map_err(|mut fault| {
            within::<v1::StreamCitizenRequest>(&mut fault.violations);
            fault
        })?;
        let context = Arc::clone(context);
        Ok(stream::unfold(Some((events, running)), move |begun| {
            let context = Arc::clone(&context);
            async move {
                let (mut events, running) = begun?;
                match timeout_at(context.call.deadline, events.next()).await {
                    Err(_) => Some((Err(late()), None)),
                    Ok(None) => Some((Err(cut_short()), None)),
                    Ok(Some(Err(fault))) => Some((Err(fault), None)),
                    Ok(Some(Ok(event))) => {
                        if let Some(Event::Summary(summary)) = &event.event {
                            context.notes().completeness = Some(summary.completeness());
                            running.answered(summary.receipt.as_ref());
                            return Some((Ok(event), None)); // nothing follows a summary
                        }
                        Some((Ok(event), Some((events, running))))
                    }
                }
            }
        }))
    }

    pub(crate) async fn resolve(
        &self,
        context: &Context,
        message: &v1::ResolveIdentifierRequest,
    ) -> Result<v1::ResolveIdentifierResponse, Fault> {
        let request = Arc::new(self.read(context, message)?);
        let running = self.begin(context, &request, "resolve", message).await?;
        let reply = self.gate.resolve(&again(context, &running), &request).await;
        let answer = self.note(context, &request, reply.map(whole))?;
        running.answered(answer.receipt.as_ref());
        Ok(answer)
    }

    pub(crate) async fn verify(
        &self,
        context: &Context,
        message: &v1::VerifyAttributesRequest,
    ) -> Result<v1::VerifyAttributesResponse, Fault> {
        let asked = self.read(context, message)?;
        let running = self.begin(context, &asked, "verify", message).await?;
        let reply = self.gate.verify(&again(context, &running), &asked).await;
        let answer = self.note(context, &asked, reply.map(whole))?;
        running.answered(answer.receipt.as_ref());
        Ok(answer)
    }

    pub(crate) async fn list_fields(
        &self,
        context: &Context,
    ) -> Result<v1::ListFieldsResponse, Fault> {
        self.browse(context).await?;
        Ok(Gate::list_fields())
    }

    pub(crate) async fn list_purposes(
        &self,
        context: &Context,
    ) -> Result<v1::ListPurposesResponse, Fault> {
        self.browse(context).await?;
        Ok(self.gate.list_purposes())
    }

    pub(crate) async fn list_grants(
        &self,
        context: &Context,
    ) -> Result<v1::ListGrantsResponse, Fault> {
        self.browse(context).await?;
        Ok(self.gate.list_grants(&context.call.caller))
    }

    pub(crate) async fn get_quota(&self, context: &Context) -> Result<v1::GetQuotaResponse, Fault> {
        self.browse(context).await?;
        Ok(self.gate.get_quota(&context.call.caller))
    }

    /// Lets the caller into the catalogue, unless an operator has stopped it.
    async fn browse(&self, context: &Context) -> Result<(), Fault> {
        self.note_quota(context);
        self.gate.open_to(&context.call).await
    }

    /// What is wrong with a question that for other reasons cannot be asked.
    pub(crate) fn violations<Q: Question>(&self, context: &Context, message: &Q) -> Vec<Violation> {
        note_id(context, message);
        let read = message.read(self.gate.year());
        self.wrong::<Q>(read.map_or_else(|malformed| malformed, Into::into))
    }

    /// Begins a question, unless its request id stands for another or for one that runs.
    async fn begin(
        &self,
        context: &Context,
        asked: &CallContext,
        method: &'static str,
        message: &impl prost::Message,
    ) -> Result<Running, Fault> {
        self.once
            .begin(&context.call.caller, asked.id, method, message)
            .await
    }

    /// Reads a question; if it is malformed, everything that is wrong with it is told at once.
    fn read<Q: Question>(&self, context: &Context, message: &Q) -> Result<Q::Asked, Fault> {
        note_id(context, message);
        let read = message.read(self.gate.year());
        read.map_err(|malformed| Fault::invalid(self.wrong::<Q>(malformed)))
    }

    /// What is wrong with the form of a question, and with what it says.
    fn wrong<Q: Question>(&self, malformed: Malformed) -> Vec<Violation> {
        let Malformed {
            mut violations,
            purpose,
            identifier,
        } = malformed;
        violations.extend(self.gate.violations(purpose.as_ref(), identifier.as_ref()));
        within::<Q>(&mut violations);
        violations
    }

    /// Notes what is known of a question once the gate has spoken, and takes the answer out.
    fn note<T>(
        &self,
        context: &Context,
        asked: &CallContext,
        answer: Result<(T, Option<QuotaState>), Fault>,
    ) -> Result<T, Fault> {
        let mut notes = context.notes();
        notes.criticality = Some(asked.criticality);
        // A purpose that nobody has checked may be anything, a person's number too.
        let unchecked = matches!(&answer, Err(fault) if before_purposes(fault.reason));
        notes.purpose = (!unchecked).then(|| asked.purpose.clone());
        match answer {
            Ok((answer, quota)) => {
                notes.quota = quota;
                Ok(answer)
            }
            Err(fault) => {
                let spent = fault.quota.as_ref().map(spent);
                if !before_admission(fault.reason) {
                    notes.quota = spent.or_else(|| self.gate.quota(&context.call));
                }
                Err(fault)
            }
        }
    }

    fn note_quota(&self, context: &Context) {
        context.notes().quota = self.gate.quota(&context.call);
    }
}

/// True for refusals that come before the purpose is looked up in the catalogue.
const fn before_purposes(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::SyntheticId | Reason::CallerUnknown | Reason::PurposeUnknown
    )
}

/// True for refusals of malformed questions, of which nothing has been spent yet.
const fn before_admission(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::SyntheticId | Reason::PurposeUnknown | Reason::PageTokenInvalid
    )
}

/// The call of a question that runs, which says what it repeats.
fn again(context: &Context, running: &Running) -> Call {
    Call {
        repeats: running.repeats(),
        ..context.call.clone()
    }
}

fn whole<T>(reply: Reply<T>) -> (T, Option<QuotaState>) {
    (reply.message, Some(reply.quota))
}

/// The quota for which a call is refused, as the headers tell it: it may not be the caller's own.
const fn spent(quota: &QuotaViolation) -> QuotaState {
    QuotaState {
        policy: quota.policy,
        limit: quota.limit,
        remaining: 0,
        window: quota.window,
        reset_after: quota.window,
    }
}

fn note_id(context: &Context, message: &impl Question) {
    let its = message.context();
    context.notes().request_id = its.and_then(|its| RequestId::parse(&its.request_id));
}

/// Puts violations where the question stands in its message.
fn within<Q: Question>(violations: &mut [Violation]) {
    for violation in violations {
        violation.field.insert_str(0, Q::WITHIN);
    }
}

/// A stream that ends without its summary must not look finished.
fn cut_short() -> Fault {
    Fault::new(Reason::Internal, "a stream ended without its summary")
}

fn late() -> Fault {
    Fault::new(Reason::DeadlineExceeded, "the stream took too long")
}
