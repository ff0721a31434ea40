//! A register that says what a test tells it to, over plain HTTP.

use std::sync::{Arc, Mutex};

use adapter::Agency;
use adapter::dossier::Register;
use axum::Router;
use axum::extract::State;
use bytes::Bytes;
use exchange::Source;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use sim::{Handle, Stage, StageConfig};

use super::rig::connect;

/// What came.
#[derive(Clone)]
pub(super) struct Call {
    /// The last segment of the path.
    pub(super) operation: String,
    /// The bearer token.
    pub(super) token: String,
    /// The body.
    pub(super) body: Value,
}

type Script = dyn Fn(&Call) -> Response<Bytes> + Send + Sync;

/// A register that says what a script says, and remembers what came.
pub(super) struct Scripted {
    pub(super) agency: Arc<dyn Agency>,
    pub(super) dossiers: Arc<Register>,
    calls: Arc<Mutex<Vec<Call>>>,
    _handle: Handle,
    _folder: tempfile::TempDir,
}

#[derive(Clone)]
struct Desk {
    script: Arc<Script>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Scripted {
    /// A register that answers by a script; logins as well.
    pub(super) async fn start(
        script: impl Fn(&Call) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let desk = Desk {
            script: Arc::new(script),
            calls: Arc::clone(&calls),
        };
        let router = Router::new().fallback(serve).with_state(desk);
        let config = StageConfig::loopback(Source::CivilStatus);
        let stage = Stage::bind(&config).await.unwrap();
        let url = format!("http://{}", stage.address());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "secret").unwrap();
        let stanza = toml::from_str("user = 'gateway'\nsecret_file = 'secret'").unwrap();
        let (agency, dossiers) = connect(&url, stanza, folder.path());
        dossiers.open(&[7; 32], Vec::new());
        Self {
            agency,
            dossiers,
            calls,
            _handle: stage.serve(router),
            _folder: folder,
        }
    }

    /// A register that takes every login, then answers in this order, the last one for ever.
    pub(super) async fn in_order(answers: Vec<Response<Bytes>>) -> Self {
        let answers = Mutex::new(answers.into_iter().peekable());
        Self::start(move |call| {
            if call.operation == "token" {
                return token("t");
            }
            let mut answers = answers.lock().unwrap();
            let answer = answers.next().unwrap();
            if answers.peek().is_none() {
                *answers = vec![answer.clone(), answer.clone()].into_iter().peekable();
                answers.next();
            }
            answer
        })
        .await
    }

    /// What came so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// How many logins came so far.
    pub(super) fn logins(&self) -> usize {
        let calls = self.calls();
        calls
            .iter()
            .filter(|call| call.operation == "token")
            .count()
    }
}

async fn serve(
    State(desk): State<Desk>,
    request: Request<axum::body::Body>,
) -> Response<axum::body::Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let token = head.headers.get(AUTHORIZATION);
    let token = token.map_or("", |value| value.to_str().unwrap());
    let call = Call {
        operation: head.uri.path().rsplit('/').next().unwrap().to_owned(),
        token: token.trim_start_matches("Bearer ").to_owned(),
        body: serde_json::from_slice(&body).unwrap(),
    };
    let answer = (desk.script)(&call);
    desk.calls.lock().unwrap().push(call);
    answer.map(Into::into)
}

/// An answer of JSON.
pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    of_type(status, "application/json", body)
}

/// An answer of any type.
pub(super) fn of_type(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, kind.parse().unwrap());
    response
}

/// The answer to a login.
pub(super) fn token(token: &str) -> Response<Bytes> {
    json(200, format!(r#"{{"token": "{token}", "expiresIn": 600}}"#))
}
