//! Bodies that are damaged, ambiguous, too large, or of another kind than they say.

use http_body_util::Full;
use serde_json::{Value, json};
use tests::vitals::{Before, Metrics, records};
use tests::{Rest, RestAnswer, Sandbox, channel, question};
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::Service as _;

const LOOKUP: &str = "/v1/citizens:lookup";
const GOOD: &str = "999099000001";

fn good() -> Value {
    question(GOOD, "ONE_STOP_DESK", "tax.status")
}

fn with(change: impl FnOnce(&mut Value)) -> String {
    let mut body = good();
    change(&mut body);
    body.to_string()
}

/// Posts a body that is refused; the problem that says why.
async fn refused(rest: &Rest, status: u16, reason: &str, body: impl Into<bytes::Bytes>) -> Value {
    let answer = rest.post(LOOKUP, body, &[]).await.unwrap();
    let problem = problem(&answer);
    let told = (answer.status, problem["reason"].as_str());
    assert_eq!(told, (status, Some(reason)), "{problem}");
    problem
}

/// What every problem has.
fn problem(answer: &RestAnswer) -> Value {
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["domain"], "lienthong", "{problem}");
    let id = answer.headers["gateway-request-id"].to_str().unwrap();
    assert_eq!(problem["requestId"], id);
    problem
}

/// The paths of all violations.
fn fields(problem: &Value) -> Vec<&str> {
    let violations = problem["violations"].as_array().unwrap();
    let fields = violations.iter().map(|it| it["field"].as_str().unwrap());
    fields.collect()
}

/// Sends bytes as the body of a lookup over gRPC.
async fn grpc(channel: &mut Channel, headers: &[(&str, &str)], bytes: Vec<u8>) -> Status {
    let path = "http://localhost/lienthong.v1.CitizenService/LookupCitizen";
    let mut request = http::Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::new(Full::from(bytes));
    std::future::poll_fn(|cx| channel.poll_ready(cx))
        .await
        .unwrap();
    let response = channel.call(request.body(body).unwrap()).await.unwrap();
    Status::from_header_map(response.headers()).expect("it fails")
}

/// A message as gRPC frames it.
fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], &length[..], message].concat()
}

/// Row P01: `INVALID_ARGUMENT`, no panic, no record.
#[tokio::test]
async fn damaged_messages_are_an_invalid_argument() {
    let sandbox = Sandbox::start();
    let mut channel = channel(&sandbox, "commune").await;
    let asked = records(&sandbox, "ACCESS");
    let nested = |depth: usize| {
        let mut message = Vec::new();
        for _ in 0..depth {
            let length = u64::try_from(message.len()).unwrap();
            let mut outer = vec![0x0a];
            prost::encoding::encode_varint(length, &mut outer);
            outer.append(&mut message);
            message = outer;
        }
        message
    };
    let cases = [
        ("a length past its end", vec![0x0a, 5, 1]),
        ("a length of 2^31", vec![0x0a, 0x80, 0x80, 0x80, 0x80, 0x08]),
        (
            "a length of 2^64",
            [vec![0x0a], vec![0xff; 9], vec![1]].concat(),
        ),
        ("a tag without end", vec![0xff; 11]),
        ("field 0", vec![0x02, 0]),
        ("a wire type that is none", vec![0x0f]),
        ("a number for a message", vec![0x08, 1]),
        ("groups", [0x0b].repeat(200)),
        ("the end of a group", vec![0x0c]),
        ("a hundred levels and more", nested(150)),
        ("text that is no UTF-8", vec![0x0a, 3, 0x0a, 1, 0xff]),
        (
            "noise",
            (0..2000_u32)
                .map(|at| (at * 31 % 251).to_le_bytes()[0])
                .collect(),
        ),
    ];
    for (name, message) in cases {
        let status = grpc(&mut channel, &[], framed(0, &message)).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{name}: {status:?}");
    }
    let whole = framed(0, &[]);
    let frames = [
        ("nothing", vec![]),
        ("half a head", whole[..3].to_vec()),
        ("less than is said", framed(0, &[0x0a, 0])[..6].to_vec()),
        ("two messages", [whole.clone(), whole].concat()),
    ];
    for (name, bytes) in frames {
        let status = grpc(&mut channel, &[], bytes).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{name}: {status:?}");
    }
    let long = grpc(&mut channel, &[], vec![0, 0xff, 0xff, 0xff, 0xff, 0]).await;
    let is_refused = matches!(long.code(), Code::InvalidArgument | Code::ResourceExhausted);
    assert!(is_refused, "{long:?}");
    assert_eq!(records(&sandbox, "ACCESS"), asked, "something was asked");
    assert!(!sandbox.logged().contains("panicked"));
}

/// Row P02: nothing is unpacked: `UNIMPLEMENTED` over gRPC, 415 over REST.
#[tokio::test]
async fn compressed_bodies_are_not_taken() {
    let sandbox = Sandbox::start();
    let (mut channel, rest) = (
        channel(&sandbox, "commune").await,
        Rest::new(&sandbox, "commune"),
    );
    let before = Before::attack(&sandbox).await;
    let status = grpc(&mut channel, &[], framed(1, &[0x0a, 0])).await;
    assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
    // 60 KiB that would unpack into a thousand times as much.
    let bomb = vec![0x1f; 60 << 10];
    for encoding in ["gzip", "deflate", "br", "nonsense"] {
        let headers = [("grpc-encoding", encoding)];
        let status = grpc(&mut channel, &headers, framed(1, &bomb)).await;
        assert_eq!(status.code(), Code::Unimplemented, "{encoding}: {status:?}");
        let headers = [("content-encoding", encoding)];
        let answer = rest.post(LOOKUP, bomb.clone(), &headers).await.unwrap();
        assert_eq!(answer.status, 415, "{encoding}");
        problem(&answer);
    }
    before.has_survived().await;
}

/// Row P03: controls, surrogates and whatever forges text are refused, digits are ASCII, and a name is
/// the same name in every normal form.
#[tokio::test]
async fn text_is_what_it_seems() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let raw = |text: &str| good().to_string().replacen(GOOD, text, 1);
    for (text, reason) in [
        ("\\ud800", "INVALID_JSON"),
        ("\\udc00\\ud800", "INVALID_JSON"),
        ("999099000001\\u0000", "INVALID_SUBJECT_ID"),
        ("９９９０９９０００００１", "INVALID_SUBJECT_ID"),
        ("٩٩٩٠٩٩٠٠٠٠٠١", "INVALID_SUBJECT_ID"),
        ("999\u{200b}099000001", "INVALID_SUBJECT_ID"),
    ] {
        refused(&rest, 400, reason, raw(text)).await;
    }
    let mut bytes = raw("x").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'x').unwrap();
    bytes.splice(at..=at, [0xc0, 0xaf]);
    refused(&rest, 400, "INVALID_JSON", bytes).await;
    for text in [
        "a\0b",
        "a\r\nb",
        "a\u{202e}b",
        "a\u{200b}b",
        "a\u{feff}b",
        "a\u{1b}[2Jb",
    ] {
        for place in ["reasonText", "officerId", "dossierNo"] {
            let body = with(|it| it["context"][place] = json!(text));
            let problem = refused(&rest, 400, "INVALID_ARGUMENT", body).await;
            assert!(fields(&problem)[0].starts_with("context."), "{problem}");
        }
        let hinted = with(|it| it["subject"]["hints"] = json!({"fullName": text}));
        let problem = refused(&rest, 400, "INVALID_ARGUMENT", hinted).await;
        assert_eq!(fields(&problem), ["subject.hints.fullName"], "{problem}");
    }
}

/// Bodies that readers understand differently, with the path of the mistake.
fn ambiguous(good: &str) -> Vec<(&'static str, String, &'static str)> {
    let put = |more: &str| good.replacen('{', &format!("{{{more},"), 1);
    let deep = |open: &str, close: &str| open.repeat(10_000) + &close.repeat(10_000);
    let keys: Vec<String> = (0..300).map(|at| format!("\"k{at}\":1")).collect();
    let twice = "\"dryRun\":true,\"dryRun\":false";
    let one_null = "\"dryRun\":null,\"dryRun\":false";
    let other_spelling = "\"read_mask\":\"tax.status\"";
    let number = good.replace("\"999099000001\"", "999099000001");
    let comma = good.replace("}}", "},}").replace("},", "},,");
    let wide = good.bytes().flat_map(|byte| ['\0', char::from(byte)]);
    vec![
        ("arrays in arrays", deep("[", "]"), "body"),
        ("objects in objects", deep("{\"a\":", "}"), "a"),
        ("a key twice", put(twice), "dryRun"),
        ("a key twice, one null", put(one_null), "dryRun"),
        ("a key in two spellings", put(other_spelling), "readMask"),
        ("keys without end", put(&keys.join(",")), "body"),
        ("a number for text", number, "subject.personalId"),
        ("something behind", format!("{good}{{}}"), "body"),
        ("a comma too many", comma, "body"),
        ("a byte order mark", format!("\u{feff}{good}"), "body"),
        ("a comment", format!("/* */{good}"), "body"),
        ("UTF-16", wide.collect(), "body"),
        ("an unknown field", put("\"colour\":\"red\""), "colour"),
        ("nothing", String::new(), "body"),
        ("null", "null".to_owned(), "body"),
    ]
}

/// Numbers that readers understand differently.
const NUMBERS: [&str; 8] = [
    "1e400",
    "-0",
    "NaN",
    "Infinity",
    "01999",
    "1999.5",
    "9223372036854775808",
    "\"1999\"",
];

/// Row P04: 400 `INVALID_JSON` with the path of each mistake; no reader takes the last of two values.
#[tokio::test]
async fn json_has_one_reading() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    let (good, asked) = (good().to_string(), records(&sandbox, "ACCESS"));
    let of_numbers = NUMBERS.map(|number| {
        let hints = format!("{{\"hints\":{{\"birthDate\":{{\"year\":{number}}}}},\"personalId\"");
        let body = good.replacen("{\"personalId\"", &hints, 1);
        (number, body, "subject.hints.birthDate.year")
    });
    for (name, body, field) in ambiguous(&good).into_iter().chain(of_numbers) {
        let answer = rest.post(LOOKUP, body, &[]).await.unwrap();
        let problem = problem(&answer);
        assert_eq!(answer.status, 400, "{name}: {problem}");
        assert_eq!(problem["reason"], "INVALID_JSON", "{name}: {problem}");
        assert!(fields(&problem).contains(&field), "{name}: {problem}");
    }
    assert_eq!(records(&sandbox, "ACCESS"), asked, "something was asked");
}

/// Row P05: 415 for a body that is not said to be JSON in UTF-8, once.
#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let sandbox = Sandbox::start();
    let (rest, asked) = (Rest::new(&sandbox, "commune"), records(&sandbox, "ACCESS"));
    for kind in [
        "",
        "text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json, text/plain",
        "application/jsonp",
        "multipart/form-data; boundary=a",
        "application/x-www-form-urlencoded",
        "application/x-protobuf",
    ] {
        let headers = [("content-type", kind)];
        let answer = rest
            .post(LOOKUP, good().to_string(), &headers)
            .await
            .unwrap();
        assert_eq!(answer.status, 415, "{kind}: {}", answer.text);
        assert_eq!(problem(&answer)["reason"], "UNSUPPORTED_MEDIA_TYPE");
    }
    for kind in ["application/json", "Application/JSON; charset=\"UTF-8\""] {
        let headers = [("content-type", kind)];
        let answer = rest
            .post(LOOKUP, good().to_string(), &headers)
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text);
    }
    assert_eq!(records(&sandbox, "ACCESS"), asked + 2);
}

/// Row P06: everything that is wrong with a number is told at once, and the number is not repeated.
#[tokio::test]
async fn numbers_that_are_none_are_refused_with_all_that_is_wrong() {
    let sandbox = Sandbox::start();
    let (rest, asked) = (Rest::new(&sandbox, "commune"), records(&sandbox, "ACCESS"));
    for (number, violations) in [
        ("99909900000", 1),
        ("9990990000012", 1),
        ("99909900000a", 1),
        ("999 099 000 001x", 2),
        (" 999099000001", 2),
        ("99909 90000!", 1),
        ("", 1),
    ] {
        let body = with(|it| it["subject"]["personalId"] = json!(number));
        let problem = refused(&rest, 400, "INVALID_SUBJECT_ID", body).await;
        let found = fields(&problem);
        let about = found.iter().filter(|it| it.starts_with("subject")).count();
        assert!(about >= violations, "{number}: {problem}");
        assert!(
            number.len() < 3 || !problem.to_string().contains(number),
            "{problem}"
        );
    }
    assert_eq!(records(&sandbox, "ACCESS"), asked, "something was asked");
}

/// Row P07: a mask is given, is known and is no wildcard; what an agreement lacks is withheld and no
/// error.
#[tokio::test]
async fn a_mask_says_what_is_asked() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "tax");
    let body = |mask: &str| question(GOOD, "TAXPAYER_REGISTRATION", mask).to_string();
    refused(&rest, 400, "READ_MASK_REQUIRED", body("")).await;
    refused(&rest, 400, "READ_MASK_WILDCARD", body("*")).await;
    refused(&rest, 400, "READ_MASK_WILDCARD", body("tax.*")).await;
    let unknown = refused(
        &rest,
        400,
        "UNKNOWN_FIELD_PATH",
        body("tax.moon,tax.status,sun"),
    )
    .await;
    assert_eq!(fields(&unknown), ["readMask[0]", "readMask[2]"]);
    let many = vec!["tax.status"; 10_000].join(",");
    let answer = rest.post(LOOKUP, body(&many), &[]).await.unwrap();
    assert!(matches!(answer.status, 400 | 413), "{}", answer.status);
    let many = vec!["tax.status"; 5_000].join(",");
    let answer = rest.post(LOOKUP, body(&many), &[]).await.unwrap();
    assert_eq!(answer.status, 400, "{}", answer.text);
    let asked = records(&sandbox, "ACCESS");
    let answer = rest.post(LOOKUP, body("health.card"), &[]).await.unwrap();
    if answer.status == 400 {
        // No such field: another one that the tax office may not see.
        let answer = rest
            .post(LOOKUP, body("health.insuranceCards"), &[])
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(
            answer.json()["sources"][0]["state"],
            "SOURCE_STATE_WITHHELD"
        );
    } else {
        assert_eq!(
            answer.json()["sources"][0]["state"],
            "SOURCE_STATE_WITHHELD"
        );
    }
    assert_eq!(
        records(&sandbox, "ACCESS"),
        asked + 1,
        "a withheld answer is recorded"
    );
}

/// Row P09: 413 and `RESOURCE_EXHAUSTED` for a byte more than 64 KiB, before it is held in memory.
#[tokio::test]
async fn bodies_that_are_too_large_are_not_held() {
    let sandbox = Sandbox::start();
    let (mut channel, rest) = (
        channel(&sandbox, "commune").await,
        Rest::new(&sandbox, "commune"),
    );
    let metrics = Metrics::of(&sandbox);
    let counted = metrics
        .count("gateway_rejections_total", "PAYLOAD_TOO_LARGE")
        .await;
    let asked = records(&sandbox, "ACCESS");
    let before = Before::attack(&sandbox).await;
    let fitting = good().to_string();
    let fitting = fitting.clone() + &" ".repeat((64 << 10) - fitting.len());
    assert_eq!(
        rest.post(LOOKUP, fitting.clone(), &[])
            .await
            .unwrap()
            .status,
        200
    );
    // gRPC puts five bytes before a message, which JSON may use too.
    refused(&rest, 413, "PAYLOAD_TOO_LARGE", fitting + "      ").await;
    for size in [1 << 20, 64 << 20] {
        let answer = rest.post(LOOKUP, vec![b' '; size], &[]).await;
        // Who sends that much may find the connection closed before it has been sent.
        assert!(answer.is_err() || answer.is_ok_and(|it| it.status == 413));
    }
    let message = [&[0x0a, 0x81, 0x80, 0x04][..], &vec![b' '; (64 << 10) + 1]].concat();
    let status = grpc(&mut channel, &[], framed(0, &message)).await;
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    metrics
        .grows("gateway_rejections_total", "PAYLOAD_TOO_LARGE", counted)
        .await;
    before.has_survived().await;
    assert_eq!(
        records(&sandbox, "ACCESS"),
        asked + 1,
        "something was asked"
    );
}
