//! Faults: each has its own state, and none is "not found".

use std::time::Duration;

use adapter::Miss;
use agencies::Entry;
use exchange::SourceState;
use tests::{Ask, Bench, ask_agency};
use tokio::time::Instant;

/// The persona that meets the fault of that number at this agency: `99909900010S`, `…11S` and on.
fn persona(fault: u32, entry: &Entry) -> String {
    format!("9990990001{fault}{}", entry.source as u8)
}

/// The miss of a persona at every agency, each asked of an agency of its own.
async fn misses(fault: u32, ask: Ask<'_>) -> Vec<(&'static Entry, Miss)> {
    let mut misses = Vec::new();
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let asked = bench.ask(&persona(fault, entry), ask).await;
        let miss = asked.err();
        misses.push((
            entry,
            miss.unwrap_or_else(|| panic!("{} answered", entry.source)),
        ));
        bench.sim.stop().await;
    }
    misses
}

#[tokio::test]
async fn a_source_that_hangs_is_a_timeout_at_the_deadline() {
    let within = Duration::from_millis(300);
    let begun = Instant::now();
    for (entry, miss) in misses(
        0,
        Ask {
            within,
            ..Ask::default()
        },
    )
    .await
    {
        assert_eq!(miss.state, SourceState::Timeout, "{}: {miss}", entry.source);
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn an_error_of_the_source_is_unavailable() {
    for (entry, miss) in misses(1, Ask::default()).await {
        assert_eq!(
            miss.state,
            SourceState::Unavailable,
            "{}: {miss}",
            entry.source
        );
    }
}

#[tokio::test]
async fn a_reset_in_the_middle_of_the_answer_is_no_answer() {
    for (entry, miss) in misses(2, Ask::default()).await {
        let expected = [SourceState::Unavailable, SourceState::InvalidAnswer];
        assert!(expected.contains(&miss.state), "{}: {miss}", entry.source);
    }
}

#[tokio::test]
async fn garbage_is_an_invalid_answer() {
    for (entry, miss) in misses(3, Ask::default()).await {
        assert_eq!(
            miss.state,
            SourceState::InvalidAnswer,
            "{}: {miss}",
            entry.source
        );
    }
}

#[tokio::test]
async fn an_answer_about_another_person_never_passes() {
    for (entry, miss) in misses(4, Ask::default()).await {
        assert_eq!(
            miss.state,
            SourceState::InvalidAnswer,
            "{}: {miss}",
            entry.source
        );
        assert_eq!(miss.reason, "WRONG_SUBJECT", "{}: {miss}", entry.source);
    }
}

#[tokio::test]
async fn an_expired_session_is_renewed_and_the_question_asked_once_again() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let answer = bench.ask(&persona(5, entry), Ask::default()).await;
        let answer = answer.unwrap_or_else(|miss| panic!("{}: {miss}", entry.source));
        assert_eq!(answer.attempts, 2, "{}", entry.source);
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn a_slow_source_answers_if_there_is_time_and_times_out_if_not() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let hurry = Ask {
            within: Duration::from_millis(500),
            ..Ask::default()
        };
        let miss = bench.ask(&persona(6, entry), hurry).await.unwrap_err();
        assert_eq!(miss.state, SourceState::Timeout, "{}: {miss}", entry.source);
        let answer = bench.ask(&persona(6, entry), Ask::default()).await;
        answer.unwrap_or_else(|miss| panic!("{}: {miss}", entry.source));
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn the_source_s_own_limit_says_when_to_come_again() {
    for (entry, miss) in misses(7, Ask::default()).await {
        assert_eq!(
            miss.state,
            SourceState::RateLimited,
            "{}: {miss}",
            entry.source
        );
        assert_eq!(
            miss.retry_after,
            Some(Duration::from_secs(3)),
            "{}",
            entry.source
        );
    }
}

#[tokio::test]
async fn maintenance_is_said_by_its_name() {
    for (entry, miss) in misses(8, Ask::default()).await {
        assert_eq!(
            miss.state,
            SourceState::Unavailable,
            "{}: {miss}",
            entry.source
        );
        assert_eq!(miss.reason, "MAINTENANCE", "{}: {miss}", entry.source);
    }
}

#[tokio::test]
async fn a_source_that_nobody_serves_is_unavailable_within_a_second() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let agency = bench.elsewhere(entry, port);
        let begun = Instant::now();
        let miss = ask_agency(&*agency, "999099000001", Ask::default())
            .await
            .unwrap_err();
        assert_eq!(
            miss.state,
            SourceState::Unavailable,
            "{}: {miss}",
            entry.source
        );
        assert!(begun.elapsed() < Duration::from_secs(2), "{}", entry.source);
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn many_callers_renew_one_session_together() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let asks = (0..20).map(|n| {
            let agency = std::sync::Arc::clone(&bench.agency);
            tokio::spawn(async move {
                ask_agency(&*agency, &format!("99909900{}", 2000 + n), Ask::default()).await
            })
        });
        for ask in asks.collect::<Vec<_>>() {
            let asked = ask.await.unwrap();
            let answered = asked
                .as_ref()
                .map_or_else(|miss| miss.state, |_| SourceState::Ok);
            assert!(answered.is_answer(), "{}: {asked:?}", entry.source);
        }
        let logins = bench.sim.journal().entries();
        let logins = logins
            .iter()
            .filter(|asked| ["DangNhap", "token", "login"].contains(&asked.operation.as_ref()));
        assert!(
            logins.count() <= 1,
            "{} logged in more than once",
            entry.source
        );
        bench.sim.stop().await;
    }
}
