//! Bad input, at every door where it can be sent: its documented error, and nothing else happens.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use super::client::{post, request};
use super::grpc::message;
use super::*;

const LOOKUP: &str = "/v1/citizens:lookup";

/// Posts a body, and returns status, reason, and the first violation's field.
async fn refused(client: &Client, body: impl Into<bytes::Bytes>) -> (u16, String, String) {
    let answer = client.send(post(LOOKUP, body)).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("gateway-request-id").len(), 36);
    let problem = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    assert_eq!(problem["requestId"], answer.header("gateway-request-id"));
    assert!(
        !answer.body.windows(12).any(|w| w == KNOWN.as_bytes()),
        "{problem}"
    );
    (
        answer.status.as_u16(),
        text(&problem["reason"]),
        text(&problem["violations"][0]["field"]),
    )
}

fn expected(status: u16, reason: &str, field: &str) -> (u16, String, String) {
    (status, reason.to_owned(), field.to_owned())
}

#[tokio::test]
async fn a_wrong_question_is_refused_with_its_reason() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let cases: [(&str, Value, &str, [&str; 2]); 5] = [
        (
            "/subject/personalId",
            json!("12"),
            "INVALID_SUBJECT_ID",
            ["subject.personal_id", "subject.personalId"],
        ),
        (
            "/readMask",
            json!(""),
            "READ_MASK_REQUIRED",
            ["read_mask", "readMask"],
        ),
        (
            "/readMask",
            json!("*"),
            "READ_MASK_WILDCARD",
            ["read_mask.paths[0]", "readMask[0]"],
        ),
        (
            "/readMask",
            json!("tax.nope"),
            "UNKNOWN_FIELD_PATH",
            ["read_mask.paths[0]", "readMask[0]"],
        ),
        (
            "/context/purposeCode",
            json!("NONE"),
            "PURPOSE_UNKNOWN",
            ["context.purpose_code", "context.purposeCode"],
        ),
    ];
    for (pointer, value, reason, [field, in_json]) in cases {
        let mut body = question(KNOWN);
        *body.pointer_mut(pointer).unwrap() = value;
        let got = refused(&client, body.to_string()).await;
        assert_eq!(got, expected(400, reason, in_json), "{body}");
        let message: api::v1::LookupCitizenRequest = serde_json::from_value(body).unwrap();
        let status = client
            .citizen()
            .await
            .lookup_citizen(message)
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.get_details_error_info().unwrap().reason, reason);
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, field);
    }
    assert_eq!(world.tax.asked(), 0);
}

#[tokio::test]
async fn json_that_the_contract_does_not_know_is_refused_with_its_path() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let good = question(KNOWN).to_string();
    let twice = good.replacen(
        "{\"context\"",
        "{\"dryRun\":true,\"dryRun\":false,\"context\"",
        1,
    );
    let aliased = good.replacen(
        "{\"context\"",
        "{\"read_mask\":\"tax.status\",\"context\"",
        1,
    );
    let cases: [(Vec<u8>, &str); 13] = [
        (b"".into(), "body"),
        (b"{".into(), "body"),
        (b"[]".into(), "body"),
        (format!("\u{feff}{good}").into(), "body"),
        (format!("{good} {{}}").into(), "body"),
        (vec![b'['; 60_000], "body"),
        (
            good.replace("personalId", "personalID").into(),
            "subject.personalID",
        ),
        (
            good.replace("{\"personalId\"", "{\"taxCode\":\"1\",\"personalId\"")
                .into(),
            "subject.personalId",
        ),
        (twice.into(), "dryRun"),
        (aliased.into(), "readMask"),
        (
            good.replace("\"999099000001\"", "999099000001").into(),
            "subject.personalId",
        ),
        (
            good.replace("\"999099000001\"", "\"\\ud800\"").into(),
            "subject.personalId",
        ),
        (
            good.replace(
                "{\"personalId\"",
                "{\"hints\":{\"birthDate\":{\"year\":1e400}},\"personalId\"",
            )
            .into(),
            "subject.hints.birthDate.year",
        ),
    ];
    for (body, field) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(120)]).into_owned();
        let got = refused(&client, body).await;
        assert_eq!(got, expected(400, "INVALID_JSON", field), "{shown}");
    }
    assert_eq!(world.tax.asked(), 0);
}

#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_is_refused() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let body = question(KNOWN).to_string();
    let types = [
        "",
        "text/plain",
        "application/json; charset=utf-16",
        "multipart/form-data",
        "application/grpc-web",
    ];
    for content_type in types {
        let mut asked = request(Method::POST, LOOKUP, body.clone());
        if !content_type.is_empty() {
            asked = asked.header("content-type", content_type);
        }
        let answer = client.send(asked.finish()).await;
        if content_type == "application/grpc-web" {
            // It says that it is gRPC, and gRPC has no such method.
            assert_eq!(answer.header("grpc-status"), "12");
        } else {
            assert_eq!(
                answer.status,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{content_type}"
            );
            assert_eq!(answer.json()["reason"], "UNSUPPORTED_MEDIA_TYPE");
        }
    }
    let path = "/lienthong.v1.CitizenService/LookupCitizen";
    let answer = client.send(post(path, body)).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(world.tax.asked(), 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let got = refused(&client, vec![b' '; (64 << 10) + 6]).await;
    assert_eq!(got, expected(413, "PAYLOAD_TOO_LARGE", ""));
    let mut message = message(KNOWN);
    message.context.as_mut().unwrap().reason_text = "x".repeat(65 << 10);
    let status = client
        .citizen()
        .await
        .lookup_citizen(message)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "PAYLOAD_TOO_LARGE"
    );
    assert_eq!(world.tax.asked(), 0);
}

#[tokio::test]
async fn a_personal_id_in_a_url_is_refused_at_both_doors_and_not_repeated() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let paths = [
        "/v1/citizens/999099000001",
        "/v1/citizens/%39990.990-00001/tax",
        "/v1/citizens:lookup?id=999+099+000001",
    ];
    for path in paths {
        for content_type in ["application/json", "application/grpc"] {
            let asked = request(Method::POST, path, question(KNOWN).to_string())
                .header("content-type", content_type);
            let answer = client.send(asked.finish()).await;
            if content_type == "application/grpc" {
                assert_eq!(answer.header("grpc-status"), "3");
            } else {
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
                assert_eq!(answer.json()["reason"], "PII_IN_URL", "{path}");
                assert!(!answer.body.windows(12).any(|w| w == KNOWN.as_bytes()));
            }
        }
    }
    assert_eq!(world.tax.asked(), 0);
}

#[tokio::test]
async fn a_header_that_claims_an_identity_is_refused_and_recorded() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    for name in [
        "X-Agency",
        "x_agency_id",
        "X-Forwarded-Client-Cert",
        "X-SSL-Client-S-DN",
    ] {
        let name = name.to_ascii_lowercase();
        let asked = request(Method::POST, LOOKUP, question(KNOWN).to_string())
            .header("content-type", "application/json")
            .header(&name, "G12");
        let answer = client.send(asked.finish()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(answer.json()["reason"], "IDENTITY_MISMATCH", "{name}");
    }
    let mut asked = Request::new(message(KNOWN));
    asked
        .metadata_mut()
        .insert("x-agency", "G12".parse().unwrap());
    let status = client
        .citizen()
        .await
        .lookup_citizen(asked)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "IDENTITY_MISMATCH"
    );
    assert_eq!(world.tax.asked(), 0);
    let ignored = request(Method::POST, LOOKUP, question(KNOWN).to_string())
        .header("content-type", "application/json")
        .header("forwarded", "for=192.0.2.1")
        .header("x-forwarded-for", "192.0.2.1");
    assert_eq!(client.send(ignored.finish()).await.status, StatusCode::OK);
    assert_eq!(
        world.recorded().await.matches("IDENTITY_MISMATCH").count(),
        5
    );
}

#[tokio::test]
async fn a_malformed_timeout_of_grpc_is_refused() {
    let world = World::new().await;
    let mut client = Client::of(&world, "desk").citizen().await;
    for wrong in ["-1S", "soon", "1", "123456789S"] {
        let mut asked = Request::new(message(KNOWN));
        let value = wrong.parse().unwrap();
        asked.metadata_mut().insert("grpc-timeout", value);
        let status = client.lookup_citizen(asked).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{wrong}");
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "grpc-timeout", "{wrong}");
    }
    assert_eq!(world.tax.asked(), 0);
}

#[tokio::test]
async fn a_message_that_cannot_be_decoded_is_an_invalid_argument() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let path = "/lienthong.v1.CitizenService/LookupCitizen";
    let cases: [(&[u8], &str); 5] = [
        (b"\0\0\0\0\x02\x0a\xff", "3"),
        (b"\0\x7f\xff\xff\xff\x0a", "3"),
        (b"\0\0", "3"),
        (b"", "3"),
        (b"\x01\0\0\0\x02\x0a\x00", "12"),
    ];
    for (body, code) in cases {
        let asked = request(Method::POST, path, body)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let answer = client.send(asked.finish()).await;
        assert_eq!(answer.header("grpc-status"), code, "{body:?}");
        assert!(
            !answer.header("grpc-status-details-bin").is_empty(),
            "{body:?}"
        );
    }
    let asked = request(Method::POST, path, &b"\x01\0\0\0\0"[..])
        .header("content-type", "application/grpc")
        .header("grpc-encoding", "gzip");
    let answer = client.send(asked.finish()).await;
    assert_eq!(answer.header("grpc-status"), "12");
    assert!(!answer.header("grpc-status-details-bin").is_empty());
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let world = World::new().await;
    let client = Client::of(&world, "desk");
    let cases = [
        (Method::GET, "/v1/citizens:lookup", 405, "POST"),
        (Method::DELETE, "/v1/fields", 405, "GET"),
        (Method::TRACE, "/v1/fields", 405, "GET, POST"),
        (Method::GET, "/v1/nothing", 404, ""),
        (Method::GET, "/v1//fields", 404, ""),
        (Method::GET, "/v1%2Ffields", 404, ""),
        (Method::GET, "/v1/x/..;/fields", 404, ""),
    ];
    for (method, path, status, allow) in cases {
        let answer = client.send(request(method, path, "").finish()).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("allow"), allow, "{path}");
        assert_eq!(answer.json()["reason"], "NOT_SERVED", "{path}");
    }
    let asked = request(Method::POST, "/lienthong.v1.CitizenService/Nothing", "")
        .header("content-type", "application/grpc");
    let answer = client.send(asked.finish()).await;
    assert_eq!(answer.header("grpc-status"), "12");
    let asked = request(Method::GET, "/v1/fields?a=b", "");
    assert_eq!(
        client.send(asked.finish()).await.status,
        StatusCode::BAD_REQUEST
    );
    let mut http1 = client.http1().await;
    let asked = request(Method::GET, "/v1/fields", "")
        .header("host", "localhost")
        .header("connection", "upgrade")
        .header("upgrade", "h2c");
    let answer = http1.send_request(asked.finish()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}
