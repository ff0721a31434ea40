//! Maintenance of an agency, announced in the configuration or by its own answers: nobody asks it
//! meanwhile, and who wants to is told at once when to come again.
//!
//! One answer that says so may be about one record alone; two in a row are believed until the end
//! that they name. When that has come, one question goes ahead and the others wait for how it ends.
//!
//! Not here: an agency that fails without a word (the guard).

#[cfg(test)]
mod tests;
mod windows;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use exchange::{Clock, FieldSet, Identifier, IdentifierKind, Source};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::dossier::{Dossier, Enquiry, Seen};
use crate::{Agency, Answer, BoxFuture, Context, Miss, Question, Resolution};
pub use windows::Window;

/// An agency that is left alone while it is under maintenance.
#[derive(Debug)]
pub struct Maintained {
    inner: Arc<dyn Agency>,
    windows: Vec<Window>,
    clock: Arc<dyn Clock>,
    /// Until when its own answers say so, in milliseconds of Unix time; 0 if they do not.
    learned_ms: AtomicI64,
    /// How many answers in a row have said so.
    said: AtomicU32,
}

impl Maintained {
    /// An agency with the maintenance that is announced for it.
    pub fn new(inner: Arc<dyn Agency>, windows: Vec<Window>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            windows,
            clock,
            learned_ms: AtomicI64::new(0),
            said: AtomicU32::new(0),
        }
    }

    /// Lets a question pass unless there is maintenance.
    fn pass(&self) -> Result<(), Miss> {
        let learned = self.learned_ms.load(Ordering::Acquire);
        if learned == 0 && self.windows.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        if let Some(end) = self.announced(now) {
            return Err(until(end, now));
        }
        if learned == 0 {
            return Ok(());
        }
        let now_ms = now.as_millisecond();
        if now_ms < learned {
            return Err(until_ms(learned, now_ms));
        }
        // It is over, if one who asks finds it so; the others wait for that one.
        let next = now_ms + PROBE_MS;
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        match self
            .learned_ms
            .compare_exchange(learned, next, success, failure)
        {
            Ok(_) | Err(0) => Ok(()),
            Err(other) => Err(until_ms(other, now_ms)),
        }
    }

    /// When the last of the announced windows ends that are open.
    fn announced(&self, now: Timestamp) -> Option<Timestamp> {
        let open = self.windows.iter().filter_map(|window| window.end(now));
        open.max()
    }

    /// Asks unless there is maintenance, and learns from how that ended.
    fn unless_closed<'a, T: Send + 'a>(
        &'a self,
        ask: impl FnOnce() -> BoxFuture<'a, Result<T, Miss>>,
    ) -> BoxFuture<'a, Result<T, Miss>> {
        if let Err(miss) = self.pass() {
            return Box::pin(std::future::ready(Err(miss)));
        }
        let asked = ask();
        Box::pin(async move {
            let ended = asked.await;
            self.learn(&ended);
            ended
        })
    }

    /// Learns from how a question ended.
    fn learn<T>(&self, ended: &Result<T, Miss>) {
        let said = match ended {
            Err(miss) if miss.reason == "MAINTENANCE" => miss.retry_after,
            // Who gives no answer does not say that it is over.
            Err(miss) if miss.state.is_failure() => return,
            _ => None,
        };
        let Some(again) = said else {
            return self.over();
        };
        if self.said.fetch_add(1, Ordering::AcqRel) + 1 < BELIEVED {
            return;
        }
        let again = again.clamp(SHORTEST, LONGEST);
        let end = self.clock.now() + again;
        let before = self.learned_ms.swap(end.as_millisecond(), Ordering::AcqRel);
        if before == 0 {
            let source = self.source();
            tracing::warn!(%source, %end, "Maintenance: a source says so, and is not asked until then");
        }
    }

    /// Notes that the agency answers.
    fn over(&self) {
        if self.said.load(Ordering::Acquire) == 0 {
            return;
        }
        self.said.store(0, Ordering::Release);
        if self.learned_ms.swap(0, Ordering::AcqRel) != 0 {
            let source = self.source();
            tracing::warn!(%source, "Maintenance: a source answers again");
        }
    }
}

impl Agency for Maintained {
    fn source(&self) -> Source {
        self.inner.source()
    }

    fn cap(&self) -> Duration {
        self.inner.cap()
    }

    fn serves(&self) -> FieldSet {
        self.inner.serves()
    }

    fn resolves(&self) -> &'static [IdentifierKind] {
        self.inner.resolves()
    }

    fn ask<'a>(&'a self, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        self.unless_closed(|| self.inner.ask(question))
    }

    fn resolve<'a>(
        &'a self,
        identifier: &'a Identifier,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Resolution, Miss>> {
        self.unless_closed(|| self.inner.resolve(identifier, context))
    }

    fn look<'a>(
        &'a self,
        dossier: &'a Dossier,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Seen, Miss>> {
        self.unless_closed(|| self.inner.look(dossier, deadline))
    }

    fn resend<'a>(
        &'a self,
        enquiry: &'a Enquiry,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Seen, Miss>> {
        self.unless_closed(|| self.inner.resend(enquiry, deadline))
    }

    fn maintenance(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let learned = Timestamp::from_millisecond(self.learned_ms.load(Ordering::Acquire));
        let learned = learned.ok().filter(|end| *end > now);
        learned.max(self.announced(now))
    }
}

fn until(end: Timestamp, now: Timestamp) -> Miss {
    until_ms(end.as_millisecond(), now.as_millisecond())
}

/// The miss of a question that is not asked, with a time to come again of at least a second.
fn until_ms(end: i64, now: i64) -> Miss {
    let left = u64::try_from(end.saturating_sub(now)).unwrap_or(0);
    let left = Duration::from_millis(left).max(SHORTEST);
    Miss::maintenance(Some(left)).after(0)
}

/// How many answers in a row must say that there is maintenance.
const BELIEVED: u32 = 2;
/// The shortest maintenance that is believed, and the shortest time to come again.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest; the agency is looked at again then.
const LONGEST: Duration = Duration::from_secs(3_600);
/// How long the others wait for the one question that goes ahead: as long as a call by default.
const PROBE_MS: i64 = 2_500;
