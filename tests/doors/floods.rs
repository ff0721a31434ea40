//! Floods over HTTP/2: what costs its sender nothing ends the connection before it costs us much.

use std::time::Duration;

use tests::frames::{Frame, Frames, Outcome, block, code, flag, frame, get, kind, post, reset};
use tests::vitals::{Before, Metrics, cpu, records};
use tests::{Sandbox, Wire, question};

const CUT: &str = "gateway_connections_cut_total";
const END: u8 = flag::END_HEADERS | flag::END_STREAM;

/// The stream of a client's call, counted from 0.
fn stream(call: usize) -> u32 {
    u32::try_from(call).unwrap() * 2 + 1
}

/// Floods a gateway with this, and asserts that the connection is ended with that code and counted
/// as a flood, and that all else is as it was.
async fn ended(sandbox: &Sandbox, name: &str, times: usize, bytes: impl FnMut(usize) -> Vec<u8>) {
    let (wire, metrics) = (Wire::new(sandbox, "commune"), Metrics::of(sandbox));
    let counted = metrics.count(CUT, "why=\"flood\"").await;
    let before = Before::attack(sandbox).await;
    let mut frames = Frames::open(&wire, &[]).await;
    let told = frames.flood(times, bytes).await;
    let last = told.last().and_then(Frame::code);
    assert_eq!(
        last,
        Some(code::ENHANCE_YOUR_CALM),
        "{name}: {:?}",
        told.last()
    );
    metrics.grows(CUT, "why=\"flood\"", counted).await;
    before.has_survived().await;
}

/// Row H01: GOAWAY with `ENHANCE_YOUR_CALM` after 500 resets at most, whether they come at once or one
/// by one; no more calls were begun than there may be at once, and each has left its record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rapid_resets_end_the_connection() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let body = question("999099000104", "ONE_STOP_DESK", "tax.status").to_string();
    let call = |call: usize| {
        let (id, head) = (stream(call), block(&post("/v1/citizens:lookup")));
        let headers = frame(kind::HEADERS, flag::END_HEADERS, id, &head);
        let data = frame(kind::DATA, flag::END_STREAM, id, body.as_bytes());
        [headers, data, reset(id, code::CANCEL)].concat()
    };
    let (metrics, accesses) = (Metrics::of(&sandbox), records(&sandbox, "ACCESS"));
    let counted = metrics.count(CUT, "why=\"flood\"").await;
    let before = Before::attack(&sandbox).await;
    let mut frames = Frames::open(&wire, &[]).await;
    let told = frames.flood(10_000, call).await;
    let last = told.last().and_then(Frame::code);
    assert_eq!(last, Some(code::ENHANCE_YOUR_CALM), "{:?}", told.last());
    metrics.grows(CUT, "why=\"flood\"", counted).await;
    before.has_survived().await;
    let begun = records(&sandbox, "ACCESS") - accesses;
    assert!(begun <= 500, "{begun} calls were begun");

    // In turns: each is taken up, and waits for its body, before it is reset.
    let mut frames = Frames::open(&wire, &[]).await;
    let mut resets = 0;
    let outcome = loop {
        let turn: Vec<u32> = (resets..resets + 50).map(stream).collect();
        let heads = turn.iter().map(|id| {
            let head = block(&post("/v1/citizens:lookup"));
            frame(kind::HEADERS, flag::END_HEADERS, *id, &head)
        });
        let heads: Vec<u8> = heads.flatten().collect();
        let ends: Vec<u8> = turn
            .iter()
            .flat_map(|id| reset(*id, code::CANCEL))
            .collect();
        match turns(&mut frames, &[heads, ends]).await {
            None => resets += 50,
            Some(outcome) => break outcome,
        }
        assert!(resets < 10_000, "nothing ends it");
    };
    assert_eq!(outcome, Outcome::Away(code::ENHANCE_YOUR_CALM));
}

/// Sends each piece once the one before has been read; how the connection ended, if it did.
async fn turns(frames: &mut Frames, pieces: &[Vec<u8>]) -> Option<Outcome> {
    for piece in pieces {
        let ping = frame(kind::PING, flag::NONE, 0, &[7; 8]);
        frames.send(&[piece.clone(), ping].concat()).await;
        let answer = |it: &Frame| matches!(it.kind, kind::PING | kind::GOAWAY);
        match frames.until(answer).await {
            Some(frame) if frame.kind == kind::PING => {}
            Some(frame) => return Some(Outcome::Away(frame.code().unwrap())),
            None => return Some(Outcome::Gone),
        }
    }
    None
}

/// Row H02: the connection ends before four times the list of headers have come, at less than a
/// second of work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_of_headers_without_end_ends_the_connection() {
    let sandbox = Sandbox::start();
    let (wire, metrics) = (Wire::new(&sandbox, "commune"), Metrics::of(&sandbox));
    let tiny = block(&[("a", "b")]);
    let large = block(&[("a", &"b".repeat(16_000))]);
    for (name, piece, most) in [("tiny", &tiny, 64 << 10), ("large", &large, 4 * (16 << 10))] {
        let before = Before::attack(&sandbox).await;
        let (work, counted) = (cpu(sandbox.pid()), metrics.count(CUT, "").await);
        let mut frames = Frames::open(&wire, &[]).await;
        let opening = block(&get("/v1/fields"));
        let mut sent = 0;
        frames
            .send(&frame(kind::HEADERS, flag::END_STREAM, 1, &opening))
            .await;
        let told = frames
            .flood(10_000, |_| {
                sent += piece.len();
                frame(kind::CONTINUATION, flag::NONE, 1, piece)
            })
            .await;
        let last = told.last().and_then(Frame::code);
        assert!(last.is_some_and(|code| code != 0), "{name}: {last:?}");
        metrics.grows(CUT, "", counted).await;
        // The time of the other caller is counted too.
        let work = cpu(sandbox.pid()).saturating_sub(work);
        assert!(work < Duration::from_secs(3), "{name}: {work:?} of work");
        before.has_survived().await;
        assert!(most > 0 && sent > 0);
    }
}

/// Row H03: too many headers, too large ones and a table that is asked to grow are refused with 431,
/// or the stream, or the connection.
#[tokio::test]
async fn headers_that_unpack_into_more_are_refused() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let before = Before::attack(&sandbox).await;
    let with = |more: &[u8]| [block(&get("/v1/fields")), more.to_vec()].concat();
    // One entry of 4,000 bytes in the table, then a reference to it again and again.
    let entry = [&[0x40, 1, b'a', 127, 0xa1, 30][..], &[b'b'; 4000]].concat();
    let bomb = with(&[entry, vec![0xbe; 12_000]].concat());
    let many = with(&block(&vec![("a", ""); 4000]));
    let cookie = with(&block(&[("cookie", &"c".repeat(16_200))]));
    for (name, block) in [("bomb", &bomb), ("many", &many), ("cookie", &cookie)] {
        let mut frames = Frames::open(&wire, &[]).await;
        frames.send(&frame(kind::HEADERS, END, 1, block)).await;
        let mut status = None;
        let refused = frames
            .until(|it| {
                if it.kind == kind::HEADERS {
                    status = Some(it.payload.clone());
                }
                it.ends() || it.kind == kind::GOAWAY
            })
            .await;
        // A literal of its value: no static entry is 431.
        let is_431 = status.is_some_and(|block| is_status(&block, "431"));
        let is_cut = refused.is_none_or(|it| it.code().is_some_and(|code| code != 0));
        assert!(is_431 || is_cut, "{name}");
    }
    // A table of more than was allowed.
    let mut frames = Frames::open(&wire, &[]).await;
    let growing = [&[0x3f, 0xe1, 0xff, 0x03][..], &block(&get("/v1/fields"))].concat();
    frames.send(&frame(kind::HEADERS, END, 1, &growing)).await;
    let outcome = frames.outcome(1).await;
    assert!(
        matches!(outcome, Outcome::Away(_) | Outcome::Gone),
        "{outcome:?}"
    );
    before.has_survived().await;
}

/// True if a block of headers begins with that status, as a literal, with Huffman's code or without.
fn is_status(block: &[u8], status: &str) -> bool {
    let huffman: &[u8] = match status {
        "431" => &[0x69, 0x90, 0xff], // 011010 011001 00001 and padding
        _ => &[],
    };
    let holds = |wanted: &[u8]| {
        !wanted.is_empty() && block.windows(wanted.len()).any(|window| window == wanted)
    };
    holds(status.as_bytes()) || holds(huffman)
}

/// Row H04: a flood of frames that ask for nothing ends the connection; memory stays as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_ask_for_nothing_end_the_connection() {
    let sandbox = Sandbox::start();
    let times = 200_000;
    let ping = frame(kind::PING, flag::NONE, 0, &[0; 8]);
    ended(&sandbox, "PING", times, |_| ping.clone()).await;
    let settings = frame(kind::SETTINGS, flag::NONE, 0, &[0, 3, 0, 0, 0, 9]);
    ended(&sandbox, "SETTINGS", times, |_| settings.clone()).await;
    let window = frame(kind::WINDOW_UPDATE, flag::NONE, 0, &[0, 0, 0, 1]);
    ended(&sandbox, "WINDOW_UPDATE", times, |_| window.clone()).await;
    let priority = frame(kind::PRIORITY, flag::NONE, 1, &[0, 0, 0, 3, 9]);
    ended(&sandbox, "PRIORITY", times, |_| priority.clone()).await;
    let unknown = frame(0xbb, flag::NONE, 0, b"nobody knows");
    ended(&sandbox, "unknown", times, |_| unknown.clone()).await;
    for (name, payload) in [("empty DATA", &b""[..]), ("tiny DATA", b" ")] {
        let head = block(&post("/v1/citizens:lookup"));
        let head = frame(kind::HEADERS, flag::END_HEADERS, 1, &head);
        let data = frame(kind::DATA, flag::NONE, 1, payload);
        let bytes = |time| {
            if time == 0 {
                head.clone()
            } else {
                data.clone()
            }
        };
        ended(&sandbox, name, times, bytes).await;
    }
}

/// Row H05: of 100,000 calls at once on a connection 100 are served and the others refused, until it
/// is cut; memory stays as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_at_once_than_are_served_are_refused_and_then_cut() {
    let sandbox = Sandbox::start();
    let (wire, metrics) = (Wire::new(&sandbox, "commune"), Metrics::of(&sandbox));
    let counted = metrics.count(CUT, "why=\"flood\"").await;
    let before = Before::attack(&sandbox).await;
    let mut frames = Frames::open(&wire, &[]).await;
    // None of them ends, so all of them stay.
    let head = block(&post("/v1/citizens:lookup"));
    let open = |call| frame(kind::HEADERS, flag::END_HEADERS, stream(call), &head);
    let told = frames.flood(100_000, open).await;
    let refused = told
        .iter()
        .filter(|it| it.code() == Some(code::REFUSED_STREAM));
    let refused: Vec<u32> = refused.map(|it| it.stream).collect();
    let first = refused.first().expect("none is refused");
    assert_eq!(*first, stream(100), "the first that is refused");
    assert!(refused.len() <= 1024, "{} are refused", refused.len());
    let last = told.last().and_then(Frame::code);
    assert_eq!(last, Some(code::ENHANCE_YOUR_CALM));
    metrics.grows(CUT, "why=\"flood\"", counted).await;
    before.has_survived().await;
}

/// Row H06: a client that baits us into resets is cut at 1,024 of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_baits_us_into_resets_is_cut() {
    let sandbox = Sandbox::start();
    let (wire, metrics) = (Wire::new(&sandbox, "commune"), Metrics::of(&sandbox));
    let counted = metrics.count(CUT, "why=\"flood\"").await;
    let before = Before::attack(&sandbox).await;
    let mut frames = Frames::open(&wire, &[]).await;
    // A header that HTTP/2 does not have, for which each call must be reset.
    let head = block(&[get("/v1/fields"), vec![("connection", "close")]].concat());
    let bait = |call| frame(kind::HEADERS, END, stream(call), &head);
    let told = frames.flood(20_000, bait).await;
    let last = told.last().and_then(Frame::code);
    assert_eq!(last, Some(code::ENHANCE_YOUR_CALM), "{:?}", told.last());
    let resets = told.iter().filter(|it| it.kind == kind::RST_STREAM).count();
    assert!(resets <= 1024, "{resets} resets");
    metrics.grows(CUT, "why=\"flood\"", counted).await;
    before.has_survived().await;
}
