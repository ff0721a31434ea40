//! What is known of one call, and the end of it: its span, its log line, its count.
//!
//! *Invariant:* every call ends here once, whichever way it ends: answered, failed, or left by the
//! caller. One that asks agencies while it is answered ends with its time, read or not.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;

use admission::QuotaState;
use api::v1;
use bytes::Bytes;
use exchange::{Criticality, Fault, PurposeCode, Reason, RequestId};
use gate::Call;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tonic::body::Body;
use tracing::Span;

use crate::listener::Busy;
use crate::method::{Door, Target};
use crate::overload::Place;
use crate::{Observer, fault, log, trace};

/// A call, as the handlers see it, and what they find out about it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) call: Call,
    notes: Mutex<Notes>,
}

/// What the handlers have found out.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The caller's own, if it could be read.
    pub(crate) request_id: Option<RequestId>,
    /// One of the catalogue.
    pub(crate) purpose: Option<PurposeCode>,
    pub(crate) criticality: Option<Criticality>,
    pub(crate) completeness: Option<v1::Completeness>,
    /// The caller's quota, once the call has been judged.
    pub(crate) quota: Option<QuotaState>,
    /// Its place among the calls in progress, if it goes on behind the head of its answer.
    pub(crate) place: Option<Place>,
    /// Why the call failed.
    pub(crate) fault: Option<Fault>,
}

impl Context {
    pub(crate) fn new(call: Call) -> Arc<Self> {
        let notes = Mutex::default();
        Arc::new(Self { call, notes })
    }

    /// The notes, to be read or added to.
    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        lock(&self.notes)
    }

    /// The caller's request id, or one made for this call.
    pub(crate) fn request_id(&self) -> RequestId {
        let mut notes = self.notes();
        *notes.request_id.get_or_insert_with(RequestId::fresh)
    }
}

/// One call from its head to its end; closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) context: Arc<Context>,
    pub(crate) door: Door,
    pub(crate) target: Target,
    pub(crate) span: Span,
    begun: Instant,
    answered: bool,
    observer: Arc<dyn Observer>,
    _busy: Busy,
}

impl Account {
    pub(crate) fn open(
        context: Arc<Context>,
        door: Door,
        target: Target,
        begun: Instant,
        busy: Busy,
        span: Span,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self {
            context,
            door,
            target,
            span,
            begun,
            answered: false,
            observer,
            _busy: busy,
        }
    }

    /// Closes the account of an answer that is whole.
    pub(crate) fn close(mut self) {
        self.answered = true;
    }

    /// Leaves the account open until the last byte of the answer. Of a call that asks on, both end
    /// soon after its deadline: nobody looks at a body while its caller has no room for more of it.
    pub(crate) fn follow(self, body: Body) -> Body {
        let asks_on = self.target.asks_on();
        let until = self.context.call.deadline + TELL;
        let left = Arc::new(Mutex::new(Left::Some(body, self)));
        let timer = asks_on.then(|| {
            let left = Arc::downgrade(&left);
            AbortOnDropHandle::new(tokio::spawn(async move {
                sleep_until(until).await;
                let Some(left) = left.upgrade() else { return };
                let unsent = lock(&left).end(Left::TooLate);
                if let Left::Some(_body, account) = unsent {
                    account.give_up();
                }
            }))
        });
        Body::new(Followed {
            left,
            _timer: timer,
        })
    }

    /// Closes the account of an answer that was not read in time.
    fn give_up(self) {
        let late = || Fault::new(Reason::DeadlineExceeded, "the answer was not read in time");
        self.context.notes().fault.get_or_insert_with(late);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let id = self.context.request_id();
        let notes = self.context.notes();
        let code = match &notes.fault {
            Some(fault) => fault::code_name(fault::meaning(fault.reason).code),
            None if self.answered => "OK",
            None => "CANCELLED",
        };
        let ended = log::Ended {
            caller: &self.context.call.caller,
            method: self.target.name(),
            id,
            notes: &notes,
            code,
            took: self.begun.elapsed(),
        };
        trace::ended(&self.span, &ended, self.door);
        if self.target != Target::Service {
            log::line(&ended, &self.span);
        }
        self.observer.call(&crate::Call {
            method: ended.method,
            code,
            agency: ended.caller.agency(),
            criticality: notes.criticality,
            completeness: ended.completeness(),
            reason: notes.fault.as_ref().map(|fault| fault.reason),
            took: ended.took,
        });
    }
}

/// A body that closes an account with its last byte.
#[derive(Debug)]
struct Followed {
    left: Arc<Mutex<Left>>,
    _timer: Option<AbortOnDropHandle<()>>,
}

/// What is left of an answer.
#[derive(Debug)]
enum Left {
    /// What is to be sent, and the call that it answers.
    Some(Body, Account),
    /// Nothing: all of it was taken.
    Nothing,
    /// Nothing: it was not taken in time.
    TooLate,
}

impl Left {
    /// Ends it, unless it is over. What was left before.
    fn end(&mut self, how: Self) -> Self {
        match self {
            Self::Some(..) => std::mem::replace(self, how),
            Self::Nothing | Self::TooLate => Self::Nothing,
        }
    }
}

impl http_body::Body for Followed {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let mut left = lock(&self.left);
        let body = match &mut *left {
            Left::Some(body, _) => body,
            Left::Nothing => return Poll::Ready(None),
            Left::TooLate => {
                let status = tonic::Status::deadline_exceeded("not read in time");
                return Poll::Ready(Some(Err(status)));
            }
        };
        let polled = Pin::new(&mut *body).poll_frame(cx);
        let is_last = match &polled {
            Poll::Ready(None) => true,
            Poll::Ready(Some(_)) => body.is_end_stream(),
            Poll::Pending => false,
        };
        if is_last && let Left::Some(_, account) = left.end(Left::Nothing) {
            account.close();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &*lock(&self.left) {
            Left::Some(body, _) => body.is_end_stream(),
            Left::Nothing => true,
            Left::TooLate => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &*lock(&self.left) {
            Left::Some(body, _) => body.size_hint(),
            Left::Nothing | Left::TooLate => SizeHint::default(),
        }
    }
}

/// A panic elsewhere leaves nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For a caller who reads, to be told that it was too long.
const TELL: Duration = Duration::from_secs(1);
