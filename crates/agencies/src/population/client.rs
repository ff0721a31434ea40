//! The calls: one lookup per question, in a session that is renewed when the agency ends it.
//!
//! *Invariant:* only an empty collection is "not found"; a fault never is.

use std::sync::Arc;
use std::time::Duration;

use adapter::{Agency, Answer, BoxFuture, Context, Miss, Question, Resolution, Session, boxed};
use exchange::{Identifier, IdentifierKind, MatchHints, Source};

use super::hear::Heard;
use super::judge::{Told, answer, is_echo, resolution};
use super::line::Line;
use super::translate;
use super::wire::{Collection, Header, LookUp, Number};
use crate::{Deps, Problem, Settings};

/// The adapter of the population database.
#[derive(Debug)]
pub(super) struct Population {
    line: Arc<Line>,
    session: Session<Line>,
    cap: Duration,
}

impl Population {
    /// Makes the adapter; opens no connection.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub(super) fn new(settings: &Settings, deps: &Deps) -> Result<Self, Vec<Problem>> {
        let line = Arc::new(Line::new(settings, deps)?);
        let cap = settings.endpoint.cap();
        Ok(Self {
            session: Session::new(Arc::clone(&line), cap),
            line,
            cap,
        })
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
        let answer = answer(question, told).inspect_err(|miss| self.line.distrust(miss));
        answer.map_err(|miss| miss.after(attempts))
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
        let found = resolution(asked, &told.collection);
        let found = found.inspect_err(|miss| self.line.distrust(miss));
        found.map_err(|miss| miss.after(told.attempts))
    }

    /// Asks in the session in force, or in a new one.
    async fn look_up(&self, look_up: &LookUp<'_>, context: &Context<'_>) -> Result<Told, Miss> {
        let request_id = &context.request.id.to_string();
        let ask = |session: Arc<str>| async move {
            let envelope = look_up.envelope(&self.header(&session, request_id, context));
            let heard = self
                .line
                .post(envelope, context.deadline, context.traceparent)
                .await?;
            citizens(heard, request_id)
        };
        let heard = self.session.with(context.deadline, ask).await;
        let heard = heard.inspect_err(|miss| self.line.distrust(miss));
        let (collection, attempts) = heard?;
        Ok(Told {
            collection,
            attempts,
        })
    }

    fn header<'a>(
        &'a self,
        session: &'a str,
        request_id: &'a str,
        context: &Context<'a>,
    ) -> Header<'a> {
        let (config, request) = (&self.line.config, context.request);
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
        boxed(|| self.answer(question))
    }

    fn resolve<'a>(
        &'a self,
        identifier: &'a Identifier,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Resolution, Miss>> {
        Box::pin(self.find(identifier, context))
    }
}

/// What was heard in answer to a question: citizens, if they are those asked for.
fn citizens(heard: Heard, request_id: &str) -> Result<adapter::Heard<Collection>, Miss> {
    match heard {
        Heard::Citizens(collection) if is_echo(&collection.id, request_id) => {
            Ok(adapter::Heard::Answer(collection))
        }
        Heard::Citizens(_) => {
            let detail = "the answer names another request";
            Err(Miss::invalid("WRONG_REQUEST", detail))
        }
        Heard::LoggedIn(..) => {
            let detail = "a session instead of citizens";
            Err(Miss::invalid("MALFORMED", detail))
        }
        Heard::SessionOver(miss) => Ok(adapter::Heard::SessionOver(miss)),
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
