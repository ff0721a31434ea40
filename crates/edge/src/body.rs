//! The body of a request, whole, and never larger or slower than allowed.
//!
//! *Invariant:* of bodies whose rest has not come yet no more is held than [`UNFINISHED_BYTES`], of all
//! callers together. One that comes in one piece is taken all the same: it waits for nothing.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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

/// How many bytes are held of bodies whose rest has not come yet.
#[derive(Debug, Default)]
pub(crate) struct Unfinished(AtomicUsize);

/// What one body has of them.
struct Held<'a> {
    all: &'a Unfinished,
    bytes: usize,
}

impl Unfinished {
    const fn hold(&self) -> Held<'_> {
        Held {
            all: self,
            bytes: 0,
        }
    }
}

impl Held<'_> {
    /// Holds so many more, if there is room.
    fn more(&mut self, bytes: usize) -> Result<(), Fault> {
        self.bytes += bytes;
        let before = self.all.0.fetch_add(bytes, Relaxed);
        match before + bytes <= UNFINISHED_BYTES {
            true => Ok(()),
            false => Err(crowded()),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Relaxed);
    }
}

/// A hundred and twenty-eight of the largest that a single question may have.
const UNFINISHED_BYTES: usize = 8 << 20;

/// How much of a body that is too large is read and dropped, so that a caller who is still writing
/// sees the answer instead of a closed connection; and for how long.
const DRAINED_BYTES: usize = 256 << 10;
const DRAINING: Duration = Duration::from_secs(1);

/// Reads a body to its end. Nothing is kept of one that is too large.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE`; `DEADLINE_EXCEEDED` for one that trickles; `INVALID_ARGUMENT` for one that
/// breaks off or has trailers; `OVERLOADED` for one that does not come in one piece while too many do
/// not.
pub(crate) async fn collect(
    mut body: Incoming,
    allowance: Allowance,
    unfinished: &Unfinished,
) -> Result<Bytes, Fault> {
    let said = body.size_hint().lower();
    if usize::try_from(said).is_ok_and(|said| said > allowance.size) {
        drain(body).await;
        return Err(too_large());
    }
    let begun = Instant::now();
    let mut held = unfinished.hold();
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
        if !body.is_end_stream() {
            held.more(data.len())?;
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

fn crowded() -> Fault {
    let fault = Fault::new(Reason::Overloaded, "too many bodies are on their way");
    fault.retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_bounded_and_given_back() {
        let all = Unfinished::default();
        let (mut one, mut other) = (all.hold(), all.hold());
        one.more(UNFINISHED_BYTES).unwrap();
        let fault = other.more(1).unwrap_err();
        assert_eq!(fault.reason, Reason::Overloaded);
        drop((one, other));
        all.hold().more(UNFINISHED_BYTES).unwrap();
        assert_eq!(all.0.load(Relaxed), 0);
    }
}
