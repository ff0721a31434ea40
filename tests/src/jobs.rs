//! Batch jobs as a caller has them.
#![expect(
    clippy::indexing_slicing,
    reason = "what is not there in an answer ends the test"
)]

use std::time::Duration;

use exchange::RequestId;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::bad_day::Citizens;
use crate::{Rest, RestAnswer};

/// Where jobs are created.
pub const JOBS: &str = "/v1/batchJobs";

/// So many citizens, whom every agency knows.
pub fn citizens(count: usize) -> Vec<String> {
    let mut series = Citizens::new(68);
    (0..count).map(|_| series.next().0).collect()
}

/// A job that asks the same about each.
pub fn job(citizens: &[String], mask: &str) -> Value {
    let items = citizens.iter().enumerate();
    let items = items.map(|(place, citizen)| {
        json!({"correlationId": format!("row-{place}"), "lookup": {"personalId": citizen}})
    });
    json!({
        "context": {
            "requestId": RequestId::fresh().to_string(),
            "purposeCode": "ONE_STOP_DESK",
            "criticality": "CRITICALITY_CITIZEN_WAITING",
        },
        "readMask": mask,
        "items": items.collect::<Vec<_>>(),
    })
}

/// Asks for a job.
pub async fn create(caller: &Rest, job: &Value) -> RestAnswer {
    caller.post(JOBS, job.to_string(), &[]).await.unwrap()
}

/// Creates a job; its id.
pub async fn created(caller: &Rest, job: &Value) -> String {
    let created = create(caller, job).await;
    assert_eq!(created.status, 200, "{}", created.text);
    let created = created.json()["job"].clone();
    assert_eq!(created["jobId"], job["context"]["requestId"]);
    created["jobId"].as_str().unwrap().to_owned()
}

/// A job as it stands.
pub async fn look(caller: &Rest, id: &str) -> Value {
    let got = caller.get(&format!("{JOBS}/{id}")).await.unwrap();
    assert_eq!(got.status, 200, "{}", got.text);
    got.json()["job"].clone()
}

/// Its state, without its prefix.
pub fn state(job: &Value) -> &str {
    let state = job["state"].as_str().unwrap();
    state.trim_start_matches("BATCH_JOB_STATE_")
}

/// Waits until a job is so far.
pub async fn until(caller: &Rest, id: &str, is_so_far: impl Fn(&Value) -> bool) -> Value {
    until_within(Duration::from_secs(50), caller, id, is_so_far).await
}

/// The same, and waits that long at most.
pub async fn until_within(
    patience: Duration,
    caller: &Rest,
    id: &str,
    is_so_far: impl Fn(&Value) -> bool,
) -> Value {
    let begun = Instant::now();
    loop {
        let job = look(caller, id).await;
        if is_so_far(&job) {
            return job;
        }
        assert!(begun.elapsed() < patience, "{job}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// One of its counts.
pub fn count(job: &Value, which: &str) -> u64 {
    job[which].as_u64().unwrap_or(0)
}

/// Every result of a job, in pages of `size`.
pub async fn results(caller: &Rest, id: &str, size: u32) -> Vec<Value> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!("{JOBS}/{id}/results?pageSize={size}&pageToken={token}");
        let page = caller.get(&path).await.unwrap();
        assert_eq!(page.status, 200, "{}", page.text);
        let page = page.json();
        let found = page["results"].as_array().cloned().unwrap_or_default();
        assert!(found.len() <= usize::try_from(size).unwrap());
        all.extend(found);
        match page["nextPageToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => return all,
        }
    }
}
