//! Who may come in: the signature of a request, and sessions.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, RwLock};

use exchange::{CitizenId, Clock};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Uri};

use super::ACCOUNT;
use crate::population::wire::authorization;

/// How far the clock of the sender may be off: 5 minutes.
const CLOCK_SKEW_MS: i64 = 300_000;

/// How long a session lives.
pub(super) const LIFE_S: i64 = 1_200;

/// How many ended sessions are remembered per subject.
const REMEMBERED: usize = 1_024;

/// The door.
#[derive(Debug)]
pub(super) struct Door {
    secret: String,
    clock: Arc<dyn Clock>,
    /// Sessions and the second at which each ends.
    sessions: RwLock<HashMap<Box<str>, i64>>,
    /// Sessions that were said to be over when asked about one subject: over for good there. The
    /// other questions of a session live on, so that concurrent tests do not end each other's.
    ended: Mutex<VecDeque<(CitizenId, Box<str>)>>,
}

impl Door {
    pub(super) fn new(secret: String, clock: Arc<dyn Clock>) -> Self {
        Self {
            secret,
            clock,
            sessions: RwLock::default(),
            ended: Mutex::default(),
        }
    }

    /// True if the request is signed by the account, for this address, at this time.
    pub(super) fn is_signed(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let (Some(host), Some(timestamp), Some(signed)) = (
            text(HOST.as_str()),
            text("timestamp"),
            text(AUTHORIZATION.as_str()),
        ) else {
            return false;
        };
        let now = self.clock.now().as_millisecond();
        let age = timestamp.parse().map(|sent: i64| now.saturating_sub(sent));
        let url = format!("http://{host}{uri}");
        let expected = authorization(&url, ACCOUNT, timestamp, &self.secret);
        let equal = aws_lc_rs::constant_time::verify_slices_are_equal;
        age.is_ok_and(|age| age.saturating_abs() <= CLOCK_SKEW_MS)
            && equal(signed.as_bytes(), expected.as_bytes()).is_ok()
    }

    /// Opens a session; none if there is no randomness.
    pub(super) fn open(&self) -> Option<String> {
        let mut bytes = [0; 16];
        aws_lc_rs::rand::fill(&mut bytes).ok()?;
        let session = hex::encode(bytes);
        let now = self.clock.now().as_second();
        let mut sessions = self.sessions.write().ok()?;
        sessions.retain(|_, end| *end > now);
        sessions.insert(session.as_str().into(), now + LIFE_S);
        Some(session)
    }

    /// True if the session is open.
    pub(super) fn is_open(&self, session: &str, subject: Option<&CitizenId>) -> bool {
        let now = self.clock.now().as_second();
        let alive = self
            .sessions
            .read()
            .is_ok_and(|sessions| sessions.get(session).is_some_and(|end| *end > now));
        let ended = |ended: &VecDeque<(CitizenId, Box<str>)>| {
            ended
                .iter()
                .any(|(id, of)| Some(id) == subject && &**of == session)
        };
        alive && !self.ended.lock().is_ok_and(|all| ended(&all))
    }

    /// Ends the session for questions about one subject.
    pub(super) fn end(&self, session: &str, subject: &CitizenId) {
        if let Ok(mut ended) = self.ended.lock() {
            if ended.len() >= REMEMBERED {
                ended.pop_front();
            }
            ended.push_back((*subject, session.into()));
        }
    }
}
