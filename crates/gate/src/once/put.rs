//! A question to one source as it is put: it holds all it needs, so that it goes on when who asked it
//! first has left.

use std::sync::Arc;

use adapter::guard::{Cut, Guarded, NO_TIME, Patience};
use adapter::{Answer, BoxFuture, Context, Miss, Question, Resolution, boxed};
use exchange::{Caller, CitizenId, FieldSet, Flag, Identifier, Request, Source, SourceState};
use tokio::time::Instant;

use super::{By, Key, Mode, Once};
use crate::ask::Asking;

/// What a source is asked, why, for whom and until when.
#[derive(Clone, Debug)]
pub(crate) struct Put {
    pub(crate) guarded: Guarded,
    pub(crate) caller: Caller,
    pub(crate) request: Arc<Request>,
    pub(crate) agreement: Arc<str>,
    pub(crate) traceparent: Option<String>,
    pub(crate) patience: Patience,
}

/// How a question to a source ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended<T> {
    pub(crate) result: Result<T, Miss>,
    /// Until when whoever asked it could wait, if it was that which ended it.
    cut: Option<Instant>,
}

impl<T> Ended<T> {
    /// True if whoever asked had too little time: nothing that is said of somebody who has more.
    pub(crate) fn is_cut_before(&self, deadline: Instant) -> bool {
        self.cut.is_some_and(|cut| cut < deadline)
    }
}

impl Asking<'_> {
    /// A question to a source as it is put.
    pub(crate) fn put(
        self,
        guarded: &Guarded,
        patience: Patience,
        traceparent: Option<&str>,
    ) -> Put {
        Put {
            patience,
            guarded: guarded.clone(),
            caller: self.call.caller.clone(),
            request: Arc::clone(self.request),
            agreement: Arc::clone(self.permit.agreement()),
            traceparent: traceparent.map(str::to_owned),
        }
    }

    /// What makes a question to a source the same as another. About a person, if they are known to be
    /// asked about.
    pub(crate) fn key(
        self,
        source: Source,
        fields: FieldSet,
        subject: Option<&CitizenId>,
    ) -> Option<Key> {
        let tag = self.tag?;
        let tag = match (subject, &self.request.subject.identifier) {
            (None, _) => tag,
            (Some(subject), Identifier::Personal(id)) if id == subject => tag,
            (Some(subject), _) => self.gate.tags.about(tag, subject)?,
        };
        Some(Key {
            tag,
            source,
            fields,
        })
    }

    /// Puts a question to a source, or waits until then for the end of the same one. Whoever has more time
    /// than whoever put it puts it again when that is over.
    pub(crate) async fn once<T: Clone + Send + Sync + 'static>(
        self,
        once: &Once<Ended<T>>,
        (source, key): (Source, Option<Key>),
        until: Instant,
        call: impl Fn() -> BoxFuture<'static, Ended<T>>,
    ) -> (Result<T, Miss>, By) {
        let Some(key) = key else {
            return (call().await.result, By::Itself);
        };
        let mut cut = None;
        loop {
            let (result, by) = match once.ask(key, until, &call).await {
                Some((ended, By::Another)) if ended.is_cut_before(until) => {
                    cut = ended.result.err();
                    continue;
                }
                Some((ended, by)) => (ended.result, by),
                None => (Err(Miss::timeout(LATE)), By::Another),
            };
            return match (result, cut) {
                // What the source did is worth more than that it was not asked again.
                (Err(miss), Some(cut)) if miss.attempts == 0 => self.joined(source, Err(cut)),
                (result, _) if by == By::Another => self.joined(source, result),
                (result, _) => (result, by),
            };
        }
    }

    /// What another question has brought.
    fn joined<T>(self, source: Source, result: Result<T, Miss>) -> (Result<T, Miss>, By) {
        self.gate.deps.observer.joined(source);
        if self.mode != Mode::Claims {
            self.open.raise(Flag::Joined);
        }
        (result.map_err(|miss| miss.after(0)), By::Another)
    }
}

impl Put {
    /// Asks about a person.
    pub(crate) fn ask(
        self,
        subject: CitizenId,
        fields: FieldSet,
    ) -> BoxFuture<'static, Ended<Answer>> {
        boxed(|| async move {
            let question = Question {
                subject,
                hints: &self.request.subject.hints,
                fields,
                context: self.context(),
            };
            let asked = self.guarded.ask(self.patience, &question).await;
            self.ended(asked.map(|(mut answer, before)| {
                answer.attempts += before;
                answer
            }))
        })
    }

    /// Asks who is behind the number of the request.
    pub(crate) fn resolve(self) -> BoxFuture<'static, Ended<Resolution>> {
        boxed(|| async move {
            let context = self.context();
            let number = &self.request.subject.identifier;
            let asked = self.guarded.resolve(self.patience, number, &context).await;
            self.ended(asked.map(|(resolution, _)| resolution))
        })
    }

    fn context(&self) -> Context<'_> {
        Context {
            caller: &self.caller,
            request: &self.request,
            agreement: &self.agreement,
            deadline: self.patience.deadline,
            traceparent: self.traceparent.as_deref(),
        }
    }

    fn ended<T>(&self, result: Result<T, Miss>) -> Ended<T> {
        let is_cut = match &result {
            Err(miss) if miss.reason == NO_TIME => true,
            Err(miss) if miss.state == SourceState::Timeout => {
                self.patience.ended_by(Instant::now()) == Cut::Caller
            }
            Ok(_) | Err(_) => false,
        };
        Ended {
            cut: is_cut.then_some(self.patience.deadline),
            result,
        }
    }
}

const LATE: &str = "no answer in the time there was";
