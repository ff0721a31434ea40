//! A session with an agency: a token that the agency gives for a while.
//!
//! Not here: how an agency is logged in to ([`Login`] is the adapter's), how it says that a session
//! is over.
//!
//! *Invariants:* one login is under way at most, however many callers need it; nobody waits for one
//! while a token holds; a login ends by itself, and a caller at its own deadline.

mod held;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use exchange::Source;
use tokio::time::{Instant, timeout_at};

use crate::{Blame, Flight, LogOuts, Miss, Progress};
use held::Held;

/// How an adapter logs in.
pub trait Login: Send + Sync + 'static {
    /// Where.
    const SOURCE: Source;

    /// Logs in: a token and its life.
    fn log_in(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<(String, Duration), Miss>> + Send;
}

/// What an agency says in a session.
#[derive(Debug)]
pub enum Heard<T> {
    /// This.
    Answer(T),
    /// That the session is over; if that is the end of it, it is this miss.
    SessionOver(Miss),
}

/// A session, opened by the first call and renewed as long as there are calls.
///
/// From 70 % of its life on, a token is renewed beside the calls that use it. A renewal that fails
/// harms none of them: it is tried again after a while, and in need once the token is over.
#[derive(Debug)]
pub struct Session<L> {
    login: Arc<L>,
    cap: Duration,
    state: Mutex<State>,
    log_outs: LogOuts,
}

/// The token at hand, and the login under way.
#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    flight: Option<Opening>,
    /// How many logins have failed since one was granted.
    failures: u32,
    /// Until when none is tried again while there is no token, and what is said meanwhile.
    refused: Option<(Instant, Miss)>,
}

/// A login under way.
type Opening = Flight<Result<Held, Miss>>;

/// What a caller without a token is told.
#[derive(Debug)]
enum Wait {
    /// To wait for this login.
    Login(Opening),
    /// That there is none: it has failed too often.
    Refused(Miss),
}

impl<L: Login> Session<L> {
    /// A session that is not open yet; a login takes no longer than `cap`.
    pub fn new(login: Arc<L>, cap: Duration) -> Self {
        Self {
            login,
            cap,
            state: Mutex::default(),
            log_outs: LogOuts::default(),
        }
    }

    /// Asks in the session in force; and once again, in a new one, if the agency says that it is
    /// over, unless it has just said so of a new one too. Returns the answer and how many calls it
    /// took.
    ///
    /// # Errors
    /// The miss of the login or of the call, with the calls made; a login that does not end before
    /// `deadline`; what the agency says of a session that is over in the end.
    pub async fn with<T, F>(
        &self,
        deadline: Instant,
        ask: impl Fn(Arc<str>) -> F,
    ) -> Result<(T, u32), Miss>
    where
        F: Future<Output = Result<Heard<T>, Miss>>,
    {
        let mut call = 0;
        loop {
            let token = self.token(deadline).await;
            let token = token.map_err(|miss| not_opened(miss).after(call))?;
            call += 1;
            let over = match ask(Arc::clone(&token)).await {
                Ok(Heard::SessionOver(over)) => over,
                Ok(Heard::Answer(answer)) => {
                    self.log_outs.answered();
                    return Ok((answer, call));
                }
                Err(miss) => return Err(miss.after(call)),
            };
            self.state().forget(&token);
            if call == CALLS || !self.log_outs.may_ask_again() {
                self.log_outs.in_vain();
                return Err(over.after(call));
            }
        }
    }

    /// The token in force, or that of the login under way.
    async fn token(&self, deadline: Instant) -> Result<Arc<str>, Miss> {
        let begin = || held::begin(&self.login, self.cap);
        let flight = match self.state().token(begin) {
            Ok(token) => return Ok(token),
            Err(Wait::Login(flight)) => flight,
            Err(Wait::Refused(miss)) => return Err(miss),
        };
        let late = |_| Miss::timeout("no session before the deadline");
        let landed = timeout_at(deadline, flight.landed()).await;
        landed.map_err(late)?.map(|held| held.token)
    }

    /// The state, in which every login that has ended is taken note of.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(L::SOURCE);
        state
    }
}

impl State {
    /// The token in force; if there is none, the login to wait for.
    fn token(&mut self, begin: impl FnOnce() -> Opening) -> Result<Arc<str>, Wait> {
        let now = Instant::now();
        self.held.take_if(|held| held.over_at <= now);
        match &self.held {
            Some(held) if now < held.renew_at => Ok(Arc::clone(&held.token)),
            Some(held) => {
                self.flight.get_or_insert_with(begin);
                Ok(Arc::clone(&held.token))
            }
            None => match &self.refused {
                Some((until, miss)) if now < *until => Err(Wait::Refused(Miss {
                    retry_after: Some(miss.retry_after.unwrap_or(*until - now)),
                    ..miss.clone().after(0)
                })),
                _ => Err(Wait::Login(self.flight.get_or_insert_with(begin).clone())),
            },
        }
    }

    /// Forgets a token that the agency no longer takes. One that was granted since stays, also if it reads
    /// the same.
    fn forget(&mut self, token: &Arc<str>) {
        self.held.take_if(|held| Arc::ptr_eq(&held.token, token));
    }

    /// Takes note of a login that has ended.
    fn settle(&mut self, source: Source) {
        let Some(landed) = self.flight.as_ref().and_then(Flight::has_landed) else {
            return;
        };
        self.flight = None;
        match landed {
            Ok(held) => {
                self.held = Some(held);
                (self.failures, self.refused) = (0, None);
            }
            Err(miss) => {
                let now = Instant::now();
                if let Some(held) = &mut self.held {
                    tracing::warn!(%source, reason = miss.reason, detail = miss.detail, "a session was not renewed; the one at hand goes on");
                    held.renew_at = now + pause(self.failures);
                } else if self.failures > 0 {
                    // Once may be an accident; an account that tries again and again is locked.
                    self.refused = Some((now + pause(self.failures - 1), miss));
                }
                self.failures = self.failures.saturating_add(1);
            }
        }
    }
}

/// A login that may have been heard is not tried at once again: accounts are locked for less. Whatever it
/// is refused for, no question is to blame.
fn not_opened(miss: Miss) -> Miss {
    let blame = Blame::Source;
    let miss = Miss { blame, ..miss };
    match miss.progress {
        Progress::Sent => miss.at(Progress::Answering),
        Progress::Unsent | Progress::Answering => miss,
    }
}

/// How long to leave an agency alone after that many logins have failed in a row.
fn pause(failures: u32) -> Duration {
    PAUSE.saturating_mul(1 << failures.min(5))
}

/// The first call, and one more in a fresh session.
const CALLS: u32 = 2;
/// After the first failure; 32 s from the sixth on, within the last third of a life of two minutes.
const PAUSE: Duration = Duration::from_secs(1);
