//! The calls: one lookup per question, in a session that is renewed when the agency ends it.
//!
//! *Invariant:* only an empty collection is "not found"; a fault never is.

use std::sync::Arc;
use std::time::Duration;

use adapter::{Agency, Answer, BoxFuture, Client, Context, Miss, Question, Resolution, Session};
use bytes::Bytes;
use exchange::{Clock, Identifier, IdentifierKind, MatchHints, Source};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, Request, Uri};
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};

use super::config::Config;
use super::hear::{Heard, hear};
use super::judge::{Told, answer, is_echo, resolution};
use super::translate;
use super::wire::{Header, LookUp, Number, authorization, log_in};
use crate::{Deps, Problem, Settings};

/// As the real clients send it; the agency takes `text/xml` too, and may answer in either.
const XML: &str = "application/xml; charset=utf-8";

const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");
const TIMESTAMP: HeaderName = HeaderName::from_static("timestamp");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The adapter of the population database.
#[derive(Debug)]
pub(super) struct Population {
    client: Client,
    /// Where requests are posted to, and what is signed: one text.
    url: String,
    uri: Uri,
    cap: Duration,
    config: Config,
    session: Session,
    clock: Arc<dyn Clock>,
}

impl Population {
    /// Makes the adapter; opens no connection.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub(super) fn new(settings: &Settings, deps: &Deps) -> Result<Self, Vec<Problem>> {
        let endpoint = &settings.endpoint;
        let config = Config::read(settings);
        let url = endpoint.url.as_str().to_owned();
        let client = Client::new(endpoint, &deps.clock).map_err(|e| Problem::new("url", e));
        let uri = url.parse().map_err(|e| Problem::new("url", e));
        match (config, client, uri) {
            (Ok(config), Ok(client), Ok(uri)) => Ok(Self {
                client,
                url,
                uri,
                cap: endpoint.cap(),
                config,
                session: Session::default(),
                clock: Arc::clone(&deps.clock),
            }),
            (config, client, uri) => {
                let mut problems = config.err().unwrap_or_default();
                problems.extend(client.err());
                problems.extend(uri.err());
                Err(problems)
            }
        }
    }

    async fn answer(&self, question: &Question<'_>) -> Result<Answer, Miss> {
        let elements = translate::elements(&question.fields);
        let look_up = look_up(
            Number::Personal(&question.subject),
            question.hints,
            &elements,
        );
        let told = self.look_up(&look_up, &question.context).await?;
        let attempts = told.attempts;
        answer(question, told).map_err(|miss| miss.after(attempts))
    }

    async fn find(&self, asked: &Identifier, context: &Context<'_>) -> Result<Resolution, Miss> {
        let (number, elements): (_, &[_]) = match asked {
            Identifier::Personal(id) => (Number::Personal(id), &["SoDinhDanh"]),
            Identifier::Legacy(number) => (Number::Legacy(number), &["SoDinhDanh", "SoCMND"]),
            Identifier::TaxCode(_) | Identifier::InsuranceCode(_) => {
                return Err(Miss::not_served());
            }
        };
        let hints = &context.request.subject.hints;
        let told = self
            .look_up(&look_up(number, hints, elements), context)
            .await?;
        resolution(asked, &told.collection).map_err(|miss| miss.after(told.attempts))
    }

    /// Asks, and once again in a new session if the agency has ended the one in force.
    async fn look_up(&self, look_up: &LookUp<'_>, context: &Context<'_>) -> Result<Told, Miss> {
        let request_id = context.request.id.to_string();
        for attempts in 1..=2 {
            let login = || self.log_in(context.deadline);
            let session = self.session.token(context.deadline, login).await;
            let session = session.map_err(|miss| miss.after(attempts - 1))?;
            let envelope = look_up.envelope(&self.header(&session, &request_id, context));
            let heard = self
                .post(envelope, context.deadline, context.traceparent)
                .await;
            match heard.map_err(|miss| miss.after(attempts))? {
                Heard::Citizens(collection) if is_echo(&collection.id, &request_id) => {
                    return Ok(Told {
                        collection,
                        attempts,
                    });
                }
                Heard::Citizens(_) => {
                    let detail = "the answer names another request";
                    return Err(Miss::invalid("WRONG_REQUEST", detail).after(attempts));
                }
                Heard::LoggedIn(..) => {
                    let detail = "a session instead of citizens";
                    return Err(Miss::invalid("MALFORMED", detail).after(attempts));
                }
                Heard::SessionOver => self.expire(&session, context.deadline).await?,
            }
        }
        let detail = "the session ended twice";
        Err(Miss::unavailable("SESSION_REFUSED", detail).after(2))
    }

    async fn expire(&self, session: &str, deadline: Instant) -> Result<(), Miss> {
        let late = |_| Miss::timeout("the session ended too late to renew it");
        timeout_at(deadline, self.session.expire(session))
            .await
            .map_err(late)
    }

    async fn log_in(&self, deadline: Instant) -> Result<(String, Duration), Miss> {
        let envelope = log_in(&self.config.unit, &self.config.account);
        match self.post(envelope, deadline, None).await? {
            Heard::LoggedIn(session, life) => Ok((session, life)),
            Heard::SessionOver => Err(Miss::unavailable(
                "CREDENTIALS_REFUSED",
                "the login was refused",
            )),
            Heard::Citizens(_) => Err(Miss::invalid("MALFORMED", "citizens instead of a session")),
        }
    }

    fn header<'a>(
        &'a self,
        session: &'a str,
        request_id: &'a str,
        context: &Context<'a>,
    ) -> Header<'a> {
        let (config, request) = (&self.config, context.request);
        let officer = request.officer.as_ref();
        let procedure = request.procedure.as_ref();
        Header {
            session,
            request_id,
            service: procedure.map_or(&config.default_service, |code| code.as_str()),
            integration: &config.integration,
            officer: officer.map_or(&config.default_officer, |officer| officer.reveal()),
            unit: &config.unit,
            account: &config.account,
        }
    }

    async fn post(
        &self,
        envelope: String,
        deadline: Instant,
        traceparent: Option<&str>,
    ) -> Result<Heard, Miss> {
        let timestamp = self.clock.now().as_millisecond().to_string();
        let secret = self.config.secret.reveal();
        let signed = authorization(&self.url, &self.config.account, &timestamp, secret);
        let mut request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, XML)
            .header(ACCEPT, "text/xml, application/xml, application/json")
            .header(SOAP_ACTION, "\"\"")
            .header(TIMESTAMP, timestamp)
            .header(AUTHORIZATION, signed);
        if let Some(traceparent) = traceparent {
            request = request.header(TRACEPARENT, traceparent);
        }
        let request = request.body(Full::new(Bytes::from(envelope)));
        let request = request.map_err(|error| Miss::unavailable("REQUEST", error.to_string()))?;
        hear(&self.client.send(request, deadline).await?)
    }
}

impl Agency for Population {
    fn source(&self) -> Source {
        Source::Population
    }

    fn cap(&self) -> Duration {
        self.cap
    }

    fn resolves(&self) -> &'static [IdentifierKind] {
        &[IdentifierKind::Personal, IdentifierKind::Legacy]
    }

    fn ask<'a>(&'a self, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(self.answer(question))
    }

    fn resolve<'a>(
        &'a self,
        identifier: &'a Identifier,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Resolution, Miss>> {
        Box::pin(self.find(identifier, context))
    }
}

fn look_up<'a>(
    number: Number<'a>,
    hints: &'a MatchHints,
    elements: &'a [&'static str],
) -> LookUp<'a> {
    LookUp {
        number,
        name: hints.full_name.as_deref(),
        birth_date: hints.birth_date,
        elements,
    }
}
