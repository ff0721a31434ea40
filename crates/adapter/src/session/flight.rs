//! One login under way: a task of its own, for which any number of callers wait.
//!
//! *Invariant:* it ends at its cap; if nobody is left who could use it, at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::Login;
use crate::{BoxFuture, Miss};

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
        let now = Instant::now();
        Self {
            token: token.into(),
            renew_at: now + life.mul_f32(0.7),
            over_at: now + life,
        }
    }
}

/// `Debug` shows no token.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("renew_at", &self.renew_at)
            .field("over_at", &self.over_at)
            .finish_non_exhaustive()
    }
}

/// A login under way, shared by those who wait for it.
#[derive(Clone)]
pub(super) struct Flight(Shared<BoxFuture<'static, Result<Held, Miss>>>);

impl Flight {
    /// Logs in, within `cap`.
    pub(super) fn begin<L: Login>(login: &Arc<L>, cap: Duration) -> Self {
        let login = Arc::clone(login);
        let deadline = Instant::now() + cap;
        let task = tokio::spawn(async move {
            let late = |_| Miss::timeout("the login does not end");
            let granted = timeout_at(deadline, login.log_in(deadline)).await;
            let (token, life) = granted.map_err(late)??;
            Ok(Held::granted(token, life))
        });
        let task = AbortOnDropHandle::new(task);
        let broken = |_| Err(Miss::invalid("INTERNAL", "the login panicked"));
        let flight: BoxFuture<'static, _> =
            Box::pin(async move { task.await.unwrap_or_else(broken) });
        Self(flight.shared())
    }

    /// Waits for its end.
    pub(super) async fn landed(self) -> Result<Held, Miss> {
        self.0.await
    }

    /// Its end, if it has come.
    pub(super) fn has_landed(&self) -> Option<Result<Held, Miss>> {
        self.0.clone().now_or_never()
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flight")
    }
}
