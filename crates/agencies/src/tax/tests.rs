//! A stream of obligations, as the register may end it.

use api::agency::v1::StreamObligationsResponse;
use api::v1::TaxObligation;
use exchange::{CitizenId, SourceState};
use futures_util::stream::iter;
use tonic::Status;

use super::client::gather;

const SUBJECT: &str = "999099000001";

fn some(personal_id: &str) -> Result<StreamObligationsResponse, Status> {
    Ok(StreamObligationsResponse {
        personal_id: personal_id.to_owned(),
        obligations: vec![TaxObligation::default(); 100],
    })
}

async fn gathered(
    said: Vec<Result<StreamObligationsResponse, Status>>,
) -> Result<usize, SourceState> {
    let subject = CitizenId::from_agency(SUBJECT).unwrap();
    let gathered = gather(iter(said), &subject).await;
    gathered.map(|all| all.len()).map_err(|miss| miss.state)
}

#[tokio::test]
async fn nobody_found_behind_the_head_of_a_stream_means_no_obligations() {
    assert_eq!(gathered(vec![Err(Status::not_found(""))]).await, Ok(0));
    assert_eq!(gathered(vec![some(SUBJECT), some(SUBJECT)]).await, Ok(200));
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_is_about_others_is_no_answer() {
    let broken = vec![some(SUBJECT), Err(Status::unavailable(""))];
    assert_eq!(gathered(broken).await, Err(SourceState::Unavailable));
    let mixed = vec![some(SUBJECT), some("999099000002")];
    assert_eq!(gathered(mixed).await, Err(SourceState::InvalidAnswer));
}

#[tokio::test]
async fn more_obligations_than_anybody_has_are_no_answer() {
    let said = (0..7).map(|_| some(SUBJECT)).collect();
    assert_eq!(gathered(said).await, Err(SourceState::InvalidAnswer));
    let said = (0..6).map(|_| some(SUBJECT)).collect();
    assert_eq!(gathered(said).await, Ok(600));
}
