//! The calls: the signed question, in a session. What comes back is read by `answer`; the session is
//! opened by `token`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use adapter::{
    Agency, Answer, BoxFuture, Client, Context, Heard, Miss, Question, Response, Session, boxed,
    logged_out,
};
use base64_simd::STANDARD;
use bytes::Bytes;
use exchange::{Clock, Field, Source};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use uuid::Uuid;

use super::answer::{self, wrong};
use super::config::Config;
use super::token::{TokenDoor, no_token};
use super::translate::CODES;
use super::wire::{
    DATA_QUERY, Envelope, Header, REQUEST, SEARCH_PATH, TOKEN_PATH, TXN_SEARCH, VERSION, Wrong,
    query,
};
use crate::{Deps, Problem, Settings};

/// The electronic health book.
pub(crate) struct Health {
    client: Client,
    session: Session<TokenDoor>,
    config: Config,
    clock: Arc<dyn Clock>,
    cap: Duration,
    search_uri: Uri,
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
        boxed(|| self.look(question))
    }
}

impl Health {
    pub(super) fn new(settings: &Settings, deps: &Deps) -> Result<Self, Vec<Problem>> {
        match (reach(settings, deps), Config::read(settings)) {
            (Ok((client, token_uri, search_uri)), Ok(config)) => {
                let cap = settings.endpoint.cap();
                let door = TokenDoor::new(client.clone(), token_uri, config.basic.clone());
                Ok(Self {
                    client,
                    session: Session::new(Arc::new(door), cap),
                    config,
                    clock: Arc::clone(&deps.clock),
                    cap,
                    search_uri,
                })
            }
            (reached, config) => {
                let mut problems: Vec<Problem> = reached.err().into_iter().collect();
                problems.extend(config.err().unwrap_or_default());
                Err(problems)
            }
        }
    }

    async fn look(&self, question: &Question<'_>) -> Result<Answer, Miss> {
        let msg_id = self.msg_id();
        let body = self
            .question(question, &msg_id)
            .map_err(|w| wrong(w).after(0))?;
        let (response, attempts) = self.call(&body, &question.context).await?;
        let answer = answer::read(&self.config, &response, question, &msg_id);
        let answer = answer.inspect_err(|miss| self.client.distrust(miss));
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
            data: STANDARD.encode_to_string(xml).into(),
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

    /// Sends the question, in a session.
    async fn call(&self, body: &Bytes, context: &Context<'_>) -> Result<(Response, u32), Miss> {
        let ask = |token: Arc<str>| async move {
            let request = self.request(&token, body, context)?;
            let response = self.client.send(request, context.deadline).await?;
            let over = logged_out(&response).or_else(|| answer::session_over(&response));
            Ok(over.map_or(Heard::Answer(response), Heard::SessionOver))
        };
        self.session.with(context.deadline, ask).await
    }

    fn request(
        &self,
        token: &str,
        body: &Bytes,
        context: &Context<'_>,
    ) -> Result<Request<Full<Bytes>>, Miss> {
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| no_token())?;
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
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Health");
        debug.field("client", &self.client).finish_non_exhaustive()
    }
}
