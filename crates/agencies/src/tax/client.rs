//! The calls to the tax register.

use std::pin::pin;
use std::time::Duration;

use adapter::{Agency, Answer, BoxFuture, Context, LogOuts, Miss, Question, Resolution, boxed};
use api::agency::v1::agency_service_client::AgencyServiceClient;
use api::agency::v1::{LookupRecordResponse, StreamObligationsResponse};
use api::v1::TaxObligation;
use exchange::{CitizenId, Field, Identifier, IdentifierKind, Source, SourceState};
use futures_util::{Stream, StreamExt as _};
use tokio::time::timeout_at;
use tonic::{Code, Request, Status};

use super::channel::Channel;
use super::{config, translate, wire};
use crate::{Deps, Problem, Settings};

/// The most that is read of one message: 1 MiB.
const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// The most obligations that are taken of one person: some fifty years of monthly ones.
const MAX_OBLIGATIONS: usize = 600;

/// The tax register as the gateway reaches it.
#[derive(Debug)]
pub(super) struct Client {
    service: AgencyServiceClient<Channel>,
    channel: Channel,
    cap: Duration,
    log_outs: LogOuts,
}

impl Client {
    pub(super) fn new(settings: &Settings, deps: &Deps) -> Result<Self, Vec<Problem>> {
        let config::Config {} = settings.own()?;
        let channel = Channel::new(&settings.endpoint, &deps.clock)?;
        let origin = channel.origin();
        Ok(Self {
            service: AgencyServiceClient::with_origin(channel.clone(), origin)
                .max_decoding_message_size(MAX_MESSAGE_BYTES),
            channel,
            cap: settings.endpoint.cap(),
            log_outs: LogOuts::default(),
        })
    }

    /// Asks for the record, and beside it for the obligations if they are asked for.
    async fn lookup(&self, question: &Question<'_>) -> Result<Answer, Miss> {
        let streamed = question.fields.contains(Field::TaxObligations);
        let ((response, attempts), obligations) = if streamed {
            // On the heap: a question without them would take twice the room.
            let both =
                || async { tokio::try_join!(self.record(question), self.obligations(question)) };
            boxed(both).await?
        } else {
            (self.record(question).await?, Vec::new())
        };
        let (subject, fields) = (&question.subject, &question.fields);
        let answer = translate::record(subject, fields, response, obligations);
        let answer = answer.inspect_err(|miss| {
            if miss.is_mixed_up() {
                self.channel.close();
            }
        })?;
        Ok(Answer { attempts, ..answer })
    }

    async fn record(&self, question: &Question<'_>) -> Result<(LookupRecordResponse, u32), Miss> {
        let context = &question.context;
        let call = |request: Request<_>| {
            let mut service = self.service.clone();
            async move { service.lookup_record(request).await }
        };
        ask_twice(&self.log_outs, context, || wire::lookup(question), call).await
    }

    async fn obligations(&self, question: &Question<'_>) -> Result<Vec<TaxObligation>, Miss> {
        let context = &question.context;
        let call = |request: Request<_>| {
            let mut service = self.service.clone();
            async move { service.stream_obligations(request).await }
        };
        let stream = match ask_twice(
            &self.log_outs,
            context,
            || wire::obligations(question),
            call,
        )
        .await
        {
            Ok((stream, _)) => stream,
            // Whether the person is known is the record's to say: here it means no obligations.
            Err(miss) if miss.state == SourceState::NotFound => return Ok(Vec::new()),
            Err(miss) => return Err(miss),
        };
        let gathered = gather(stream, &question.subject);
        let late = |_| Miss::timeout("obligations did not end before the deadline");
        timeout_at(context.deadline, gathered).await.map_err(late)?
    }
}

impl Agency for Client {
    fn source(&self) -> Source {
        Source::Tax
    }

    fn cap(&self) -> Duration {
        self.cap
    }

    fn resolves(&self) -> &'static [IdentifierKind] {
        &[IdentifierKind::TaxCode]
    }

    fn ask<'a>(&'a self, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        boxed(|| self.lookup(question))
    }

    fn resolve<'a>(
        &'a self,
        identifier: &'a Identifier,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Resolution, Miss>> {
        let call = |request: Request<_>| {
            let mut service = self.service.clone();
            async move { service.resolve_identifier(request).await }
        };
        Box::pin(async move {
            let request = || wire::resolve(identifier, context);
            match ask_twice(&self.log_outs, context, request, call).await {
                Ok((response, _)) => translate::resolution(identifier, &response),
                Err(miss) if miss.state == SourceState::NotFound => Ok(Resolution::NotFound),
                Err(miss) => Err(miss),
            }
        })
    }
}

/// Makes a call within the deadline, and once again if the session on the other side was over and it is
/// worth it.
/// Returns the answer and how many calls it took.
async fn ask_twice<Q, R, F>(
    log_outs: &LogOuts,
    context: &Context<'_>,
    message: impl Fn() -> Q,
    call: impl Fn(Request<Q>) -> F,
) -> Result<(R, u32), Miss>
where
    F: Future<Output = Result<tonic::Response<R>, Status>>,
{
    let ask = || async {
        let mut request = wire::traced(message(), context);
        let left = context
            .deadline
            .saturating_duration_since(tokio::time::Instant::now());
        request.set_timeout(left);
        call(request).await
    };
    let both = async {
        match ask().await {
            Err(status) if translate::is_session_over(&status) && log_outs.may_ask_again() => {
                (ask().await, 2)
            }
            first => (first, 1),
        }
    };
    let late = |_| Miss::timeout("no answer before the deadline");
    // Where it is: a future that is handed on is moved and counted twice.
    let both = pin!(both);
    let (answered, attempts) = timeout_at(context.deadline, both).await.map_err(late)?;
    match answered {
        Ok(response) => {
            log_outs.answered();
            Ok((response.into_inner(), attempts))
        }
        Err(status) => {
            if translate::is_session_over(&status) {
                log_outs.in_vain();
            }
            Err(translate::miss(&status).after(attempts))
        }
    }
}

/// Reads a stream of obligations to its end. Every message must be about the subject.
pub(super) async fn gather(
    mut stream: impl Stream<Item = Result<StreamObligationsResponse, Status>> + Unpin,
    subject: &CitizenId,
) -> Result<Vec<TaxObligation>, Miss> {
    let mut all = Vec::new();
    while let Some(some) = stream.next().await {
        match some {
            Ok(some) if some.personal_id.trim() != subject.reveal() => {
                return Err(Miss::wrong_subject());
            }
            Ok(some) => all.extend(some.obligations),
            // As above, said behind the head of the stream.
            Err(status) if status.code() == Code::NotFound => return Ok(all),
            Err(status) => return Err(translate::miss(&status)),
        }
        if all.len() > MAX_OBLIGATIONS {
            return Err(Miss::invalid(
                "TOO_LARGE",
                "more obligations than anybody has",
            ));
        }
    }
    Ok(all)
}
