//! Somebody at the operations listener of a running gateway: JSON over plain HTTP, on this machine or
//! behind a tunnel.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use serde_json::Value;
use tokio::runtime::Runtime;
use url::Url;

use crate::cli::Node;
use crate::exit::{self, Exit};
use crate::sandbox::Description;
use crate::web::{self, Web};

/// An operator of one node.
#[derive(Debug)]
pub(crate) struct Operator {
    web: Web,
    runtime: Runtime,
    /// The URL of the listener, without a slash at its end.
    prefix: String,
}

impl Operator {
    /// The operator of the node that the command line names. Opens nothing yet.
    pub(crate) fn of(node: &Node) -> anyhow::Result<Self> {
        let listener = listener(node)?;
        Ok(Self {
            web: web::client()?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            prefix: listener.as_str().trim_end_matches('/').to_owned(),
        })
    }

    /// Reads a page.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = Request::get(format!("{}{path}", self.prefix));
        let (status, body) = self.send(request.body(Full::default())?)?;
        match status {
            StatusCode::OK => Ok(body),
            status => {
                let what = format!("{}{path} answers {status}", self.prefix);
                Err(code(status).because(what))
            }
        }
    }

    /// Gives an instruction; what came of it.
    ///
    /// # Errors
    /// The node cannot be reached, or refuses: with everything that is wrong.
    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = Request::post(format!("{}{path}", self.prefix));
        let request = request.header("content-type", "application/json");
        let body = Bytes::from(serde_json::to_vec(body)?);
        let (status, body) = self.send(request.body(Full::new(body))?)?;
        match status {
            StatusCode::OK => Ok(body),
            status => {
                let what = format!("refused: {}", refusal(status, &body));
                Err(code(status).because(what))
            }
        }
    }

    fn send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Value)> {
        let exchange = async {
            let answer = self.web.request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
            anyhow::Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
        };
        let exchanged = async { tokio::time::timeout(PATIENCE, exchange).await };
        let exchanged = self.runtime.block_on(exchanged);
        let exchanged = exchanged.unwrap_or_else(|_| bail!("no answer in {PATIENCE:?}"));
        exchanged.map_err(|error| {
            let what = format!("the operations listener {}: {error:#}", self.prefix);
            exit::UNAVAILABLE.because(what)
        })
    }
}

/// Where the node listens for operators.
fn listener(node: &Node) -> anyhow::Result<Url> {
    let sandbox = match (&node.sandbox, &node.operations) {
        (None, Some(listener)) => return Ok(listener.clone()),
        (Some(_), Some(_)) => {
            return Err(exit::USAGE.because("name either --sandbox or --operations"));
        }
        (Some(dir), None) => Description::running(dir)?,
        (None, None) => match Description::read(Path::new(SANDBOX)) {
            Ok(description) => {
                eprintln!("the sandbox in {SANDBOX}:");
                description
            }
            Err(_) => return Ok(LISTENER.parse()?),
        },
    };
    Ok(sandbox.operations.parse()?)
}

/// The exit code of an answer that is not what was asked for.
fn code(status: StatusCode) -> Exit {
    if status.is_client_error() {
        exit::REFUSED
    } else {
        exit::UNAVAILABLE
    }
}

/// What is wrong, on one line.
fn refusal(status: StatusCode, body: &Value) -> String {
    let violations = body.get("violations").and_then(Value::as_array);
    let violations = violations.into_iter().flatten().filter_map(Value::as_str);
    let violations: Vec<_> = violations.collect();
    match violations.is_empty() {
        true => status.to_string(),
        false => violations.join("; "),
    }
}

/// The sandbox that is meant where no node is named.
const SANDBOX: &str = "./sandbox";
/// The node that is meant where there is no sandbox either.
const LISTENER: &str = "http://127.0.0.1:9090";
/// A list of everything that can be stopped.
const LARGEST: usize = 4 << 20;
/// Longer than the store of several nodes may take.
const PATIENCE: Duration = Duration::from_secs(30);
