//! Messages over HTTP/2 that are none.

use tests::frames::{Frames, Outcome, block, code, flag, frame, get, kind, post};
use tests::vitals::records;
use tests::{Sandbox, Wire, question};

const END: u8 = flag::END_HEADERS | flag::END_STREAM;

/// The headers of a call with others after them, or instead.
fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [get("/v1/fields"), more.to_vec()].concat()
}

/// Heads that HTTP/2 does not have.
fn malformed() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let without = |name: &str| -> Vec<_> {
        let all = get("/v1/fields");
        all.into_iter().filter(|(it, _)| *it != name).collect()
    };
    vec![
        ("an upper-case name", with(&[("X-A", "b")])),
        ("Connection", with(&[("connection", "close")])),
        ("Keep-Alive", with(&[("keep-alive", "1")])),
        ("Proxy-Connection", with(&[("proxy-connection", "close")])),
        (
            "Transfer-Encoding",
            with(&[("transfer-encoding", "chunked")]),
        ),
        ("Upgrade", with(&[("upgrade", "h2c")])),
        ("TE", with(&[("te", "gzip")])),
        ("an unknown pseudo-header", with(&[(":nothing", "a")])),
        ("that of an answer", with(&[(":status", "200")])),
        (
            "a pseudo-header behind others",
            with(&[("a", "b"), (":path", "/v1/fields")]),
        ),
        ("two paths", with(&[(":path", "/v1/purposes")])),
        ("no path", without(":path")),
        ("no method", without(":method")),
        ("no scheme", without(":scheme")),
        (
            "an empty path",
            [without(":path"), vec![(":path", "")]].concat(),
        ),
        ("a name with a blank", with(&[("a b", "c")])),
        ("a value with a line end", with(&[("a", "b\r\nc: d")])),
        ("a value with NUL", with(&[("a", "b\0")])),
    ]
}

/// Row H10: a malformed message is reset with `PROTOCOL_ERROR`, and the connection goes on, or ends with
/// that code; one with trailers is refused, whatever is in them. Nothing is asked.
#[tokio::test]
async fn malformed_messages_are_reset() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let decided = records(&sandbox, "ACCESS") + records(&sandbox, "DENIED");
    for (name, headers) in malformed() {
        let call = vec![frame(kind::HEADERS, END, 1, &block(&headers))];
        is_refused(&wire, name, &call).await;
    }
    let body = question("999099000001", "ONE_STOP_DESK", "tax.status").to_string();
    let head = |length: &str| {
        let mut head = post("/v1/citizens:lookup");
        head.push(("content-length", length));
        frame(kind::HEADERS, flag::END_HEADERS, 1, &block(&head))
    };
    let data = |flags| frame(kind::DATA, flags, 1, body.as_bytes());
    for length in [body.len() - 1, body.len() + 1] {
        let call = vec![head(&length.to_string()), data(flag::END_STREAM)];
        is_refused(&wire, "a wrong content-length", &call).await;
    }
    let trailers = |name| frame(kind::HEADERS, END, 1, &block(&[(name, "/v1/fields")]));
    for name in [":path", "x-more"] {
        let length = body.len().to_string();
        let call = [head(&length), data(flag::NONE), trailers(name)].concat();
        let mut frames = Frames::open(&wire, &[]).await;
        frames.send(&call).await;
        let outcome = frames.outcome(1).await;
        let Outcome::Answered(problem) = outcome else {
            panic!("{name}: {outcome:?}");
        };
        assert!(problem.contains("\"status\":400"), "{name}: {problem}");
    }
    let now = records(&sandbox, "ACCESS") + records(&sandbox, "DENIED");
    assert_eq!(now, decided, "a record of nothing");
}

async fn is_refused(wire: &Wire, name: &str, call: &[Vec<u8>]) {
    let mut frames = Frames::open(wire, &[]).await;
    frames.send(&call.concat()).await;
    let outcome = frames.outcome(1).await;
    if outcome != Outcome::Reset(code::PROTOCOL_ERROR) {
        assert_eq!(outcome, Outcome::Away(code::PROTOCOL_ERROR), "{name}");
        return;
    }
    let good = frame(kind::HEADERS, END, 3, &block(&get("/v1/fields")));
    frames.send(&good).await;
    let next = frames.outcome(3).await;
    assert!(
        matches!(next, Outcome::Answered(_)),
        "after {name}: {next:?}"
    );
}
