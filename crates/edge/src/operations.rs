//! What whoever runs this node reads: `/livez`, `/readyz`, `/metrics`.
//!
//! Not here: what the metrics are; administration.

use http::StatusCode;

use crate::Readiness;
use crate::listener::plain::Page;

/// The page at a path of the operations listener.
pub(crate) fn page(
    path: &str,
    query: Option<&str>,
    readiness: &Readiness,
    metrics: &dyn Fn() -> String,
) -> Option<Page> {
    match path {
        "/livez" => Some(Page::text(StatusCode::OK, "ok\n")),
        "/readyz" => Some(ready(readiness, query == Some("verbose"))),
        "/metrics" => Some(Page::ok(PROMETHEUS, metrics())),
        _ => None,
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
