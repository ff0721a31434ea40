//! Maintenance on a clock that is set: who is asked, who is told to come again, and when.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use exchange::{
    AgencyCode, CallContext, Caller, CitizenId, Criticality, FieldSet, Identifier, MatchHints,
    PurposeCode, Request, RequestId, Source, SourceSet, SourceState, Subject, SystemId,
};

use super::*;
use crate::guard::{Config, Guarded};
use crate::{Agency, Answer, BoxFuture, Context, Question};

/// 10:00 in Vietnam on a Monday.
const NOW: &str = "2026-11-30T03:00:00Z";

#[derive(Debug)]
struct Hands(Mutex<Timestamp>);

impl Hands {
    fn pass(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now += jiff::SignedDuration::from_secs(seconds);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// An agency that says the next of these, and counts how often it is asked.
#[derive(Debug)]
struct Office {
    asked: AtomicU32,
    says: Mutex<Vec<Miss>>,
}

impl Agency for Office {
    fn source(&self) -> Source {
        Source::Population
    }

    fn cap(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn ask<'a>(&'a self, _: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let next = self.says.lock().unwrap().pop();
        Box::pin(std::future::ready(
            Err(next.unwrap_or_else(Miss::not_found)),
        ))
    }
}

struct Desk {
    office: Arc<Office>,
    clock: Arc<Hands>,
    kept: Guarded,
}

fn desk(windows: &[&str], says: Vec<Miss>) -> Desk {
    let office = Arc::new(Office {
        asked: AtomicU32::new(0),
        says: Mutex::new(says),
    });
    let clock = Arc::new(Hands(Mutex::new(NOW.parse().unwrap())));
    let windows = windows.iter().map(|text| (*text).to_owned());
    let windows = windows.map(|text| Window::try_from(text).unwrap());
    let announced = Announced::new(windows.collect(), Arc::clone(&clock) as _);
    let first = ("here".to_owned(), Arc::clone(&office) as _);
    let kept = Guarded::at(first, Vec::new(), &Config::default(), announced);
    Desk {
        office,
        clock,
        kept,
    }
}

impl Desk {
    /// Asks about somebody else each time.
    async fn ask(&self) -> Miss {
        self.ask_about(self.asked() + 1).await
    }

    async fn ask_about(&self, person: u32) -> Miss {
        let id = CitizenId::from_agency(&format!("999099{person:06}")).unwrap();
        let agency = AgencyCode::parse("H55").unwrap();
        let caller = Caller::new(agency, SystemId::parse("desk").unwrap(), "");
        let request = request(id);
        let hints = MatchHints::default();
        let question = Question {
            subject: id,
            hints: &hints,
            fields: FieldSet::of(Source::Population),
            context: Context {
                caller: &caller,
                request: &request,
                agreement: "a",
                deadline: tokio::time::Instant::now() + Duration::from_secs(1),
                traceparent: None,
            },
        };
        let patience = self.kept.guard.patience(question.context.deadline);
        self.kept.ask(patience, &question).await.unwrap_err()
    }

    fn asked(&self) -> u32 {
        self.office.asked.load(Ordering::Relaxed)
    }
}

fn request(id: CitizenId) -> Request {
    Request {
        context: CallContext {
            id: RequestId::fresh(),
            purpose: PurposeCode::parse("ONE_STOP_DESK").unwrap(),
            agreement: None,
            procedure: None,
            dossier: None,
            officer: None,
            consent: None,
            criticality: Criticality::CitizenWaiting,
            reason: None,
        },
        subject: Subject {
            identifier: Identifier::Personal(id),
            hints: MatchHints::default(),
        },
        mask: FieldSet::of(Source::Population),
        required: SourceSet::EMPTY,
        dry_run: false,
    }
}

fn says(seconds: u64) -> Miss {
    Miss::maintenance(Some(Duration::from_secs(seconds)))
}

#[tokio::test]
async fn in_an_announced_window_nobody_is_asked_and_all_are_told_when_it_ends() {
    let desk = desk(&["monday 09:00-11:00"], Vec::new());
    let told = desk.ask().await;
    assert_eq!(
        (told.state, told.reason),
        (SourceState::Unavailable, "MAINTENANCE")
    );
    assert_eq!(told.retry_after, Some(Duration::from_secs(3_600)));
    assert_eq!((told.attempts, desk.asked()), (0, 0));
    assert_eq!(
        desk.kept.guard.maintenance().unwrap().to_string(),
        "2026-11-30T04:00:00Z"
    );
    desk.clock.pass(3_600);
    assert_eq!(desk.ask().await.state, SourceState::NotFound);
    assert_eq!((desk.kept.guard.maintenance(), desk.asked()), (None, 1));
}

#[tokio::test]
async fn what_is_said_once_is_not_believed_and_what_is_said_twice_is() {
    let other = Miss::not_found();
    let desk = desk(&[], vec![says(60), says(60), other, says(60)]);
    for asked in 1..=4 {
        desk.ask().await;
        assert_eq!(desk.asked(), asked);
    }
    desk.clock.pass(10);
    let told = desk.ask().await;
    assert_eq!((told.reason, told.attempts), ("MAINTENANCE", 0));
    assert_eq!(told.retry_after, Some(Duration::from_secs(50)));
    assert_eq!(desk.asked(), 4);
    assert!(desk.kept.guard.maintenance().is_some());
}

#[tokio::test]
async fn when_it_should_be_over_one_goes_ahead_and_the_others_wait() {
    let desk = desk(&[], vec![says(5), says(60), says(60)]);
    desk.ask().await;
    desk.ask().await;
    desk.clock.pass(60);
    // The one that goes ahead hears that it lasts.
    assert_eq!(desk.ask().await.retry_after, Some(Duration::from_secs(5)));
    assert_eq!((desk.ask().await.attempts, desk.asked()), (0, 3));
    desk.clock.pass(5);
    assert_eq!(desk.ask().await.state, SourceState::NotFound);
    assert_eq!(desk.ask().await.state, SourceState::NotFound);
    assert_eq!((desk.kept.guard.maintenance(), desk.asked()), (None, 5));
}

#[tokio::test]
async fn a_question_that_goes_ahead_and_gets_no_answer_holds_the_others_for_a_call() {
    let silent = Miss::timeout("no answer");
    let desk = desk(&[], vec![silent, says(60), says(60)]);
    desk.ask().await;
    desk.ask().await;
    desk.clock.pass(60);
    assert_eq!(desk.ask().await.state, SourceState::Timeout);
    let told = desk.ask().await;
    assert_eq!((told.reason, told.attempts), ("MAINTENANCE", 0));
    desk.clock.pass(3);
    assert_eq!(desk.ask().await.state, SourceState::NotFound);
}

#[tokio::test]
async fn what_is_said_of_one_record_alone_closes_nothing() {
    let desk = desk(&[], vec![says(60); 8]);
    for _ in 0..6 {
        desk.ask_about(1).await;
        desk.clock.pass(10);
    }
    assert_eq!((desk.kept.guard.maintenance(), desk.asked()), (None, 6));
    desk.ask_about(2).await;
    assert!(desk.kept.guard.maintenance().is_some());
}

#[tokio::test]
async fn without_an_end_it_is_neither_believed_nor_over() {
    let without = || Miss::maintenance(None);
    let desk = desk(
        &[],
        vec![says(60), without(), says(60), without(), without()],
    );
    for asked in 1..=4 {
        desk.ask().await;
        assert_eq!((desk.kept.guard.maintenance(), desk.asked()), (None, asked));
    }
    desk.ask().await;
    assert!(desk.kept.guard.maintenance().is_some());
}

#[tokio::test]
async fn maintenance_that_lasts_without_an_end_lasts_a_while_longer() {
    let desk = desk(&[], vec![Miss::maintenance(None), says(5), says(5)]);
    desk.ask().await;
    desk.ask().await;
    desk.clock.pass(5);
    // The one that goes ahead hears so.
    assert_eq!(desk.ask().await.reason, "MAINTENANCE");
    let told = desk.ask().await;
    assert_eq!((told.attempts, desk.asked()), (0, 3));
    assert_eq!(told.retry_after, Some(A_WHILE));
}

#[tokio::test]
async fn once_a_minute_one_goes_ahead_to_see_whether_it_is_over_early() {
    let desk = desk(&[], vec![says(3_600), says(3_600), says(3_600)]);
    desk.ask().await;
    desk.ask().await;
    desk.clock.pass(59);
    assert_eq!((desk.ask().await.attempts, desk.asked()), (0, 2));
    desk.clock.pass(1);
    assert_eq!(desk.ask().await.attempts, 1, "it lasts");
    assert_eq!((desk.ask().await.attempts, desk.asked()), (0, 3));
    let end = desk.kept.guard.maintenance().unwrap();
    assert_eq!(end.to_string(), "2026-11-30T04:01:00Z");
    desk.clock.pass(60);
    assert_eq!(
        desk.kept.guard.maintenance(),
        Some(end),
        "until somebody has looked"
    );
    assert_eq!(desk.ask().await.state, SourceState::NotFound);
    assert_eq!((desk.kept.guard.maintenance(), desk.asked()), (None, 4));
}

#[tokio::test]
async fn however_long_it_is_to_last_it_is_believed_for_an_hour() {
    let desk = desk(&[], vec![says(1_000_000_000), says(1_000_000_000)]);
    desk.ask().await;
    desk.ask().await;
    let told = desk.ask().await;
    assert_eq!(told.retry_after, Some(Duration::from_secs(3_600)));
    desk.clock.pass(3_599);
    assert!(desk.kept.guard.maintenance().is_some());
    desk.clock.pass(1);
    assert_eq!((desk.kept.guard.maintenance(), desk.asked()), (None, 2));
    assert_eq!(desk.ask().await.state, SourceState::NotFound);
    assert_eq!(desk.ask().await.state, SourceState::NotFound);
}

#[tokio::test]
async fn a_look_without_an_answer_is_followed_by_another_a_minute_later() {
    let silent = Miss::timeout("no answer");
    let desk = desk(&[], vec![silent, says(3_600), says(3_600)]);
    desk.ask().await;
    desk.ask().await;
    desk.clock.pass(60);
    assert_eq!(desk.ask().await.state, SourceState::Timeout);
    let told = desk.ask().await;
    assert_eq!((told.reason, told.attempts), ("MAINTENANCE", 0));
    assert_eq!(told.retry_after, Some(Duration::from_secs(3_540)));
    desk.clock.pass(60);
    assert_eq!(desk.ask().await.state, SourceState::NotFound);
}
