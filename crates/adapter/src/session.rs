//! A session with an agency: renewed by one flight however many callers wait.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::Miss;

/// A token that an agency gives for a while.
///
/// One caller logs in while the others wait; each waits no longer than its own deadline. At 70 %
/// of its life the token is renewed by the next caller.
#[derive(Debug, Default)]
pub struct Session {
    held: Mutex<Option<Held>>,
}

/// A token and when it is renewed. `Debug` shows no token.
#[derive(Clone)]
struct Held {
    token: Arc<str>,
    renew_at: Instant,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held")
            .field("renew_at", &self.renew_at)
            .finish()
    }
}

impl Session {
    /// The token in force; logs in if there is none or it is due.
    ///
    /// `login` returns a token and its life.
    ///
    /// # Errors
    /// The miss of the login, or a timeout at `deadline`.
    pub async fn token<F, L>(&self, deadline: Instant, login: F) -> Result<Arc<str>, Miss>
    where
        F: FnOnce() -> L,
        L: Future<Output = Result<(String, Duration), Miss>>,
    {
        let late = || Miss::timeout("no session before the deadline").after(0);
        let mut held = timeout_at(deadline, self.held.lock())
            .await
            .map_err(|_| late())?;
        if let Some(Held { token, renew_at }) = held.as_ref()
            && Instant::now() < *renew_at
        {
            return Ok(Arc::clone(token));
        }
        let (token, life) = timeout_at(deadline, login()).await.map_err(|_| late())??;
        let token: Arc<str> = token.into();
        *held = Some(Held {
            token: Arc::clone(&token),
            renew_at: Instant::now() + life.mul_f32(0.7),
        });
        Ok(token)
    }

    /// Forgets `token`, which the agency no longer takes. A token renewed meanwhile stays.
    pub async fn expire(&self, token: &str) {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|held| &*held.token == token) {
            *held = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_callers_log_in_once() {
        let session = Arc::new(Session::default());
        let logins = Arc::new(AtomicU32::new(0));
        let deadline = Instant::now() + Duration::from_secs(5);
        let callers = (0..50).map(|_| {
            let (session, logins) = (Arc::clone(&session), Arc::clone(&logins));
            tokio::spawn(async move {
                let login = || async {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    let n = logins.fetch_add(1, Ordering::SeqCst);
                    Ok((format!("token-{n}"), Duration::from_secs(100)))
                };
                session.token(deadline, login).await
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            assert_eq!(&*caller.await.unwrap().unwrap(), "token-0");
        }
        assert_eq!(logins.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_at_seventy_percent_of_its_life() {
        let session = Session::default();
        let far = Instant::now() + Duration::from_secs(1_000);
        let login = |n: u32| move || async move { Ok((n.to_string(), Duration::from_secs(100))) };
        session.token(far, login(1)).await.unwrap();
        tokio::time::advance(Duration::from_secs(69)).await;
        assert_eq!(&*session.token(far, login(2)).await.unwrap(), "1");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(&*session.token(far, login(3)).await.unwrap(), "3");
        session.expire("1").await;
        assert_eq!(&*session.token(far, login(4)).await.unwrap(), "3");
        session.expire("3").await;
        assert_eq!(&*session.token(far, login(5)).await.unwrap(), "5");
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_that_hangs_ends_at_the_deadline() {
        let session = Session::default();
        let deadline = Instant::now() + Duration::from_secs(1);
        let miss = session
            .token(deadline, std::future::pending)
            .await
            .unwrap_err();
        assert_eq!(miss.state, exchange::SourceState::Timeout);
    }
}
