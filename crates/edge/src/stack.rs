//! What every request passes, outside in. [`Stack::answer`] and [`Stack::inside`] are the list.
//!
//! Not here: who is shed when too much is asked at once (`overload`).

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use api::routes::Rpc;
use exchange::{Fault, Reason};
use futures_util::FutureExt as _;
use gate::{Call, Gate};
use http::header::{ALLOW, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};
use tonic::body::Body;
use tonic_health::server::HealthReporter;
use tracing::Instrument as _;

use crate::account::{Account, Context};
use crate::body::{self, Allowance, Unfinished};
use crate::deadline::Deadlines;
use crate::fault::{self, Told};
use crate::grpc::{Grpc, JOB_BYTES};
use crate::handlers::Handlers;
use crate::listener::Peer;
use crate::method::{self, Door, Target};
use crate::once::Once;
use crate::overload::{Overload, Place, claim};
use crate::rest::{self, Rest};
use crate::trace::Titles;
use crate::tracker::Tracker;
use crate::{Config, Deps, Error, Observer, headers, quota, trace, url};

/// Everything between a connection and the gate.
#[derive(Debug)]
pub(crate) struct Stack {
    gate: Arc<Gate>,
    grpc: Grpc,
    rest: Rest,
    health: HealthReporter,
    observer: Arc<dyn Observer>,
    titles: Titles,
    deadlines: Deadlines,
    allowance: Allowance,
    unfinished: Unfinished,
    overload: Arc<Overload>,
    help_base: Arc<str>,
}

impl Stack {
    pub(crate) fn new(
        config: &Config,
        deps: &Deps,
        overload: Arc<Overload>,
    ) -> Result<Arc<Self>, Error> {
        let handlers = Handlers::new(
            Arc::clone(&deps.gate),
            Arc::clone(&deps.batches),
            deps.readiness.clone(),
            Once::new(deps.request_ids.clone()).map_err(Error::RequestIds)?,
        );
        let help_base: Arc<str> = Arc::from(&*config.help_base);
        let tracker = Tracker::new(
            Arc::clone(&deps.gate),
            deps.readiness.clone(),
            Arc::clone(&help_base),
        );
        let health = HealthReporter::new();
        let grpc = Grpc::new(
            config,
            handlers.clone(),
            Arc::clone(&help_base),
            health.clone(),
        )?;
        Ok(Arc::new(Self {
            gate: Arc::clone(&deps.gate),
            grpc,
            rest: Rest::new(handlers, tracker, Arc::clone(&help_base)),
            health,
            observer: Arc::clone(&deps.observer),
            titles: Titles::new(),
            deadlines: Deadlines::new(&config.limits),
            unfinished: Unfinished::default(),
            allowance: Allowance {
                size: config.limits.body_bytes + FRAME_HEAD_BYTES,
                time: config.limits.body(),
            },
            overload,
            help_base,
        }))
    }

    /// What `grpc.health.v1` says.
    pub(crate) fn health(&self) -> HealthReporter {
        self.health.clone()
    }

    /// Answers one request.
    ///
    /// 1. account: every call has one span, one log line, one count, whichever way it ends;
    /// 2. deadline: nothing below can outlast the caller's time, and it says so itself;
    /// 3. panic: a defect is one call's `INTERNAL`, not the connection's end;
    /// 4. what [`Stack::inside`] lists;
    /// 5. fault: told here alone, so both doors and all layers speak alike.
    pub(crate) async fn answer(
        self: Arc<Self>,
        peer: Arc<Peer>,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        let door = Door::of(&head);
        let target = door.target(&head);
        let named = self.deadlines.of(door, &head.headers, begun);
        let (deadline, malformed) = match named {
            Ok(deadline) => (deadline, None),
            Err(fault) => (self.deadlines.by_default(begun), Some(fault)),
        };
        let caller = peer.caller.clone();
        let context = Context::new(Call {
            caller,
            deadline,
            repeats: None,
        });
        let account = Account::open(
            Arc::clone(&context),
            door,
            target,
            begun,
            peer.activity.enter(),
            trace::span(door, target, &head, &self.titles),
            Arc::clone(&self.observer),
        );
        let inside = pin!(
            self.inside(&context, door, target, malformed, head, body)
                .instrument(account.span.clone())
        );
        let result = match timeout_at(deadline, AssertUnwindSafe(inside).catch_unwind()).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => Err(Fault::new(Reason::Internal, "a handler panicked")),
            Err(_late) => Err(Fault::new(Reason::DeadlineExceeded, "no answer in time")),
        };
        self.finish(&peer, account, result)
    }

    /// What is done before a handler sees a request, in this order.
    ///
    /// 1. method: nothing turns the connection into something else;
    /// 2. body: read whole and within limits, so that nothing is left on the connection;
    /// 3. room: without it the call is shed, before anything is decoded;
    /// 4. what [`Stack::check`] lists;
    /// 5. dispatch by the exact path.
    async fn inside(
        &self,
        context: &Arc<Context>,
        door: Door,
        target: Target,
        malformed: Option<Fault>,
        head: Parts,
        body: Incoming,
    ) -> Result<Response<Body>, Fault> {
        method::check(&head)?;
        if target == Target::Service {
            // Reflection reads and answers in turn, so its body is not read ahead.
            self.check(context, &head, malformed).await?;
            return Box::pin(self.grpc.service(head, body)).await;
        }
        let body = body::collect(body, self.allowance(target), &self.unfinished).await?;
        let place = self.place(context, door, target, &body)?;
        self.check(context, &head, malformed).await?;
        // What is large stands on the heap: every layer above would move its kilobytes for any call.
        let answer = match (target, door) {
            (Target::Rpc(rpc), Door::Grpc) => self.grpc.call(context, rpc, head, body).await,
            (Target::Rpc(rpc), Door::Rest) => {
                Box::pin(self.rest.call(context, rpc, &head, &body)).await
            }
            (Target::Tracked(which), _) => {
                Box::pin(self.rest.track(context, which, &head, &body)).await
            }
            (other, _) => Err(other.fault()),
        };
        if target.asks_on() {
            context.notes().place = Some(place);
        }
        answer
    }

    /// How large the body of a request may be: that of a job holds a thousand questions.
    fn allowance(&self, target: Target) -> Allowance {
        let size = match target == Target::Rpc(Rpc::CreateBatchJob) {
            true => JOB_BYTES + FRAME_HEAD_BYTES,
            false => self.allowance.size,
        };
        Allowance {
            size,
            ..self.allowance
        }
    }

    /// A place among the calls in progress.
    fn place(
        &self,
        context: &Context,
        door: Door,
        target: Target,
        body: &[u8],
    ) -> Result<Place, Fault> {
        let class = || {
            let most_urgent = self.gate.most_urgent(&context.call.caller);
            claim::claimed(door, target, body).max(most_urgent)
        };
        self.overload.enter(class).map_err(|(class, fault)| {
            context.notes().criticality = Some(class);
            fault
        })
    }

    /// What is wrong with the head of a request, the worst first.
    ///
    /// 1. headers: none says who is calling; a refusal is recorded before it is told;
    /// 2. URL: holds no person;
    /// 3. deadline: a malformed one is refused, where tonic would ignore it.
    async fn check(
        &self,
        context: &Context,
        head: &Parts,
        malformed: Option<Fault>,
    ) -> Result<(), Fault> {
        if let Err(fault) = headers::check(&head.headers) {
            if fault.reason == Reason::IdentityMismatch {
                self.gate.refuse(&context.call, fault.reason).await?;
            }
            return Err(fault);
        }
        url::check(&head.uri)?;
        malformed.map_or(Ok(()), Err)
    }

    /// Tells a fault, adds what every answer has, and closes the account.
    fn finish(
        &self,
        peer: &Peer,
        account: Account,
        result: Result<Response<Body>, Fault>,
    ) -> Response<Body> {
        let (mut response, whole) = match result {
            Ok(response) => {
                let streams = account.target.streams();
                (response, !streams)
            }
            Err(fault) => {
                let fault = self.charged(&account.context, fault);
                let response = self.tell(account.door, &account.context, &fault);
                account.context.notes().fault = Some(fault);
                (response, true)
            }
        };
        if account.door == Door::Rest {
            let status = response.status().as_u16();
            account.span.record("http.response.status_code", status);
        }
        self.tell_all(peer, &account.context, response.headers_mut());
        if whole {
            account.close();
            response
        } else {
            response.map(|body| account.follow(body))
        }
    }

    /// Spends the caller's quota for a call that is malformed, so that nobody sends nothing else for
    /// ever; once it is spent, that is told instead of what is wrong.
    fn charged(&self, context: &Context, fault: Fault) -> Fault {
        let mut notes = context.notes();
        let is_judged = notes.quota.is_some();
        if is_judged || !fault::is_malformed(fault.reason) {
            return fault;
        }
        match self.gate.charge(&context.call) {
            Ok(left) => {
                notes.quota = left;
                fault
            }
            Err(refusal) => {
                notes.quota = refusal.quota().cloned();
                refusal.into()
            }
        }
    }

    fn tell(&self, door: Door, context: &Context, fault: &Fault) -> Response<Body> {
        let told = Told::new(fault, context.request_id(), &self.help_base);
        let mut response = match door {
            Door::Grpc => told.grpc().into_http(),
            Door::Rest => {
                let body = rest::whole(told.problem());
                let mut response = rest::response("application/problem+json", body);
                *response.status_mut() = told.status();
                response
            }
        };
        let headers = response.headers_mut();
        if let Some(Ok(allow)) = told.allow().map(HeaderValue::try_from) {
            headers.insert(ALLOW, allow);
        }
        if let Some(after) = told.retry_after() {
            headers.insert(RETRY_AFTER, quota::seconds(after).into());
        }
        response
    }

    /// Adds the headers of every answer, good or bad.
    fn tell_all(&self, peer: &Peer, context: &Context, headers: &mut HeaderMap) {
        let mut id = [0; 36];
        let id = context
            .request_id()
            .uuid()
            .hyphenated()
            .encode_lower(&mut id)
            .as_bytes();
        if let Ok(id) = HeaderValue::from_bytes(id) {
            headers.insert(REQUEST_ID, id);
        }
        let notes = context.notes();
        // Of what was refused before admission and is not malformed, nobody has noted one.
        let untold = notes.quota.is_none();
        let looked_at = untold.then(|| self.gate.quota(&context.call)).flatten();
        if let Some(quota) = notes.quota.as_ref().or(looked_at.as_ref()) {
            quota::tell(quota, headers);
        }
        if notes.completeness == Some(api::v1::Completeness::Partial) {
            headers.insert(COMPLETENESS, HeaderValue::from_static("partial"));
        }
        if let Some(expires_in) = &peer.expires_in {
            headers.insert(EXPIRES_IN, expires_in.clone());
        }
    }
}

/// What gRPC puts before a message; of a body in JSON it allows as much more.
const FRAME_HEAD_BYTES: usize = 5;
const REQUEST_ID: HeaderName = HeaderName::from_static("gateway-request-id");
const COMPLETENESS: HeaderName = HeaderName::from_static("gateway-completeness");
const EXPIRES_IN: HeaderName = HeaderName::from_static("gateway-cert-expires-in");
