//! What both doors do with a message: read it, take it to the gate, note what came of it.
//!
//! Not here: bytes, codes and headers.

use std::sync::Arc;

use admission::QuotaState;
use api::{convert, v1};
use exchange::{Fault, Reason, Request, RequestId};
use futures_util::stream::{self, Stream, StreamExt as _};
use gate::{Gate, Reply};
use tokio::time::timeout_at;
use v1::stream_citizen_response::Event;

use crate::account::Context;

/// The methods of the contract.
#[derive(Clone, Debug)]
pub(crate) struct Handlers {
    gate: Arc<Gate>,
}

impl Handlers {
    pub(crate) const fn new(gate: Arc<Gate>) -> Self {
        Self { gate }
    }

    pub(crate) async fn lookup(
        &self,
        context: &Context,
        message: v1::LookupCitizenRequest,
    ) -> Result<v1::LookupCitizenResponse, Fault> {
        note_id(context, message.context.as_ref());
        let request = convert::lookup(message, self.gate.year())?;
        let reply = self.gate.lookup(&context.call, &request).await;
        let answer = self.note(context, &request, reply.map(whole))?;
        context.notes().completeness = Some(answer.completeness());
        Ok(answer)
    }

    /// The events of a streamed answer. The last one may be the fault that ended it.
    pub(crate) async fn stream(
        &self,
        context: &Arc<Context>,
        message: v1::StreamCitizenRequest,
    ) -> Result<impl Stream<Item = Result<v1::StreamCitizenResponse, Fault>> + Send + use<>, Fault>
    {
        let message = message.lookup.unwrap_or_default();
        note_id(context, message.context.as_ref());
        let request = convert::lookup(message, self.gate.year()).map_err(within_lookup)?;
        let begun = self
            .gate
            .stream(context.call.clone(), request.clone())
            .await;
        let begun = begun.map(|events| (events, self.gate.quota(&context.call)));
        let events = self.note(context, &request, begun)?;
        let context = Arc::clone(context);
        Ok(stream::unfold(Some(events), move |events| {
            let context = Arc::clone(&context);
            async move {
                let mut events = events?;
                match timeout_at(context.call.deadline, events.next()).await {
                    Err(_) => Some((Err(late()), None)),
                    Ok(None) => Some((Err(cut_short()), None)),
                    Ok(Some(Err(fault))) => Some((Err(fault), None)),
                    Ok(Some(Ok(event))) => {
                        if let Some(Event::Summary(summary)) = &event.event {
                            context.notes().completeness = Some(summary.completeness());
                            return Some((Ok(event), None)); // nothing follows a summary
                        }
                        Some((Ok(event), Some(events)))
                    }
                }
            }
        }))
    }

    pub(crate) async fn resolve(
        &self,
        context: &Context,
        message: v1::ResolveIdentifierRequest,
    ) -> Result<v1::ResolveIdentifierResponse, Fault> {
        note_id(context, message.context.as_ref());
        let request = convert::resolve(message, self.gate.year())?;
        let reply = self.gate.resolve(&context.call, &request).await;
        self.note(context, &request, reply.map(whole))
    }

    pub(crate) fn list_fields(&self, context: &Context) -> v1::ListFieldsResponse {
        self.note_quota(context);
        Gate::list_fields()
    }

    pub(crate) fn list_purposes(&self, context: &Context) -> v1::ListPurposesResponse {
        self.note_quota(context);
        self.gate.list_purposes()
    }

    pub(crate) fn list_grants(&self, context: &Context) -> v1::ListGrantsResponse {
        self.note_quota(context);
        self.gate.list_grants(&context.call.caller)
    }

    pub(crate) fn get_quota(&self, context: &Context) -> v1::GetQuotaResponse {
        self.note_quota(context);
        self.gate.get_quota(&context.call.caller)
    }

    /// Notes what is known of a question once the gate has spoken, and takes the answer out.
    fn note<T>(
        &self,
        context: &Context,
        request: &Request,
        answer: Result<(T, Option<QuotaState>), Fault>,
    ) -> Result<T, Fault> {
        let mut notes = context.notes();
        notes.criticality = Some(request.criticality);
        // A purpose that nobody has checked may be anything, a person's number too.
        let unchecked = matches!(&answer, Err(fault) if before_purposes(fault.reason));
        notes.purpose = (!unchecked).then(|| request.purpose.clone());
        match answer {
            Ok((answer, quota)) => {
                notes.quota = quota;
                Ok(answer)
            }
            Err(fault) => {
                notes.quota = self.gate.quota(&context.call);
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

fn whole<T>(reply: Reply<T>) -> (T, Option<QuotaState>) {
    (reply.message, Some(reply.quota))
}

fn note_id(context: &Context, message: Option<&v1::CallContext>) {
    let id = message.and_then(|message| RequestId::parse(&message.request_id));
    context.notes().request_id = id;
}

/// The question of a stream stands one level down in its message.
fn within_lookup(mut fault: Fault) -> Fault {
    for violation in &mut fault.violations {
        violation.field.insert_str(0, "lookup.");
    }
    fault
}

/// A stream that ends without its summary must not look finished.
fn cut_short() -> Fault {
    Fault::new(Reason::Internal, "a stream ended without its summary")
}

fn late() -> Fault {
    Fault::new(Reason::DeadlineExceeded, "the stream took too long")
}
