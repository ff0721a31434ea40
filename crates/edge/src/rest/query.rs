//! The query of the one route that has one.

use api::v1;
use exchange::{Fault, Reason, Violation};
use http::request::Parts;

/// Reads which results of a job are asked for: `pageSize` and `pageToken`, each once at most.
///
/// # Errors
/// `INVALID_ARGUMENT` with everything that is wrong.
pub(super) fn results(
    job_id: String,
    head: &Parts,
) -> Result<v1::ListBatchJobResultsRequest, Fault> {
    let mut message = v1::ListBatchJobResultsRequest {
        job_id,
        ..Default::default()
    };
    let (mut violations, mut known) = (Vec::new(), Vec::new());
    let query = head.uri.query().unwrap_or_default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut wrong = |field: &str, what: &str| violations.push(violation(field, what));
        match key {
            _ if known.contains(&key) => wrong(key, "stands more than once"),
            "pageSize" => match value.parse() {
                Ok(size) => message.page_size = size,
                Err(_) => wrong("page_size", "is no number"),
            },
            "pageToken" => value.clone_into(&mut message.page_token),
            _ => wrong("query", "has only pageSize and pageToken"),
        }
        known.push(key);
    }
    match violations.is_empty() {
        true => Ok(message),
        false => Err(Fault::invalid(violations)),
    }
}

fn violation(field: &str, what: &str) -> Violation {
    Violation {
        field: field.to_owned(),
        description: what.to_owned(),
        reason: Reason::InvalidArgument,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn read(query: &str) -> Result<v1::ListBatchJobResultsRequest, Vec<String>> {
        let head = Request::get(format!("/v1/batchJobs/7/results{query}"));
        let (head, ()) = head.body(()).unwrap().into_parts();
        let wrong = |fault: Fault| fault.violations.iter().map(|it| it.field.clone()).collect();
        results("7".to_owned(), &head).map_err(wrong)
    }

    #[test]
    fn a_query_says_which_page_and_nothing_else() {
        assert_eq!(read("").unwrap().job_id, "7");
        let page = read("?pageToken=AQ&pageSize=7").unwrap();
        assert_eq!((page.page_size, &*page.page_token), (7, "AQ"));
        assert_eq!(read("?pageSize=-1").unwrap().page_size, -1);
        let wrong = read("?pageSize=x&pageSize=1&other=999&pageToken").unwrap_err();
        assert_eq!(wrong, ["page_size", "pageSize", "query"]);
    }
}
