//! The calls: a token, and the signed question. What comes back is read by `answer`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use adapter::{
    Agency, Answer, BoxFuture, Client, Context, Miss, Question, Response, Session,
    classify,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use exchange::{Clock, Field, Source};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::answer::{self, wrong};
use super::config::Config;
use super::translate::CODES;
use super::wire::{
    DATA_QUERY, Envelope, Header, REQUEST, SEARCH_PATH, TOKEN_PATH, TXN_SEARCH, VERSION, Wrong, query,
};
use crate::{Deps, Problem, Settings};

/// The life of a token whose answer does not say.
const DEFAULT_LIFE_S: u64 = 60;
/// The longest life that is believed.
const MAX_LIFE_S: u64 = 86_400;
/// The first question, and one more with a fresh session.
const MAX_ATTEMPTS: u32 = 2;

/// The electronic health book.
pub(crate) struct Health {
    client: Client,
    session: Session,
    config: Config,
    clock: Arc<dyn Clock>,
    cap: Duration,
    token_uri: Uri,
    search_uri: Uri,
}

/// The token answer of RFC 6749 §5.1.
#[derive(Deserialize)]
struct Token {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

/// The adapter of these settings.
///
/// # Errors
/// Everything that is wrong with them.
#[expect(clippy::needless_pass_by_value, reason = "the type of an entry")]
pub(crate) fn connect(settings: Settings, deps: &Deps) -> Result<Arc<dyn Agency>, Vec<Problem>> {
    Ok(Arc::new(Health::new(&settings, deps)?))
}

/// The client, and the addresses of the token and of the search.
fn reach(settings: &Settings, deps: &Deps) -> Result<(Client, Uri, Uri), Problem> {
    let client = Client::new(&settings.endpoint, &deps.clock);
    let client = client.map_err(|error| Problem::new("url", error))?;
    let uri = |path| Uri::try_from(client.address(path)).map_err(|e| Problem::new("url", e));
    let (token, search) = (uri(TOKEN_PATH)?, uri(SEARCH_PATH)?);
    Ok((client, token, search))
}

impl Agency for Health {
    fn source(&self) -> Source {
        Source::Health
    }

    fn cap(&self) -> Duration {
        self.cap
    }

    fn ask<'a>(&'a self, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(self.look(question))
    }
}

impl Health {
    pub(super) fn new(settings: &Settings, deps: &Deps) -> Result<Self, Vec<Problem>> {
        match (reach(settings, deps), Config::read(settings)) {
            (Ok((client, token_uri, search_uri)), Ok(config)) => Ok(Self {
                client,
                session: Session::default(),
                config,
                clock: Arc::clone(&deps.clock),
                cap: settings.endpoint.cap(),
                token_uri,
                search_uri,
            }),
            (reached, config) => {
                let mut problems: Vec<Problem> = reached.err().into_iter().collect();
                problems.extend(config.err().unwrap_or_default());
                Err(problems)
            }
        }
    }

    async fn look(&self, question: &Question<'_>) -> Result<Answer, Miss> {
        let msg_id = self.msg_id();
        let body = self.question(question, &msg_id).map_err(|w| wrong(w).after(0))?;
        let (response, attempts) = self.call(&body, &question.context).await?;
        let answer = answer::read(&self.config, &response, question, &msg_id);
        let mut answer = answer.map_err(|miss| miss.after(attempts))?;
        answer.upstream_request_id = Some(msg_id);
        answer.attempts = attempts;
        Ok(answer)
    }

    /// The signed question.
    fn question(&self, question: &Question<'_>, msg_id: &str) -> Result<Bytes, Wrong> {
        let asked = |field: Field| {
            // The number is needed to check about whom the answer is.
            field == Field::HealthPersonalId || question.fields.contains(field)
        };
        let codes = CODES.iter().filter(|(field, _)| asked(*field));
        let xml = query(question.subject.reveal(), codes.map(|(_, code)| *code));
        let mut envelope = Envelope {
            header: Header {
                version: VERSION.into(),
                sender_id: self.config.sender_id.as_str().into(),
                receiver_id: self.config.receiver_id.as_str().into(),
                txn_type: TXN_SEARCH.into(),
                msg_id: msg_id.into(),
                msg_type: REQUEST.into(),
                data_type: DATA_QUERY.into(),
                send_datetime: self.clock.now().as_millisecond(),
                ..Header::default()
            },
            data: STANDARD.encode(xml).into(),
            signature: "".into(),
        };
        self.config.signing.sign(&mut envelope)?;
        envelope.write().map(Bytes::from)
    }

    /// Sender, day in `Asia/Ho_Chi_Minh`, and a UUID without hyphens.
    fn msg_id(&self) -> String {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(7));
        let day = self.clock.now().to_zoned(zone).strftime("%y%m%d");
        format!("{}{day}{}", self.config.sender_id, Uuid::new_v4().simple())
    }

    /// Sends the question; once more, with a fresh token, if the token is refused.
    async fn call(&self, body: &Bytes, context: &Context<'_>) -> Result<(Response, u32), Miss> {
        let mut attempts = 0;
        loop {
            let login = || self.login(context.deadline);
            let token = self.session.token(context.deadline, login).await;
            let token = token.map_err(|miss| miss.after(attempts))?;
            attempts += 1;
            let request = self.request(&token, body, context)?;
            let sent = self.client.send(request, context.deadline).await;
            let response = sent.map_err(|miss| miss.after(attempts))?;
            if response.status != StatusCode::UNAUTHORIZED {
                return Ok((response, attempts));
            }
            self.session.expire(&token).await;
            if attempts == MAX_ATTEMPTS {
                let detail = "a fresh token is refused";
                return Err(Miss::unavailable("SESSION_REFUSED", detail).after(attempts));
            }
        }
    }

    fn request(
        &self,
        token: &str,
        body: &Bytes,
        context: &Context<'_>,
    ) -> Result<Request<Full<Bytes>>, Miss> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| login())?;
        bearer.set_sensitive(true);
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.search_uri.clone();
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(Ok(trace)) = context.traceparent.map(HeaderValue::try_from) {
            headers.insert("traceparent", trace);
        }
        Ok(request)
    }

    /// Asks for a token by client credentials (RFC 6749 §4.4).
    async fn login(&self, deadline: Instant) -> Result<(String, Duration), Miss> {
        const FORM: &str = "application/x-www-form-urlencoded";
        const GRANT: &[u8] = b"grant_type=client_credentials";
        let mut request = Request::new(Full::new(Bytes::from_static(GRANT)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.token_uri.clone();
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.config.basic.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        let response = self.client.send(request, deadline).await?;
        if matches!(response.status.as_u16(), 400 | 401 | 403) {
            let detail = format!("token: status {}", response.status.as_u16());
            return Err(Miss::unavailable("LOGIN_REFUSED", detail));
        }
        if let Some(miss) = classify(&response) {
            return Err(miss);
        }
        let token: Token = serde_json::from_slice(&response.body).map_err(|_| login())?;
        let visible = token.access_token.bytes().all(|b| b.is_ascii_graphic());
        if token.access_token.is_empty()
            || !visible
            || !token.token_type.eq_ignore_ascii_case("bearer")
        {
            return Err(login());
        }
        let life = token.expires_in.unwrap_or(DEFAULT_LIFE_S).min(MAX_LIFE_S);
        Ok((token.access_token, Duration::from_secs(life)))
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Health");
        debug.field("client", &self.client).finish_non_exhaustive()
    }
}

fn login() -> Miss {
    Miss::invalid("LOGIN_ANSWER", "the token answer holds no bearer token")
}
