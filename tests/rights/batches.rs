//! Batch jobs and who may have them: a caller that is stopped, another query's page, another node.

use std::collections::BTreeSet;
use std::time::Duration;

use api::v1;
use api::v1::batch_service_client::BatchServiceClient;
use serde_json::{Value, json};
use tests::jobs::{JOBS, citizens, count, created, job, look, results, state, until};
use tests::{Rest, Sandbox, channel};
use tokio::time::{Instant, sleep};

use crate::nodes::two_nodes;
use crate::switches::{RESUME, STOP, thrown};

/// Has every answer of an agency take that long.
async fn slow(sandbox: &Sandbox, source: &str, ms: u64) {
    let control = sandbox.text(&format!("/agencies/{source}/control"));
    let knobs = json!({"latency": {"fixed": {"ms": ms}}});
    let set = Rest::plain(control).put("/knobs", &knobs).await;
    assert_eq!(set.status, 200, "{}", set.text);
}

fn rows(results: &[Value]) -> BTreeSet<String> {
    let row = |it: &Value| it["correlationId"].as_str().unwrap().to_owned();
    results.iter().map(row).collect()
}

/// Row T10: a job of an agency that is stopped asks nobody any more, and ends with that reason; a job that
/// waits for a source that is stopped goes on when that is resumed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_heeds_what_operators_stop() {
    let sandbox = Sandbox::start();
    let operator = Rest::plain(sandbox.text("/operations"));
    let caller = Rest::new(&sandbox, "commune");
    slow(&sandbox, "tax", 100).await;
    let citizens = citizens(60);
    thrown(&operator, STOP, "source:tax").await;
    let id = created(&caller, &job(&citizens, "tax.personalId")).await;
    let paused = until(&caller, &id, |job| state(job) == "PAUSED").await;
    assert_eq!(paused["reason"], "SOURCE_SUSPENDED", "{paused}");
    thrown(&operator, RESUME, "source:tax").await;
    until(&caller, &id, |job| count(job, "succeeded") >= 4).await;
    thrown(&operator, STOP, "agency:H55").await;
    let begun = Instant::now();
    let ended = r#"gateway_batch_jobs{state="FAILED"} 1"#;
    while !operator.get("/metrics").await.unwrap().text.contains(ended) {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not end");
        sleep(Duration::from_millis(100)).await;
    }
    let refused = caller.get(&format!("{JOBS}/{id}")).await.unwrap();
    assert_eq!(
        refused.json()["reason"],
        "AGENCY_SUSPENDED",
        "{}",
        refused.text
    );
    thrown(&operator, RESUME, "agency:H55").await;
    let failed = look(&caller, &id).await;
    assert_eq!(state(&failed), "FAILED", "{failed}");
    assert_eq!(failed["reason"], "AGENCY_SUSPENDED", "{failed}");
    let kept = results(&caller, &id, 50).await;
    assert_eq!(kept.len() as u64, count(&failed, "succeeded"), "{failed}");
    assert!(kept.len() < 60, "it was over already");
}

/// Row P08: a page of the results of a job is asked for with the token of that job alone, and both doors
/// say the same of a job and of its results.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_results_is_of_one_job() {
    let sandbox = Sandbox::start();
    let caller = Rest::new(&sandbox, "commune");
    let mut tokens = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let id = created(&caller, &job(&citizens(3), "tax.personalId")).await;
        until(&caller, &id, |job| state(job) == "SUCCEEDED").await;
        let page = caller.get(&format!("{JOBS}/{id}/results?pageSize=1")).await;
        let page = page.unwrap().json();
        tokens.push(page["nextPageToken"].as_str().unwrap().to_owned());
        ids.push(id);
    }
    for (token, status) in [(&tokens[0], 200), (&tokens[1], 400)] {
        let path = format!("{JOBS}/{}/results?pageToken={token}", ids[0]);
        let page = caller.get(&path).await.unwrap();
        assert_eq!(page.status, status, "{}", page.text);
    }
    let mut grpc = BatchServiceClient::new(channel(&sandbox, "commune").await);
    let job_id = ids[0].clone();
    let got = grpc.get_batch_job(v1::GetBatchJobRequest {
        job_id: job_id.clone(),
    });
    let got = json!(got.await.unwrap().into_inner().job.unwrap());
    assert_eq!(got, look(&caller, &job_id).await);
    let page = grpc.list_batch_job_results(v1::ListBatchJobResultsRequest {
        job_id: job_id.clone(),
        page_token: tokens[0].clone(),
        ..Default::default()
    });
    let page = json!(page.await.unwrap().into_inner().results);
    let mut all = json!(results(&caller, &job_id, 50).await);
    assert_eq!(
        all.as_array_mut().unwrap().remove(0)["requestId"]
            .as_str()
            .map(str::len),
        Some(36)
    );
    assert_eq!(page, all);
    let path = format!("{JOBS}/{}/results", ids[0]);
    for (query, field) in [("pageSize=-1", "pageSize"), ("all=1", "query")] {
        let wrong = caller.get(&format!("{path}?{query}")).await.unwrap();
        assert_eq!(wrong.status, 400, "{}", wrong.text);
        assert_eq!(wrong.json()["violations"][0]["field"], field);
    }
}

/// Row U16: of two nodes with one PostgreSQL one runs a job; when it is killed the other one goes on with it,
/// and every item has one result.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_goes_on_at_the_other_node() {
    let Some((_server, sandbox, mut second)) = two_nodes() else {
        return;
    };
    let here = Rest::new(&sandbox, "commune");
    let there = Rest::at(&second.url, &sandbox, "commune");
    slow(&sandbox, "tax", 100).await;
    let citizens = citizens(100);
    let id = created(&there, &job(&citizens, "tax.personalId")).await;
    until(&here, &id, |job| count(job, "succeeded") >= 10).await;
    second.kill();
    let done = until(&here, &id, |job| state(job) == "SUCCEEDED").await;
    assert_eq!(count(&done, "succeeded"), 100, "{done}");
    let results = results(&here, &id, 50).await;
    assert_eq!((results.len(), rows(&results).len()), (100, 100));
}
