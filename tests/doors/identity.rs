//! Who is calling is what the certificate says, whatever else is said.

use tests::frames::{Frames, Outcome, block, flag, frame, kind, post};
use tests::vitals::records;
use tests::{Rest, Sandbox, Wire, question};

/// Row T08: the caller is the certificate; a header that claims another is refused with
/// `IDENTITY_MISMATCH` and recorded at both doors, a body has no place for one, and what is told of
/// the way of a request is ignored.
#[tokio::test]
async fn the_caller_is_the_certificate() {
    let sandbox = Sandbox::start();
    let (rest, denied) = (Rest::new(&sandbox, "commune"), records(&sandbox, "DENIED"));
    let body = question("999099000001", "ONE_STOP_DESK", "tax.status").to_string();
    let claims = [
        ("x-agency", "G12"),
        ("x-agency-id", "H55"),
        (
            "x-forwarded-client-cert",
            "URI=spiffe://sandbox.lienthong.example/agency/G12/system/a",
        ),
        ("x-ssl-client-s-dn", "CN=G12"),
    ];
    for claim in claims {
        let answer = rest
            .post("/v1/citizens:lookup", body.clone(), &[claim])
            .await
            .unwrap();
        assert_eq!(answer.status, 403, "{claim:?}: {}", answer.text);
        let problem = answer.json();
        assert_eq!(problem["reason"], "IDENTITY_MISMATCH", "{problem}");
        assert_eq!(problem["domain"], "lienthong", "{problem}");
        assert!(problem["requestId"].is_string(), "{problem}");
    }
    assert_eq!(records(&sandbox, "DENIED"), denied + 4);
    // Over HTTP/2 in frames too.
    let mut frames = Frames::open(&Wire::new(&sandbox, "commune"), &[]).await;
    let mut head = post("/v1/citizens:lookup");
    head.push(("x-agency", "G12"));
    let head = frame(kind::HEADERS, flag::END_HEADERS, 1, &block(&head));
    let data = frame(kind::DATA, flag::END_STREAM, 1, body.as_bytes());
    frames.send(&[head, data].concat()).await;
    let Outcome::Answered(problem) = frames.outcome(1).await else {
        panic!("no answer");
    };
    assert!(problem.contains("IDENTITY_MISMATCH"), "{problem}");
    assert_eq!(records(&sandbox, "DENIED"), denied + 5);

    let asked = records(&sandbox, "ACCESS");
    let claiming = body.replacen('{', "{\"callerAgency\":\"G12\",", 1);
    let answer = rest
        .post("/v1/citizens:lookup", claiming, &[])
        .await
        .unwrap();
    assert_eq!(answer.json()["reason"], "INVALID_JSON", "{}", answer.text);
    assert_eq!(records(&sandbox, "ACCESS"), asked);
    let way = [
        ("forwarded", "for=192.0.2.1;by=G12"),
        ("x-forwarded-for", "192.0.2.1"),
    ];
    let answer = rest.post("/v1/citizens:lookup", body, &way).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(records(&sandbox, "ACCESS"), asked + 1);
    assert_eq!(records(&sandbox, "DENIED"), denied + 5);
    for line in sandbox
        .logged()
        .lines()
        .filter(|line| line.contains("IDENTITY_MISMATCH"))
    {
        assert!(line.contains("H55") && !line.contains("G12"), "{line}");
    }
}
