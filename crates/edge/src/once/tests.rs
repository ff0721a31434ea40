//! What an id means that was used before.

use std::time::Duration;

use exchange::{AgencyCode, SystemId};
use tempfile::TempDir;

use super::*;
use crate::tests::world::{DAY, request_ids};

/// Ids that nobody has used, and the folder that they are kept in.
fn fresh() -> (Once, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (again(&dir), dir)
}

/// The same after a restart.
fn again(dir: &TempDir) -> Once {
    Once::new(request_ids(dir.path(), DAY)).unwrap()
}

fn caller(agency: &str) -> Caller {
    let (agency, system) = (AgencyCode::parse(agency), SystemId::parse("desk"));
    Caller::new(agency.unwrap(), system.unwrap(), "ab")
}

fn message(id: &str) -> v1::ResolveIdentifierRequest {
    v1::ResolveIdentifierRequest {
        context: None,
        subject: Some(v1::SubjectRef {
            id: Some(v1::subject_ref::Id::PersonalId(id.to_owned())),
            hints: None,
        }),
    }
}

fn receipt(seq: u64) -> v1::AuditReceipt {
    v1::AuditReceipt {
        log_origin: "log".to_owned(),
        seq,
        ..Default::default()
    }
}

/// Asks with the method `m`.
async fn ask(once: &Once, who: &Caller, id: RequestId, asked: &str) -> Result<Running, Fault> {
    once.begin(who, id, "m", &message(asked)).await
}

fn reason(begun: Result<Running, Fault>) -> Reason {
    begun.map(drop).unwrap_err().reason
}

fn repeated(running: &Running) -> Option<u64> {
    running.repeats().map(|it| it.seq)
}

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_again_only_when_it_is_over_and_is_the_same() {
    let (once, _dir) = fresh();
    let (id, desk) = (RequestId::fresh(), caller("H55"));
    let begin = async |who: &Caller, number| ask(&once, who, id, number).await;
    let first = begin(&desk, "999099000001").await.unwrap();
    assert!(first.repeats().is_none());
    let same = begin(&desk, "999099000001").await;
    assert_eq!(reason(same), Reason::RequestInProgress);
    let other = begin(&desk, "999099000002").await;
    assert_eq!(reason(other), Reason::RequestIdReused);
    let other = begin(&caller("G12"), "999099000002").await.unwrap();
    assert!(other.repeats().is_none(), "another caller is independent");
    first.answered(Some(&receipt(7)));
    let again = begin(&desk, "999099000001").await.unwrap();
    assert_eq!(repeated(&again), Some(7));
    drop(again);
    let third = begin(&desk, "999099000001").await.unwrap();
    assert_eq!(repeated(&third), Some(7), "no answer came between");
    let other = begin(&desk, "999099000002").await;
    assert_eq!(reason(other), Reason::RequestIdReused);
    let asked = message("999099000001");
    let method = once.begin(&desk, id, "other", &asked).await;
    assert_eq!(reason(method), Reason::RequestIdReused);
}

#[tokio::test]
async fn after_a_restart_it_is_the_same() {
    let (once, dir) = fresh();
    let [id, left, twice] = [(); 3].map(|()| RequestId::fresh());
    let desk = caller("H55");
    let long = "9".repeat(3 * MESSAGE_BYTES);
    let first = ask(&once, &desk, id, &long).await.unwrap();
    first.answered(Some(&receipt(7)));
    // One that nobody has waited for.
    drop(ask(&once, &desk, left, "1").await.unwrap());
    // And one that nobody has waited for the second time.
    let first = ask(&once, &desk, twice, "1").await.unwrap();
    first.answered(Some(&receipt(1 << 40)));
    drop(ask(&once, &desk, twice, "1").await.unwrap());
    once.0.ids.close();

    let once = again(&dir);
    let other = ask(&once, &desk, id, "2");
    assert_eq!(reason(other.await), Reason::RequestIdReused);
    let same = ask(&once, &desk, id, &long).await.unwrap();
    assert_eq!(repeated(&same), Some(7));
    let other = ask(&once, &desk, left, "2");
    assert_eq!(reason(other.await), Reason::RequestIdReused);
    let same = ask(&once, &desk, left, "1").await.unwrap();
    assert_eq!(repeated(&same), None, "it had no answer");
    let same = ask(&once, &desk, twice, "1").await.unwrap();
    assert_eq!(repeated(&same), Some(1 << 40));
    assert_eq!(same.repeats().map(|it| it.log).as_deref(), Some("log"));
}

#[tokio::test(start_paused = true)]
async fn after_a_day_an_id_is_fresh() {
    let (once, _dir) = fresh();
    let (id, desk) = (RequestId::fresh(), caller("H55"));
    let first = ask(&once, &desk, id, "999099000001").await;
    first.unwrap().answered(Some(&receipt(7)));
    tokio::time::advance(DAY - Duration::from_secs(1)).await;
    let other = async || ask(&once, &desk, id, "999099000002").await;
    assert_eq!(reason(other().await), Reason::RequestIdReused);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(other().await.unwrap().repeats().is_none());
}

#[tokio::test(start_paused = true)]
async fn many_ids_do_not_grow_the_book() {
    let (once, _dir) = fresh();
    let (first, desk) = (RequestId::fresh(), caller("H55"));
    drop(ask(&once, &desk, first, "1").await.unwrap());
    for _ in 0..=RequestIds::MOST {
        let id = RequestId::fresh();
        drop(ask(&once, &desk, id, "1").await.unwrap());
    }
    assert!(once.book().len() <= RequestIds::MOST);
    let other = ask(&once, &desk, first, "2");
    assert!(other.await.is_ok(), "the oldest is forgotten");
    // The latest is not, though places have moved since.
    let (last, other) = (RequestId::fresh(), RequestId::fresh());
    drop(ask(&once, &desk, last, "1").await.unwrap());
    drop(ask(&once, &desk, other, "1").await.unwrap());
    let reused = ask(&once, &desk, last, "2");
    assert_eq!(reason(reused.await), Reason::RequestIdReused);
}
