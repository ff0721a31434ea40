//! Request ids over a restart, a kill, and at another node.

use std::time::Duration;

use exchange::RequestId;
use postmaster::Stop;
use serde_json::{Value, json};
use tests::{Rest, Sandbox, loop_until, records_of};
use tokio::time::{Instant, sleep};

use crate::nodes::{Second, two_nodes};
use crate::replays::{ask, question};

const ONE: &str = "999099000001";
const OTHER: &str = "999099000002";
/// Whose tax record takes two seconds.
const SLOW: &str = "999099000164";
/// What was used in the tenth of a second before a kill may be forgotten.
const WRITTEN: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(20);

fn fresh() -> String {
    RequestId::fresh().to_string()
}

/// Asks under a fresh id: the id and the place of the record.
async fn answered(caller: &Rest, id: &str) -> (String, Value) {
    let request = fresh();
    let (status, answer) = ask(caller, &question(&request, id)).await;
    assert_eq!(status, 200, "{answer}");
    (request, place(&answer))
}

/// The place of an answer's record, as `replay_of` says it.
fn place(answer: &Value) -> Value {
    let receipt = |key: &str| answer["receipt"][key].as_str().unwrap().to_owned();
    json!(format!("{} {}", receipt("logOrigin"), receipt("seq")))
}

/// Asserts that the id stands for another question.
async fn is_reused(caller: &Rest, request: &str) {
    let (status, refused) = ask(caller, &question(request, OTHER)).await;
    assert_eq!(status, 422, "{refused}");
    assert_eq!(refused["reason"], "REQUEST_ID_REUSED");
}

/// Row P12: a node that was ended, and one that was killed, still knows what an id stood for.
#[tokio::test]
async fn an_id_is_known_after_a_restart_and_after_a_kill() {
    let mut sandbox = Sandbox::start();
    for is_killed in [false, true] {
        let commune = Rest::new(&sandbox, "commune");
        let (request, first) = answered(&commune, ONE).await;
        sandbox = if is_killed {
            sleep(WRITTEN).await;
            sandbox.kill().restart()
        } else {
            sandbox.interrupt().restart()
        };
        let commune = Rest::new(&sandbox, "commune");
        is_reused(&commune, &request).await;
        let (status, again) = ask(&commune, &question(&request, ONE)).await;
        assert_eq!(status, 200, "{again}");
        let records = records_of(&sandbox.path("/log/dir"), &request);
        let replays: Vec<_> = records.iter().map(|(_, it)| &it["replay_of"]).collect();
        assert_eq!(replays, [&Value::Null, &first], "killed: {is_killed}");
    }
}

/// Row P12: a question that ran when its node was killed is over; its id still stands for it.
#[tokio::test]
async fn a_question_that_a_kill_has_cut_short_is_over() {
    let sandbox = Sandbox::start();
    let commune = Rest::new(&sandbox, "commune");
    let request = fresh();
    let asked = question(&request, SLOW).to_string();
    let path = "/v1/citizens:lookup";
    let cut = tokio::spawn(async move { commune.post(path, asked, &[]).await.is_err() });
    sleep(WRITTEN).await;
    let sandbox = sandbox.kill().restart();
    assert!(cut.await.unwrap(), "it was answered");
    let commune = Rest::new(&sandbox, "commune");
    is_reused(&commune, &request).await;
    assert_eq!(ask(&commune, &question(&request, SLOW)).await.0, 200);
}

/// The same caller at both nodes.
fn callers(sandbox: &Sandbox, second: &Second) -> [Rest; 2] {
    let here = Rest::new(sandbox, "commune");
    [here, Rest::at(&second.url, sandbox, "commune")]
}

/// Row P12: of two nodes with one database, each knows what runs and what was asked at the other, also
/// once that was killed.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_was_used_at_one_node_is_known_at_the_other() {
    let Some((_server, sandbox, mut second)) = two_nodes() else {
        return;
    };
    let [here, there] = callers(&sandbox, &second);
    let request = fresh();
    let asked = question(&request, SLOW);
    let meanwhile = async {
        sleep(WRITTEN).await;
        let begun = Instant::now();
        // Another question first: it leaves nothing behind.
        is_reused(&there, &request).await;
        let (status, refused) = ask(&there, &asked).await;
        assert_eq!(status, 409, "{refused}");
        assert_eq!(refused["reason"], "REQUEST_IN_PROGRESS");
        assert!(begun.elapsed() < Duration::from_secs(1), "it was asked");
    };
    let ((status, first), ()) = tokio::join!(ask(&here, &asked), meanwhile);
    assert_eq!(status, 200, "{first}");
    let again = over(&there, &asked).await;
    let records = records_of(&sandbox.dir().join("log-2"), &request);
    let [(_, repeated)] = &records[..] else {
        panic!("what was refused is asked of nobody: {records:?}");
    };
    assert_eq!(repeated["replay_of"], place(&first));
    is_reused(&here, &request).await;

    // The record of the second answer is the one that a third repeats, wherever it is asked.
    second.restart();
    over(&here, &asked).await;
    let records = records_of(&sandbox.path("/log/dir"), &request);
    let replays: Vec<_> = records.iter().map(|(_, it)| &it["replay_of"]).collect();
    assert_eq!(replays, [&Value::Null, &place(&again)]);
    let [_, there] = callers(&sandbox, &second);
    is_reused(&there, &request).await;
}

/// Asks until the other node has said that its question is over, which takes some milliseconds.
async fn over(caller: &Rest, asked: &Value) -> Value {
    let begun = Instant::now();
    loop {
        let (status, answer) = ask(caller, asked).await;
        if status == 200 {
            return answer;
        }
        assert_eq!(status, 409, "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(3), "it is not over");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Whether ids are stored, as the metrics say.
async fn stored(operator: &Rest) -> bool {
    let metrics = operator.get("/metrics").await.unwrap().text;
    let line = |value| format!("\ngateway_request_ids_stored {value}\n");
    assert!(
        metrics.contains(&line(0)) || metrics.contains(&line(1)),
        "{metrics}"
    );
    metrics.contains(&line(1))
}

async fn until_stored(operator: &Rest, expected: bool) {
    let begun = Instant::now();
    while stored(operator).await != expected {
        assert!(begun.elapsed() < PATIENCE, "stored is not {expected}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Row P12: without the database each node goes on with what it knows by itself, and when it is back,
/// the other learns what was used meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_a_node_knows_its_own_ids() {
    let Some((mut server, sandbox, second)) = two_nodes() else {
        return;
    };
    let [here, there] = callers(&sandbox, &second);
    let operator = Rest::plain(sandbox.text("/operations"));
    let (before, _) = answered(&here, ONE).await;
    assert!(stored(&operator).await);

    server.stop(Stop::Immediate).unwrap();
    let begun = Instant::now();
    let (request, first) = answered(&here, ONE).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "it waited: {took:?}");
    is_reused(&here, &request).await;
    is_reused(&here, &before).await;
    until_stored(&operator, false).await;
    // The other one cannot know, and answers.
    let (unknown, _) = answered(&there, ONE).await;
    let (status, _) = ask(&here, &question(&unknown, OTHER)).await;
    assert_eq!(status, 200);
    let logged = sandbox.logged();
    assert_eq!(logged.matches("request ids are not stored").count(), 1);

    server.start().unwrap();
    until_stored(&operator, true).await;
    loop_until(PATIENCE, || {
        let logged = sandbox.logged();
        logged
            .contains("request ids are stored again")
            .then_some(())
    });
    sleep(WRITTEN).await;
    is_reused(&there, &request).await;
    let (status, again) = ask(&there, &question(&request, ONE)).await;
    assert_eq!(status, 200, "{again}");
    let records = records_of(&sandbox.dir().join("log-2"), &request);
    assert_eq!(records[0].1["replay_of"], first);
}
