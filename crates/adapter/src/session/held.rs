//! A token at hand, and the login that grants one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Login;
use crate::{Flight, Miss};

/// A token that was granted.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) token: Arc<str>,
    /// From here on it is renewed.
    pub(super) renew_at: Instant,
    /// From here on it is not used.
    pub(super) over_at: Instant,
}

impl Held {
    fn granted(token: String, life: Duration) -> Self {
        let (now, life) = (Instant::now(), life.max(SHORTEST_LIFE));
        Self {
            token: token.into(),
            renew_at: now + life.mul_f32(0.7),
            over_at: now + life,
        }
    }
}

/// A token that is over before is told so by the agency; one of no life at all would be a login for each question.
const SHORTEST_LIFE: Duration = Duration::from_secs(10);

/// `Debug` shows no token.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("renew_at", &self.renew_at)
            .field("over_at", &self.over_at)
            .finish_non_exhaustive()
    }
}

/// Logs in, within `cap`.
pub(super) fn begin<L: Login>(login: &Arc<L>, cap: Duration) -> Flight<Result<Held, Miss>> {
    let login = Arc::clone(login);
    let deadline = Instant::now() + cap;
    let granted = async move {
        let late = |_| Miss::timeout("the login does not end");
        let granted = timeout_at(deadline, login.log_in(deadline)).await;
        let (token, life) = granted.map_err(late)??;
        Ok(Held::granted(token, life))
    };
    Flight::begin(granted, || {
        Err(Miss::invalid("INTERNAL", "the login panicked"))
    })
}
