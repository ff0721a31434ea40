//! What whoever runs this node reads: `/livez`, `/readyz`, `/metrics`; and, if it is switched on,
//! what a data tracker asks for in queries.
//!
//! Not here: what the metrics are; what an operator may have done (module `administration`).

use std::sync::Arc;

use bytes::Bytes;
use exchange::Caller;
use http::{Method, Request, StatusCode};

use crate::Readiness;
use crate::administration::{self, Administration};
use crate::listener::plain::Page;
use crate::tracker::Tracker;

/// What the operations listener shows.
pub(crate) struct Node {
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Arc<dyn Fn() -> String + Send + Sync>,
    pub(crate) administration: Arc<dyn Administration>,
    pub(crate) tracker: Tracker,
    /// In whose name a data tracker calls here; none if it may not.
    pub(crate) tracked_by: Option<Caller>,
}

impl Node {
    /// The page that a request is for.
    pub(crate) async fn page(&self, request: Request<Bytes>) -> Option<Page> {
        match request.uri().path() {
            "/livez" => Some(Page::text(StatusCode::OK, "ok\n")),
            "/readyz" => {
                let verbose = request.uri().query() == Some("verbose");
                Some(ready(&self.readiness, verbose))
            }
            "/metrics" => Some(Page::ok(PROMETHEUS, (self.metrics)())),
            path if path.starts_with("/admin/") => {
                administration::page(&*self.administration, &request).await
            }
            // Nothing is done for a method that is refused afterwards.
            _ if request.method() == Method::GET => {
                let head = request.into_parts().0;
                self.tracker.page(self.tracked_by.as_ref()?, &head).await
            }
            _ => None,
        }
    }
}

fn ready(readiness: &Readiness, verbose: bool) -> Page {
    let state = readiness.state();
    let mut text = String::new();
    if verbose {
        for (name, passes) in state.checks() {
            let (sign, word) = if passes { ('+', "ok") } else { ('-', "failed") };
            text += &format!("[{sign}]{name} {word}\n");
        }
    }
    if state.is_ready() {
        text.push_str("ready\n");
        Page::text(StatusCode::OK, text)
    } else {
        text.push_str("not ready\n");
        Page::text(StatusCode::SERVICE_UNAVAILABLE, text)
    }
}

const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
