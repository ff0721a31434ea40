//! What names of the network stand for. The system is asked on a thread that nobody can call back, so
//! it is asked once about a name for all who wait, and never again before it has answered.
//!
//! Not here: which addresses an agency may have (`reach`).
//!
//! *Invariants:* no more threads wait for the system than there are names; nobody waits longer than
//! [`WITHIN`].

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{Instant, timeout};

use crate::{BoxFuture, Flight};

/// The addresses of a host; an address in figures is its own.
///
/// # Errors
/// A name that nobody knows, or that nobody answers for in time.
pub(crate) async fn look_up(host: &str) -> io::Result<Arc<[IpAddr]>> {
    match host.parse() {
        Ok(ip) => Ok(Arc::from([ip])),
        Err(_) => NAMES.look_up(host).await,
    }
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names::new(|host| Box::pin(ask(host))));

/// Asks the system.
async fn ask(host: Box<str>) -> io::Result<Vec<IpAddr>> {
    let found = lookup_host((&*host, 0)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

/// What was asked, and what is known. The names are those of a configuration, so they are few.
struct Names {
    asked: Mutex<HashMap<Box<str>, Asked>>,
    ask: fn(Box<str>) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>,
}

/// A name that was asked about.
struct Asked {
    at: Instant,
    answer: Flight<Result<Arc<[IpAddr]>, Unknown>>,
}

/// Why nothing is known of a name.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
struct Unknown(Arc<str>);

impl Names {
    fn new(ask: fn(Box<str>) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>) -> Self {
        let asked = Mutex::default();
        Self { asked, ask }
    }

    async fn look_up(&self, host: &str) -> io::Result<Arc<[IpAddr]>> {
        let answer = self.answer(host);
        let landed = timeout(WITHIN, answer.landed()).await?;
        landed.map_err(io::Error::other)
    }

    /// The answer that is known or awaited; if there is none, the system is asked.
    fn answer(&self, host: &str) -> Flight<Result<Arc<[IpAddr]>, Unknown>> {
        let mut asked = self.asked();
        if let Some(known) = asked.get(host).filter(|it| it.is_good()) {
            return known.answer.clone();
        }
        let asking = (self.ask)(host.into());
        let answer = async move {
            let found = asking.await;
            found
                .map(Arc::from)
                .map_err(|error| Unknown(error.to_string().into()))
        };
        let answer = Flight::begin(answer, || Err(Unknown("the question panicked".into())));
        let at = Instant::now();
        let known = Asked {
            at,
            answer: answer.clone(),
        };
        asked.insert(host.into(), known);
        answer
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<Box<str>, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// True while it is awaited, and for a while after it was asked.
    fn is_good(&self) -> bool {
        match self.answer.has_landed() {
            None => true,
            Some(Ok(_)) => self.at.elapsed() < KEPT,
            Some(Err(_)) => false,
        }
    }
}

/// As long as a connection may take to open.
const WITHIN: Duration = Duration::from_secs(1);
/// Less than any name is said to be good for; as many connections as are opened at once ask once.
const KEPT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use futures_util::future::join_all;
    use tokio::time::sleep;

    use super::*;

    static QUESTIONS: AtomicUsize = AtomicUsize::new(0);

    /// Counts; knows `a` after a while, each time at the next address, does not know `b`, and says
    /// nothing of others.
    fn system(host: Box<str>) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let turn = u8::try_from(QUESTIONS.fetch_add(1, Relaxed)).unwrap();
        Box::pin(async move {
            sleep(WITHIN / 4).await;
            match &*host {
                "a" => Ok(vec![[10, 0, 0, turn].into()]),
                "b" => Err(io::ErrorKind::NotFound.into()),
                _ => pending().await,
            }
        })
    }

    /// One process runs one test, so what is counted is its own.
    async fn counted<T>(questions: impl Future<Output = T>) -> (T, usize) {
        let before = QUESTIONS.load(Relaxed);
        let answer = questions.await;
        (answer, QUESTIONS.load(Relaxed) - before)
    }

    /// Row U01: an address that the system has replaced is used for a second more.
    #[tokio::test(start_paused = true)]
    async fn the_system_is_asked_once_for_all_who_wait_and_again_after_a_while() {
        let names = Names::new(system);
        let all = join_all((0..20).map(|_| names.look_up("a")));
        let (answers, asked) = counted(all).await;
        assert!(answers.iter().all(|it| it.as_ref().unwrap().len() == 1));
        assert_eq!(asked, 1);
        let (known, asked) = counted(names.look_up("a")).await;
        assert_eq!((&known.unwrap(), asked), (answers[0].as_ref().unwrap(), 0));
        sleep(KEPT).await;
        let (moved, asked) = counted(names.look_up("a")).await;
        assert_eq!(asked, 1);
        assert_ne!(&moved.unwrap(), answers[0].as_ref().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_nobody_knows_is_asked_about_again() {
        let names = Names::new(system);
        for _ in 0..2 {
            let (answer, asked) = counted(names.look_up("b")).await;
            assert!(answer.is_err());
            assert_eq!(asked, 1);
        }
    }

    /// Row U01: names that nobody answers for.
    #[tokio::test(start_paused = true)]
    async fn a_name_without_an_answer_keeps_one_thread_and_nobody_longer_than_a_second() {
        let names = Names::new(system);
        let waiting = async {
            for _ in 0..10 {
                let begun = Instant::now();
                let late = names.look_up("hangs").await.unwrap_err();
                assert_eq!(late.kind(), io::ErrorKind::TimedOut);
                assert!(begun.elapsed() <= WITHIN * 11 / 10);
            }
        };
        assert_eq!(counted(waiting).await.1, 1);
        assert_eq!(names.look_up("a").await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn figures_are_no_name() {
        let ip: IpAddr = [10, 0, 0, 1].into();
        assert_eq!(*look_up("10.0.0.1").await.unwrap(), [ip]);
        assert!(NAMES.asked().is_empty());
    }
}
