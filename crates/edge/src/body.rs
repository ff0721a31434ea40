//! The body of a request, whole, and never larger or slower than allowed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use exchange::{Fault, Reason};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

/// How large and how slow a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// In bytes.
    pub(crate) size: usize,
    /// The time it may take, and a second more per KiB received.
    pub(crate) time: Duration,
}

/// How much of a body that is too large is read and dropped, so that a caller who is still writing
/// sees the answer instead of a closed connection; and for how long.
const DRAINED_BYTES: usize = 256 << 10;
const DRAINING: Duration = Duration::from_secs(1);

/// Reads a body to its end. Nothing is kept of one that is too large.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE`; `DEADLINE_EXCEEDED` for one that trickles; `INVALID_ARGUMENT` for one that
/// breaks off or has trailers.
pub(crate) async fn collect(mut body: Incoming, allowance: Allowance) -> Result<Bytes, Fault> {
    let said = body.size_hint().lower();
    if usize::try_from(said).is_ok_and(|said| said > allowance.size) {
        drain(body).await;
        return Err(too_large());
    }
    let begun = Instant::now();
    let mut whole = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let received = whole.len() + rest.len();
        let more = u64::try_from(received / 1024).unwrap_or_default();
        let late = begun + allowance.time + Duration::from_secs(more);
        let frame = match timeout_at(late, body.frame()).await {
            Err(_) => return Err(Fault::new(Reason::DeadlineExceeded, "the body trickles")),
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                let fault = Fault::new(Reason::InvalidArgument, "the body broke off");
                return Err(fault.because(error));
            }
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else {
            // Nothing reads trailers here, and whoever hides something in them is refused.
            return Err(Fault::new(Reason::InvalidArgument, "the body has trailers"));
        };
        if received + data.len() > allowance.size {
            drain(body).await;
            return Err(too_large());
        }
        // Most bodies are one frame, which is taken as it is.
        if received == 0 {
            whole = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&whole);
                whole = Bytes::new();
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() {
        whole
    } else {
        rest.freeze()
    })
}

/// Reads on for a little while, and drops what comes.
async fn drain(mut body: Incoming) {
    let end = Instant::now() + DRAINING;
    let mut left = DRAINED_BYTES;
    while let Ok(Some(Ok(frame))) = timeout_at(end, body.frame()).await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        let Some(less) = left.checked_sub(size) else {
            return;
        };
        left = less;
    }
}

fn too_large() -> Fault {
    Fault::new(Reason::PayloadTooLarge, "the body is too large")
}
