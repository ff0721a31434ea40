//! What an operator may have done: the configuration is read again, switches are thrown. On the
//! operations listener.
//!
//! Not here: how it is done, which is the program's.
//!
//! *Invariant:* what changes something takes a `POST` of JSON, which no page in a browser sends to
//! another site without asking first, and nobody here says yes.

mod consents;
mod dossiers;
mod reload;
mod reviews;
mod sources;
mod suspensions;
mod switches;

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use serde::{Deserialize, Serialize};

use crate::listener::plain::Page;

pub use consents::{Consented, Registration, Withdrawal};
pub use dossiers::{Dossier, DossierMove, DossierOrder, Moved};
pub use reload::{Effect, Reloaded};
pub use reviews::{Closure, OpenReview, Reviewed, Reviews};
pub use sources::{EndpointHealth, SourceHealth};
pub use suspensions::{Lift, Lifted, Suspended};
pub use switches::{Instruction, Position, Stopped, Switched};

/// Does what an operator asks for.
pub trait Administration: Send + Sync + fmt::Debug {
    /// Reads the configuration again. If all of it is good, and not only to be checked, it is put
    /// into force.
    ///
    /// Everything that is wrong comes back, and what was in force stays.
    fn reload(&self, effect: Effect) -> BoxFuture<'_, Result<Reloaded, Vec<String>>>;

    /// Everything that is stopped.
    fn stopped(&self) -> BoxFuture<'_, Vec<Stopped>>;

    /// Stops something, or lets it go on. It is recorded before it is done.
    fn switch(
        &self,
        to: Position,
        instruction: Instruction,
    ) -> BoxFuture<'_, Result<Switched, Undone>>;

    /// The exchanges that wait to be reviewed, the oldest first.
    fn reviews(&self) -> BoxFuture<'_, Result<Reviews, Undone>>;

    /// Closes the review of an exchange with a verdict, which is recorded.
    fn close_review(&self, closure: Closure) -> BoxFuture<'_, Result<Reviewed, Undone>>;

    /// Who is suspended on this node for how they asked, the earliest first.
    fn suspended(&self) -> Vec<Suspended>;

    /// How each source is guarded at present.
    fn sources(&self) -> Vec<SourceHealth>;

    /// What agencies have not ended yet, the earliest first.
    fn dossiers(&self) -> Vec<Dossier>;

    /// Moves a dossier that hangs. It is recorded before.
    fn order_dossier(&self, order: DossierOrder) -> BoxFuture<'_, Result<Moved, Undone>>;

    /// Lifts a suspension. It is recorded before.
    fn lift(&self, lift: Lift) -> BoxFuture<'_, Result<Lifted, Undone>>;

    /// Registers a consent. It is recorded before it holds.
    fn register_consent(&self, it: Registration) -> BoxFuture<'_, Result<Consented, Undone>>;

    /// Withdraws a consent for ever. It is recorded before.
    fn withdraw_consent(&self, it: Withdrawal) -> BoxFuture<'_, Result<Consented, Undone>>;
}

/// Why an instruction was not followed; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// It names nothing that there is.
    Refused(String),
    /// The record or a database cannot be read or written.
    Unavailable(String),
}

/// Nothing can be done by an operator here: for tests of what else there is.
#[derive(Clone, Copy, Debug)]
pub struct NoAdministration;

impl Administration for NoAdministration {
    fn reload(&self, _: Effect) -> BoxFuture<'_, Result<Reloaded, Vec<String>>> {
        let problem = "this process has no configuration".to_owned();
        Box::pin(async { Err(vec![problem]) })
    }

    fn stopped(&self) -> BoxFuture<'_, Vec<Stopped>> {
        Box::pin(async { Vec::new() })
    }

    fn switch(&self, _: Position, _: Instruction) -> BoxFuture<'_, Result<Switched, Undone>> {
        nothing_here()
    }

    fn reviews(&self) -> BoxFuture<'_, Result<Reviews, Undone>> {
        nothing_here()
    }

    fn close_review(&self, _: Closure) -> BoxFuture<'_, Result<Reviewed, Undone>> {
        nothing_here()
    }

    fn suspended(&self) -> Vec<Suspended> {
        Vec::new()
    }

    fn sources(&self) -> Vec<SourceHealth> {
        Vec::new()
    }

    fn dossiers(&self) -> Vec<Dossier> {
        Vec::new()
    }

    fn order_dossier(&self, _: DossierOrder) -> BoxFuture<'_, Result<Moved, Undone>> {
        nothing_here()
    }

    fn lift(&self, _: Lift) -> BoxFuture<'_, Result<Lifted, Undone>> {
        nothing_here()
    }

    fn register_consent(&self, _: Registration) -> BoxFuture<'_, Result<Consented, Undone>> {
        nothing_here()
    }

    fn withdraw_consent(&self, _: Withdrawal) -> BoxFuture<'_, Result<Consented, Undone>> {
        nothing_here()
    }
}

fn nothing_here<T: Send + 'static>() -> BoxFuture<'static, Result<T, Undone>> {
    let problem = "this process has nothing to administer".to_owned();
    Box::pin(async { Err(Undone::Refused(problem)) })
}

/// A problem as RFC 9457 describes it.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    title: &'a str,
    status: u16,
    violations: &'a [String],
}

/// Does or shows what is asked for, if the path is that of something here.
pub(crate) async fn page(by: &dyn Administration, request: &Request<Bytes>) -> Option<Page> {
    let path = request.uri().path();
    match path {
        switches::LIST => return Some(switches::list(by).await),
        reviews::LIST => return Some(reviews::list(by).await),
        suspensions::LIST => return Some(suspensions::list(by)),
        sources::LIST => return Some(sources::list(by)),
        dossiers::LIST => return Some(dossiers::list(by)),
        reload::RELOAD | switches::STOP | switches::RESUME | reviews::CLOSE => {}
        suspensions::LIFT | consents::REGISTER | consents::WITHDRAW => {}
        dossiers::REQUERY | dossiers::RESEND | dossiers::CLOSE => {}
        _ => return None,
    }
    if request.method() != Method::POST {
        // Nothing is done for a method that is refused afterwards.
        return Some(Page::acted(StatusCode::METHOD_NOT_ALLOWED, JSON, ""));
    }
    Some(match path {
        switches::STOP => switches::switch(by, Position::Stopped, request).await,
        switches::RESUME => switches::switch(by, Position::Resumed, request).await,
        reviews::CLOSE => reviews::close(by, request).await,
        suspensions::LIFT => suspensions::lift(by, request).await,
        consents::REGISTER => consents::register(by, request).await,
        consents::WITHDRAW => consents::withdraw(by, request).await,
        dossiers::REQUERY => dossiers::order(by, DossierMove::Requery, request).await,
        dossiers::RESEND => dossiers::order(by, DossierMove::Resend, request).await,
        dossiers::CLOSE => dossiers::order(by, DossierMove::Close, request).await,
        _ => reload::reload(by, request).await,
    })
}

/// Where an instruction is posted.
#[cfg(feature = "foreign")]
pub(crate) const INSTRUCTIONS: [&str; 10] = [
    reload::RELOAD,
    switches::STOP,
    switches::RESUME,
    reviews::CLOSE,
    suspensions::LIFT,
    consents::REGISTER,
    consents::WITHDRAW,
    dossiers::REQUERY,
    dossiers::RESEND,
    dossiers::CLOSE,
];

/// Reads the body of an instruction.
fn read<'a, T: Deserialize<'a>>(request: &'a Request<Bytes>) -> Result<T, Page> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some(JSON) {
        let title = "The body is to be application/json, such as {}";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, title, &[]));
    }
    serde_json::from_slice(request.body()).map_err(|error| malformed(&[error.to_string()]))
}

/// What came of an instruction.
fn told<T: Serialize>(done: Result<T, Undone>) -> Page {
    match done {
        Ok(done) => answer(StatusCode::OK, JSON, &done),
        Err(Undone::Refused(problem)) => malformed(&[problem]),
        Err(Undone::Unavailable(problem)) => {
            let title = "Nothing has changed";
            refuse(StatusCode::SERVICE_UNAVAILABLE, title, &[problem])
        }
    }
}

/// A list, to be read.
fn listed<T: Serialize>(list: Result<T, Undone>) -> Page {
    match list {
        Ok(list) => Page::ok(JSON, serde_json::to_vec(&list).unwrap_or_default()),
        Err(Undone::Refused(problem) | Undone::Unavailable(problem)) => {
            Page::text(StatusCode::SERVICE_UNAVAILABLE, problem + "\n")
        }
    }
}

fn malformed(violations: &[String]) -> Page {
    refuse(StatusCode::BAD_REQUEST, "The body is refused", violations)
}

fn refuse(status: StatusCode, title: &str, violations: &[String]) -> Page {
    let problem = Problem {
        title,
        status: status.as_u16(),
        violations,
    };
    answer(status, "application/problem+json", &problem)
}

fn answer(status: StatusCode, content_type: &'static str, what: &impl Serialize) -> Page {
    let body = serde_json::to_vec(what).unwrap_or_default();
    Page::acted(status, content_type, body)
}

const JSON: &str = "application/json";
