//! The same question asked at once, by whoever stays and whoever leaves.

use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

use super::*;

/// A source that answers when it is let, and counts.
#[derive(Clone, Default)]
struct Office {
    asked: Arc<AtomicUsize>,
    answers: Arc<Notify>,
}

impl Office {
    fn call(&self) -> BoxFuture<'static, &'static str> {
        let office = self.clone();
        Box::pin(async move {
            office.asked.fetch_add(1, SeqCst);
            office.answers.notified().await;
            "so it is"
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

fn key(said: u8) -> Key {
    Key {
        tag: Tag::from([said; 32]),
        source: Source::Tax,
        fields: FieldSet::of(Source::Tax),
    }
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(3)
}

#[tokio::test]
async fn who_asks_alone_is_answered_by_its_own_call() {
    let (once, office) = (Once::default(), Office::default());
    office.answers.notify_one();
    let told = once.ask(key(1), far(), || office.call()).await;
    assert_eq!(told, Some(("so it is", By::Itself)));
    assert_eq!((office.asked(), once.len()), (1, 0));
}

#[tokio::test]
async fn the_same_question_is_put_once_and_all_are_told() {
    let (once, office) = (Once::default(), Office::default());
    let asking = (0..50).map(|_| once.ask(key(1), far(), || office.call()));
    let mut all = pin!(join_all(asking));
    assert!(poll!(&mut all).is_pending());
    assert_eq!((office.asked(), once.len()), (1, 1));
    office.answers.notify_one();
    let told = all.await;
    let own = told
        .iter()
        .filter(|it| **it == Some(("so it is", By::Itself)));
    let others = told
        .iter()
        .filter(|it| **it == Some(("so it is", By::Another)));
    assert_eq!((own.count(), others.count()), (1, 49));
    assert_eq!((office.asked(), once.len()), (1, 0));
}

#[tokio::test]
async fn what_differs_in_anything_is_put_apart() {
    let (once, office) = (Once::default(), Office::default());
    let keys = [
        key(1),
        key(2),
        Key {
            source: Source::Health,
            ..key(1)
        },
        Key {
            fields: FieldSet::EMPTY,
            ..key(1)
        },
    ];
    let asking = keys.map(|key| once.ask(key, far(), || office.call()));
    let mut all = pin!(join_all(asking));
    assert!(poll!(&mut all).is_pending());
    assert_eq!((office.asked(), once.len()), (4, 4));
}

#[tokio::test]
async fn whoever_made_the_call_leaves_it_to_those_who_wait() {
    let (once, office) = (Once::default(), Office::default());
    let mut asking: Vec<_> = (0..4)
        .map(|_| Box::pin(once.ask(key(1), far(), || office.call())))
        .collect();
    for asking in &mut asking {
        assert!(poll!(asking).is_pending());
    }
    // The first, and then whoever was handed the call, before it looks and after.
    drop(asking.remove(0));
    drop(asking.pop());
    assert!(poll!(&mut asking[1]).is_pending());
    drop(asking.pop());
    office.answers.notify_one();
    let told = asking.remove(0).await;
    assert_eq!(told, Some(("so it is", By::Another)));
    assert_eq!((office.asked(), once.len()), (1, 0));
}

#[tokio::test]
async fn with_the_last_who_leaves_the_call_is_dropped() {
    let once = Once::<()>::default();
    let cut = CancellationToken::new();
    let call = || -> BoxFuture<'static, ()> {
        let held: DropGuard = cut.clone().drop_guard();
        Box::pin(async move {
            let _held = held;
            pending().await
        })
    };
    let mut first = Box::pin(once.ask(key(1), far(), call));
    let mut second = Box::pin(once.ask(key(1), far(), || Box::pin(pending())));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    drop(first);
    assert!(!cut.is_cancelled());
    drop(second);
    assert!(cut.is_cancelled());
    assert_eq!(once.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_waits_no_longer_than_its_own_time() {
    let (once, office) = (Once::default(), Office::default());
    let mut first = Box::pin(once.ask(key(1), far(), || office.call()));
    assert!(poll!(&mut first).is_pending());
    let begun = Instant::now();
    let soon = begun + Duration::from_millis(200);
    assert_eq!(once.ask(key(1), soon, || office.call()).await, None);
    assert_eq!(begun.elapsed(), Duration::from_millis(200));
    // Also with the call of another in hand.
    let mut second = Box::pin(once.ask(key(1), far(), || office.call()));
    assert!(poll!(&mut second).is_pending());
    drop(first);
    assert_eq!(second.await, None);
    assert_eq!((office.asked(), once.len()), (1, 0));
}

#[tokio::test]
async fn a_call_that_breaks_breaks_for_nobody_else() {
    let once = Arc::new(Once::default());
    let (office, breaks) = (Office::default(), Arc::new(Notify::new()));
    let (line, bang) = (Arc::clone(&once), Arc::clone(&breaks));
    let first = tokio::spawn(async move {
        let call = || -> BoxFuture<'static, _> {
            Box::pin(async move {
                bang.notified().await;
                panic!("a defect")
            })
        };
        line.ask(key(1), far(), call).await
    });
    while once.len() == 0 {
        tokio::task::yield_now().await;
    }
    let mut second = Box::pin(once.ask(key(1), far(), || office.call()));
    assert!(poll!(&mut second).is_pending());
    breaks.notify_one();
    assert!(first.await.is_err());
    office.answers.notify_one();
    assert_eq!(second.await, Some(("so it is", By::Itself)));
    assert_eq!(once.len(), 0);
}

#[tokio::test]
async fn whoever_has_left_makes_room() {
    let (once, office) = (Once::default(), Office::default());
    let mut first = Box::pin(once.ask(key(1), far(), || office.call()));
    assert!(poll!(&mut first).is_pending());
    for _ in 0..1_000 {
        let mut left = Box::pin(once.ask(key(1), far(), || office.call()));
        assert!(poll!(&mut left).is_pending());
    }
    let shards = once.shards.iter();
    let room = shards.map(|shard| {
        let shard = shard.lock().unwrap();
        shard.iter().map(|it| it.waiting.capacity()).sum::<usize>()
    });
    assert!(room.sum::<usize>() <= 16);
}
