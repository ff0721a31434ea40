//! An agency as the gate needs it for its tests: one that answers as it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter::{Agency, Answer, BoxFuture, Context, Miss, Question, Resolution};
use api::{Record, v1};
use exchange::{CitizenId, FieldSet, Identifier, IdentifierKind, Source};
use tokio::sync::Notify;
use tokio::time::Instant;

/// An office that answers at once, never, or when it is told to.
#[derive(Debug)]
pub(super) struct Office {
    source: Source,
    manner: Manner,
    /// Rung when it is asked for a record.
    asked: Arc<Notify>,
    /// Until when each question must be answered.
    heard: Arc<Mutex<Vec<Instant>>>,
    resolves: &'static [IdentifierKind],
    resolution: fn() -> Result<Resolution, Miss>,
    /// A number that was replaced, and the one in force.
    moved: Option<(&'static str, &'static str)>,
}

/// How an office answers.
#[derive(Debug)]
enum Manner {
    Answers,
    KnowsNobody,
    Hangs,
    /// Until it is released.
    Waits(Arc<Notify>),
}

impl Office {
    /// An office that answers at once.
    pub(super) fn answers(source: Source) -> Self {
        Self {
            source,
            manner: Manner::Answers,
            asked: Arc::default(),
            heard: Arc::default(),
            resolves: &[],
            resolution: || Err(Miss::not_served()),
            moved: None,
        }
    }

    /// The office, which says that about numbers of its kind.
    pub(super) fn resolving(self, resolution: fn() -> Result<Resolution, Miss>) -> Self {
        let resolves: &[_] = if self.source == Source::Tax {
            &[IdentifierKind::TaxCode]
        } else {
            &[IdentifierKind::Legacy]
        };
        Self {
            resolves,
            resolution,
            ..self
        }
    }

    /// The office, which knows that one number was replaced by another.
    pub(super) fn moved(self, old: &'static str, new: &'static str) -> Self {
        let moved = Some((old, new));
        Self { moved, ..self }
    }

    /// An office that holds no record of anybody.
    pub(super) fn knows_nobody(source: Source) -> Self {
        Self {
            manner: Manner::KnowsNobody,
            ..Self::answers(source)
        }
    }

    /// An office that never answers.
    pub(super) fn hangs(source: Source) -> Self {
        Self {
            manner: Manner::Hangs,
            ..Self::answers(source)
        }
    }

    /// An office that answers when it is released.
    pub(super) fn waits(source: Source) -> Self {
        Self {
            manner: Manner::Waits(Arc::default()),
            ..Self::answers(source)
        }
    }

    /// By which an office that waits is released.
    pub(super) fn released(&self) -> Arc<Notify> {
        let Manner::Waits(release) = &self.manner else {
            panic!("{:?}", self.manner);
        };
        Arc::clone(release)
    }

    /// Until when each question had to be answered that it was asked.
    pub(super) fn heard(&self) -> Arc<Mutex<Vec<Instant>>> {
        Arc::clone(&self.heard)
    }

    /// Rings when the office is asked for a record.
    pub(super) fn asked(&self) -> Arc<Notify> {
        Arc::clone(&self.asked)
    }
}

impl Agency for Office {
    fn source(&self) -> Source {
        self.source
    }

    fn cap(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn ask<'a>(&'a self, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            self.asked.notify_one();
            self.heard.lock().unwrap().push(question.context.deadline);
            match &self.manner {
                Manner::Answers => {
                    let moved = self.moved.filter(|it| it.0 == question.subject.reveal());
                    let in_force = moved.and_then(|(_, new)| CitizenId::from_agency(new));
                    let answer = answer(self.source, &question.subject);
                    Ok(Answer { in_force, ..answer })
                }
                Manner::KnowsNobody => Err(Miss::not_found()),
                Manner::Hangs => std::future::pending().await,
                Manner::Waits(release) => {
                    release.notified().await;
                    Ok(answer(self.source, &question.subject))
                }
            }
        })
    }

    fn resolves(&self) -> &'static [IdentifierKind] {
        self.resolves
    }

    fn resolve<'a>(
        &'a self,
        _identifier: &'a Identifier,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Resolution, Miss>> {
        Box::pin(async {
            self.heard.lock().unwrap().push(context.deadline);
            if let Manner::Waits(release) = &self.manner {
                release.notified().await;
            }
            (self.resolution)()
        })
    }
}

fn answer(source: Source, subject: &CitizenId) -> Answer {
    let personal_id = subject.reveal().to_owned();
    let record = if source == Source::Tax {
        Record::Tax(Box::new(v1::TaxRecord {
            personal_id,
            tax_code: "0100233488".to_owned(),
            ..Default::default()
        }))
    } else {
        Record::Population(Box::new(v1::PopulationRecord {
            personal_id,
            sex: v1::Sex::Female.into(),
            ..Default::default()
        }))
    };
    Answer {
        record,
        as_of: None,
        upstream_request_id: None,
        in_force: None,
        adoption: FieldSet::EMPTY,
        attempts: 1,
    }
}
