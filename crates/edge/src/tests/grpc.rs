//! The gRPC door as a stranger's client meets it.

use api::v1::catalogue_service_client::CatalogueServiceClient;
use api::v1::{self, stream_citizen_response::Event};
use prost::Message as _;
use prost_types::{FileDescriptorSet, ServiceDescriptorProto};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::{ErrorDetail, StatusExt as _};

use super::*;
use crate::fault::code_name;

/// The same question as [`question`].
pub(crate) fn message(id: &str) -> v1::LookupCitizenRequest {
    serde_json::from_value(question(id)).unwrap()
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[tokio::test]
async fn a_lookup_is_answered_with_receipt_quota_and_request_id() {
    let world = World::new().await;
    let mut client = Client::of(&world, "desk").citizen().await;
    let response = client.lookup_citizen(message(KNOWN)).await.unwrap();
    let metadata = response.metadata();
    assert_eq!(metadata.get("gateway-request-id").unwrap(), REQUEST_ID);
    assert_eq!(metadata.get("ratelimit").unwrap(), "\"caller\";r=999;t=1");
    let policy = metadata.get("ratelimit-policy").unwrap();
    assert_eq!(policy, "\"caller\";q=1000;w=10");
    assert_eq!(metadata.get("gateway-cert-expires-in").unwrap(), "11d");
    let answer = response.into_inner();
    assert_eq!(answer.completeness(), v1::Completeness::Complete);
    assert_eq!(answer.citizen.unwrap().tax.unwrap().tax_code, KNOWN);
    assert!(answer.receipt.is_some());
    let method = "lienthong.v1.CitizenService/LookupCitizen";
    assert_eq!(world.seen.calls(), [(method, "OK")]);
}

#[tokio::test]
async fn both_doors_give_the_same_answer() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let mut grpc = client.citizen().await;
    let response = grpc.lookup_citizen(message(KNOWN)).await.unwrap();
    let rest = client.post("/v1/citizens:lookup", &question(KNOWN)).await;
    let mut answers = [
        response.into_inner(),
        serde_json::from_slice(&rest.body).unwrap(),
    ];
    for answer in &mut answers {
        answer.receipt = None;
        for source in &mut answer.sources {
            assert!(source.latency.take().is_some());
            assert_eq!(std::mem::take(&mut source.record_salt).len(), 32);
        }
    }
    assert_eq!(answers[0].encode_to_vec(), answers[1].encode_to_vec());
    let twice = ("lienthong.v1.CitizenService/LookupCitizen", "OK");
    assert_eq!(world.seen.calls(), [twice, twice]);
}

#[tokio::test]
async fn a_stream_brings_every_source_then_the_summary() {
    let world = World::new().await;
    let mut client = Client::of(&world, "desk").citizen().await;
    let lookup = Some(message(KNOWN));
    let response = client
        .stream_citizen(v1::StreamCitizenRequest { lookup })
        .await;
    let mut events = response.unwrap().into_inner();
    let Some(Event::Result(result)) = events.message().await.unwrap().unwrap().event else {
        panic!("no result");
    };
    assert_eq!(result.part.unwrap().tax.unwrap().tax_code, KNOWN);
    let Some(Event::Summary(summary)) = events.message().await.unwrap().unwrap().event else {
        panic!("no summary");
    };
    assert!(summary.citizen.is_none() && summary.receipt.is_some());
    assert!(events.message().await.unwrap().is_none());
    world.seen.wait_for(1).await;
    let method = "lienthong.v1.CitizenService/StreamCitizen";
    assert_eq!(world.seen.calls(), [(method, "OK")]);
}

#[tokio::test]
async fn a_stream_past_its_deadline_ends_with_an_error() {
    let world = World::with(|config| config.limits.deadline_ms = 200).await;
    let mut client = Client::of(&world, "desk").citizen().await;
    let lookup = Some(message(HANGS));
    let response = client
        .stream_citizen(v1::StreamCitizenRequest { lookup })
        .await;
    let mut events = response.unwrap().into_inner();
    let status = loop {
        match events.message().await {
            Ok(event) => drop(event.unwrap()),
            Err(status) => break status,
        }
    };
    // The gate keeps 30 ms back to record that no source answered; a slow disk takes longer.
    let reasons = ["ALL_SOURCES_UNAVAILABLE", "DEADLINE_EXCEEDED"];
    assert!(reasons.contains(&&*reason(&status)), "{status}");
    world.seen.wait_for(1).await;
    assert_eq!(world.seen.calls()[0].1, code_name(status.code()));
}

#[tokio::test]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "no other detail may be there"
)]
async fn a_fault_carries_every_detail() {
    let world = World::new().await;
    let mut client = Client::of(&world, "poor").citizen().await;
    client.lookup_citizen(message(KNOWN)).await.unwrap();
    let status = client.lookup_citizen(message(KNOWN)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(
        status.metadata().get("gateway-request-id").unwrap(),
        REQUEST_ID
    );
    assert_eq!(
        status.metadata().get("ratelimit").unwrap(),
        "\"caller\";r=0;t=60"
    );
    let mut languages = Vec::new();
    for detail in status.get_error_details_vec() {
        match detail {
            ErrorDetail::ErrorInfo(info) => {
                assert_eq!(
                    (&*info.reason, &*info.domain),
                    ("QUOTA_EXCEEDED", "lienthong")
                );
            }
            ErrorDetail::RequestInfo(info) => assert_eq!(info.request_id, REQUEST_ID),
            ErrorDetail::QuotaFailure(failure) => {
                assert_eq!(failure.violations[0].subject, "caller");
            }
            ErrorDetail::RetryInfo(info) => {
                let delay = info.retry_delay.unwrap().as_secs_f64();
                assert!((59.0..=75.0).contains(&delay), "{delay}");
            }
            ErrorDetail::Help(help) => assert_eq!(
                help.links[0].url,
                "https://lienthong.example/errors#quota_exceeded"
            ),
            ErrorDetail::LocalizedMessage(message) => languages.push(message.locale),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(languages, ["vi", "en"]);
    assert_eq!(world.tax.asked(), 1);
}

#[tokio::test]
async fn every_violation_is_told_as_far_as_metadata_have_room() {
    let world = World::new().await;
    let mut client = Client::of(&world, "desk").citizen().await;
    let mut lookup = message("12x");
    lookup.read_mask = Some(["*", "tax.nope"].into_iter().collect());
    let status = client.lookup_citizen(lookup.clone()).await.unwrap_err();
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|v| (&*v.field, &*v.reason)).collect();
    assert_eq!(
        fields,
        [
            ("read_mask.paths[0]", "READ_MASK_WILDCARD"),
            ("read_mask.paths[1]", "UNKNOWN_FIELD_PATH"),
            ("subject.personal_id", "INVALID_SUBJECT_ID"),
            ("subject.personal_id", "INVALID_SUBJECT_ID"),
        ]
    );
    lookup.read_mask = Some(std::iter::repeat_n("tax.nope", 200).collect());
    let status = client.lookup_citizen(lookup).await.unwrap_err();
    let told = status
        .get_details_bad_request()
        .unwrap()
        .field_violations
        .len();
    let info = status.get_details_error_info().unwrap();
    let left_out: usize = info.metadata["violationsLeftOut"].parse().unwrap();
    assert_eq!(told + left_out, 202);
    assert!(told > 20);
    assert_eq!(world.tax.asked(), 0);
}

#[tokio::test]
async fn nobody_found_is_not_found() {
    let world = World::new().await;
    let mut client = Client::of(&world, "desk").citizen().await;
    let status = client.lookup_citizen(message(ABSENT)).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(reason(&status), "PERSON_NOT_FOUND");
}

#[tokio::test]
async fn no_answer_in_time_is_unavailable_with_every_state() {
    let world = World::with(|config| config.limits.deadline_ms = 500).await;
    let mut client = Client::of(&world, "desk").citizen().await;
    let status = client.lookup_citizen(message(HANGS)).await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    // As above.
    if status.code() != Code::DeadlineExceeded {
        assert_eq!(info.reason, "ALL_SOURCES_UNAVAILABLE");
        assert_eq!(info.metadata["tax"], "TIMEOUT");
    }
}

#[tokio::test]
async fn a_deadline_too_short_is_exceeded_before_any_agency_is_asked() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let message = message(KNOWN).encode_to_vec();
    let mut body = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
    body.extend(message);
    // Not through tonic: its client looks at the clock itself.
    let path = "/lienthong.v1.CitizenService/LookupCitizen";
    let request = client::request(http::Method::POST, path, body)
        .header("content-type", "application/grpc")
        .header("grpc-timeout", "1m");
    let answer = client.send(request.finish()).await;
    assert_eq!(answer.header("grpc-status"), "4");
    let status = Status::from_header_map(&answer.headers).unwrap();
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
    assert_eq!(world.tax.asked(), 0);
}

#[tokio::test]
async fn the_catalogue_is_served() {
    let world = World::new().await;
    let channel = Client::of(&world, "desk").channel().await;
    let mut client = CatalogueServiceClient::new(channel);
    let fields = client.list_fields(v1::ListFieldsRequest {}).await.unwrap();
    assert!(fields.into_inner().fields.len() > 50);
    let purposes = client.list_purposes(v1::ListPurposesRequest {}).await;
    assert_eq!(purposes.unwrap().into_inner().purposes[0].code, "TAX_CHECK");
    let grants = client.list_grants(v1::ListGrantsRequest {}).await.unwrap();
    assert_eq!(grants.into_inner().grants[0].agreement_id, "A-1");
    let quota = client.get_quota(v1::GetQuotaRequest {}).await.unwrap();
    assert_eq!(quota.into_inner().quotas[0].remaining, 1000);
}

#[tokio::test]
async fn health_follows_readiness() {
    let world = World::new().await;
    let mut client = HealthClient::new(Client::of(&world, "desk").channel().await);
    let service = "lienthong.v1.CitizenService".to_owned();
    let request = HealthCheckRequest { service };
    let watched = client.watch(request.clone()).await.unwrap();
    let mut watched = watched.into_inner();
    let mut wait_for = async |status: i32| {
        while watched.message().await.unwrap().unwrap().status != status {}
    };
    wait_for(1).await;
    world.running.readiness().record(crate::Record::Unwritable);
    wait_for(2).await;
    world.running.readiness().record(crate::Record::Writable);
    wait_for(1).await;
    world.running.readiness().draining();
    wait_for(2).await;
    assert!(
        watched.message().await.unwrap().is_none(),
        "a watch goes on"
    );
    let status = client.check(request).await.unwrap().into_inner().status;
    assert_eq!(status, 2, "whoever asks is told that it ends");
}

#[tokio::test]
async fn every_service_of_the_contract_is_known_to_health() {
    let world = World::new().await;
    let client = HealthClient::new(Client::of(&world, "desk").channel().await);
    let contract = FileDescriptorSet::decode(api::DESCRIPTORS).unwrap();
    let mut names = vec![String::new()];
    for file in contract.file {
        if file.package() == "lienthong.v1" {
            let named = |it: &ServiceDescriptorProto| format!("lienthong.v1.{}", it.name());
            names.extend(file.service.iter().map(named));
        }
    }
    assert!(names.len() > 6, "{names:?}");
    let statuses = async |wanted: i32| {
        let mut client = client.clone();
        for service in &names {
            let request = HealthCheckRequest {
                service: service.clone(),
            };
            let told = client.check(request).await;
            let status = told.unwrap_or_else(|error| panic!("{service}: {error}"));
            assert_eq!(status.into_inner().status, wanted, "{service}");
        }
    };
    statuses(1).await;
    let whole = client.clone().watch(HealthCheckRequest::default()).await;
    let mut whole = whole.unwrap().into_inner();
    world.running.readiness().draining();
    while whole.message().await.unwrap().is_some() {}
    statuses(2).await;
}

#[tokio::test]
async fn reflection_is_served_where_the_configuration_says_so() {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, server_reflection_response};

    for served in [true, false] {
        let world = World::with(|config| config.reflection = served).await;
        let channel = Client::of(&world, "desk").channel().await;
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let asked = ServerReflectionClient::new(channel)
            .server_reflection_info(tokio_stream::iter([request]))
            .await;
        let Ok(asked) = asked else {
            assert!(!served);
            continue;
        };
        let answer = asked.into_inner().message().await.unwrap().unwrap();
        let Some(server_reflection_response::MessageResponse::ListServicesResponse(list)) =
            answer.message_response
        else {
            panic!("no list");
        };
        let names: Vec<_> = list.service.iter().map(|s| &*s.name).collect();
        assert!(
            served && names.contains(&"lienthong.v1.CitizenService"),
            "{names:?}"
        );
    }
}
