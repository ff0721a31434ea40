//! The calls: one statement per question, stopped when its time is over or its asker has gone.

use std::fmt;
use std::time::Duration;

use adapter::{
    Agency, Answer, BoxFuture, Context, LogOuts, Miss, Question, Resolution, boxed, confirm,
};
use api::Record;
use deadpool::managed::{Object, Pool};
use exchange::{CitizenId, FieldSet, Identifier, IdentifierKind, Source, SourceState};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;

use super::failure::{self, Failure};
use super::link::Opener;
use super::wire::Select;
use super::{row, translate};

/// Social security and social assistance, asked over the PostgreSQL wire.
pub(super) struct SocialSecurity {
    pool: Pool<Opener>,
    cap: Duration,
    log_outs: LogOuts,
}

impl SocialSecurity {
    /// Asks over the connections of `pool`.
    pub(super) fn new(pool: Pool<Opener>, cap: Duration) -> Self {
        Self {
            pool,
            cap,
            log_outs: LogOuts::default(),
        }
    }

    async fn look_up(&self, question: &Question<'_>) -> Result<Answer, Miss> {
        let select = Select::Person(question.fields);
        let deadline = question.context.deadline;
        let asked = question.subject.reveal();
        let (exchange, rows) = self.rows(select, asked, deadline).await?;
        let answer = exchange.read(question, &rows);
        exchange.end(answer)
    }

    async fn find(&self, code: &str, deadline: Instant) -> Result<Resolution, Miss> {
        let (exchange, rows) = self.rows(Select::Resolve, code, deadline).await?;
        let found = resolution(code, &rows);
        exchange.end(found)
    }

    /// Asks, and once more over a fresh connection if the one at hand had become stale and it is worth it.
    async fn rows(
        &self,
        select: Select,
        parameter: &str,
        deadline: Instant,
    ) -> Result<(Exchange, Vec<Row>), Miss> {
        let mut attempts = 0;
        let work = async {
            match self.once(select, parameter, &mut attempts).await {
                Err(failure) if failure.stale && self.log_outs.may_ask_again() => {
                    self.once(select, parameter, &mut attempts).await
                }
                first => first,
            }
        };
        let outcome = timeout_at(deadline, work).await;
        let (link, rows) = match outcome {
            Ok(Ok(answered)) => answered,
            Ok(Err(failure)) => {
                if failure.stale {
                    self.log_outs.in_vain();
                }
                return Err(failure.miss.after(attempts));
            }
            Err(_) => return Err(Miss::timeout("no answer before the deadline").after(attempts)),
        };
        self.log_outs.answered();
        Ok((Exchange { link, attempts }, rows))
    }

    async fn once(
        &self,
        select: Select,
        parameter: &str,
        attempts: &mut u32,
    ) -> Result<(Object<Opener>, Vec<Row>), Failure> {
        let link = self.pool.get().await;
        let mut link = link.map_err(|error| failure::not_connected(&error))?;
        *attempts += 1;
        let error = match link.query(select, parameter).await {
            Ok(rows) => return Ok((link, rows)),
            Err(error) => error,
        };
        let failure = failure::not_answered(&error, link.end());
        if failure.stale {
            // Connections as old as a stale one are stale too.
            let created = Object::metrics(&link).created;
            self.pool.retain(|_, metrics| metrics.created > created);
        }
        if failure.over {
            link.give_up();
        }
        Err(failure)
    }
}

impl Agency for SocialSecurity {
    fn source(&self) -> Source {
        Source::SocialSecurity
    }

    fn cap(&self) -> Duration {
        self.cap
    }

    fn resolves(&self) -> &'static [IdentifierKind] {
        &[IdentifierKind::InsuranceCode]
    }

    fn ask<'a>(&'a self, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        boxed(|| self.look_up(question))
    }

    fn resolve<'a>(
        &'a self,
        identifier: &'a Identifier,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Resolution, Miss>> {
        Box::pin(async move {
            match identifier {
                Identifier::InsuranceCode(code) => self.find(code, context.deadline).await,
                Identifier::Personal(_) | Identifier::Legacy(_) | Identifier::TaxCode(_) => {
                    Err(Miss::not_served())
                }
            }
        })
    }
}

impl fmt::Debug for SocialSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocialSecurity")
            .field("opener", self.pool.manager())
            .field("pool", &self.pool.status())
            .field("cap", &self.cap)
            .finish()
    }
}

/// A connection whose statement was answered to its end.
struct Exchange {
    link: Object<Opener>,
    attempts: u32,
}

impl Exchange {
    /// The answer in the rows of a lookup.
    fn read(&self, question: &Question<'_>, rows: &[Row]) -> Result<Answer, Miss> {
        let row = match rows {
            [] => return Err(Miss::not_found()),
            [row] => row,
            _ => return Err(Miss::ambiguous()),
        };
        let person = row::person(row, &question.fields).map_err(failure::not_read)?;
        let previous = person.previous_ids.iter().copied();
        let confirmed = confirm(&question.subject, person.personal_id, previous)?;
        let as_of = translate::as_of(&person);
        let mut record = Record::SocialSecurity(Box::new(translate::record(person)));
        record.retain(&question.fields);
        Ok(Answer {
            record,
            as_of,
            upstream_request_id: None,
            in_force: confirmed.in_force(),
            adoption: FieldSet::EMPTY,
            attempts: self.attempts,
        })
    }

    /// Returns the connection to the pool, or closes it if its answer was wrong.
    fn end<T>(mut self, outcome: Result<T, Miss>) -> Result<T, Miss> {
        outcome.map_err(|miss| {
            if miss.state == SourceState::InvalidAnswer {
                self.link.give_up();
            }
            miss.after(self.attempts)
        })
    }
}

/// The person in the rows of a resolution.
fn resolution(code: &str, rows: &[Row]) -> Result<Resolution, Miss> {
    let mut people = Vec::with_capacity(1);
    for row in rows {
        let (held, person) = row::resolved(row).map_err(failure::not_read)?;
        if held.trim() != code {
            return Err(Miss::wrong_subject());
        }
        let person = CitizenId::from_agency(person)
            .ok_or_else(|| Miss::invalid("PERSONAL_ID", "a personal number is malformed"))?;
        if !people.contains(&person) {
            people.push(person);
        }
    }
    Ok(match people.as_slice() {
        [] => Resolution::NotFound,
        [person] => Resolution::Current(*person),
        several => Resolution::Ambiguous {
            candidates: u32::try_from(several.len()).unwrap_or(u32::MAX),
        },
    })
}
