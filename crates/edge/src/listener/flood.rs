//! Floods of HTTP/2 frames that cost their sender nothing, and the end of what sends them.
//!
//! Not here: what h2 bounds by itself, which is CONTINUATION, empty and tiny DATA, streams that are
//! reset before they are taken up, and streams that we are made to reset.
//!
//! *Invariant:* the GOAWAY that ends a connection stands between two frames, or is left out.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How [`Guard`] says why it has cut a connection: h2 passes on the kind of an error, and of what is
/// in it the text alone.
pub(super) const FLOODED: io::ErrorKind = io::ErrorKind::QuotaExceeded;

/// A connection over HTTP/2 that ends with `ENHANCE_YOUR_CALM` when it is flooded.
#[derive(Debug)]
pub(super) struct Guard<S> {
    stream: S,
    received: Frames,
    sent: Frames,
    resets: Allowance,
    others: Allowance,
    end: Option<End>,
}

/// The end of a connection: its last frame, and until when it may take to leave.
#[derive(Debug)]
struct End {
    rest: &'static [u8],
    late: Pin<Box<Sleep>>,
}

impl<S> Guard<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            received: Frames::after(PREFACE_BYTES),
            sent: Frames::after(0),
            resets: Allowance::new(RESETS, RESETS_PER_SECOND),
            others: Allowance::new(OTHERS, OTHERS_PER_SECOND),
            end: None,
        }
    }

    /// Counts what has come; none if it is too much.
    fn receive(&mut self, bytes: &[u8]) -> Option<()> {
        let (resets, others) = (&mut self.resets, &mut self.others);
        let mut is_flooded = false;
        self.received.walk(bytes, |kind| {
            is_flooded |= match kind {
                DATA | CONTINUATION => false,
                HEADERS => {
                    others.grant(OTHERS_PER_CALL);
                    false
                }
                RST_STREAM => !resets.take(),
                _ => !others.take(),
            };
        });
        (!is_flooded).then_some(())
    }

    /// Counts what leaves: a window is opened again for what was sent.
    fn send(&mut self, bytes: &[u8]) {
        let others = &mut self.others;
        self.sent.walk(bytes, |kind| {
            if kind == DATA {
                others.grant(OTHERS_PER_DATA);
            }
        });
    }
}

impl<S: AsyncWrite + Unpin> Guard<S> {
    /// Sends the GOAWAY and shuts the connection, within its time.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let is_whole = self.sent.is_between();
        let end = self.end.get_or_insert_with(|| End {
            rest: if is_whole { GOAWAY } else { &[] },
            late: Box::pin(sleep(FAREWELL)),
        });
        while !end.rest.is_empty() && end.late.as_mut().poll(cx).is_pending() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, end.rest)) {
                Ok(sent @ 1..) => end.rest = end.rest.get(sent..).unwrap_or_default(),
                Ok(0) | Err(_) => break,
            }
        }
        if end.late.as_mut().poll(cx).is_pending() {
            // A side that has left cannot be told; it is cut all the same.
            drop(ready!(Pin::new(&mut self.stream).poll_shutdown(cx)));
        }
        Poll::Ready(io::Error::new(FLOODED, "the connection is flooded"))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        if guard.end.is_some() {
            return guard.poll_end(cx).map(Err);
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut guard.stream).poll_read(cx, buffer))?;
        let received = buffer.filled().get(before..).unwrap_or_default();
        if guard.receive(received).is_none() {
            buffer.set_filled(before);
            return guard.poll_end(cx).map(Err);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        if guard.end.is_some() {
            return guard.poll_end(cx).map(Err);
        }
        let sent = ready!(Pin::new(&mut guard.stream).poll_write_vectored(cx, slices))?;
        let mut left = sent;
        for slice in slices {
            let taken = slice.get(..left).unwrap_or(slice);
            guard.send(taken);
            left -= taken.len();
        }
        Poll::Ready(Ok(sent))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        if guard.end.is_some() {
            return guard.poll_end(cx).map(Err);
        }
        Pin::new(&mut guard.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where in a row of frames a direction of the connection is.
#[derive(Debug)]
struct Frames {
    /// How many bytes are to be passed over before the next head.
    skip: usize,
    /// How many bytes of a head there are.
    head: u8,
    length: usize,
    kind: u8,
}

impl Frames {
    /// The frames after so many other bytes.
    const fn after(skip: usize) -> Self {
        Self {
            skip,
            head: 0,
            length: 0,
            kind: 0,
        }
    }

    /// True if no frame is under way.
    const fn is_between(&self) -> bool {
        self.skip == 0 && self.head == 0
    }

    /// Goes on, and tells the kind of each frame whose head is complete.
    fn walk(&mut self, mut bytes: &[u8], mut begun: impl FnMut(u8)) {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            let Some((byte, rest)) = bytes.get(skipped..).and_then(<[u8]>::split_first) else {
                return;
            };
            match self.head {
                0 => self.length = usize::from(*byte),
                1 | 2 => self.length = self.length << 8 | usize::from(*byte),
                3 => self.kind = *byte,
                _ => {}
            }
            self.head += 1;
            if self.head == HEAD_BYTES {
                self.head = 0;
                self.skip = self.length;
                begun(self.kind);
            }
            bytes = rest;
        }
    }
}

/// How many frames of a kind may still come. What time gives back is asked for only when nothing is
/// left, so most frames cost no look at the clock.
#[derive(Debug)]
struct Allowance {
    left: u32,
    most: u32,
    per_second: u32,
    since: Instant,
}

impl Allowance {
    fn new(most: u32, per_second: u32) -> Self {
        Self {
            left: most,
            most,
            per_second,
            since: Instant::now(),
        }
    }

    /// Takes one, if there is one.
    fn take(&mut self) -> bool {
        if self.left == 0 {
            let ms = self.since.elapsed().as_millis();
            let given = ms.saturating_mul(u128::from(self.per_second)) / 1000;
            self.left = u32::try_from(given).map_or(self.most, |given| given.min(self.most));
            self.since = Instant::now();
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }

    /// Gives some more.
    fn grant(&mut self, more: u32) {
        self.left = self.left.saturating_add(more).min(self.most);
    }
}

/// `PRI * HTTP/2.0` and what belongs to it.
const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: u8 = 9;
const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const CONTINUATION: u8 = 0x9;
/// All 100 calls of a connection given up three times at once, and again in each second: a caller
/// whose calls all end with its deadline. More than that is asked for without being waited for.
const RESETS: u32 = 300;
const RESETS_PER_SECOND: u32 = 300;
/// Settings, pings, windows, priorities and what nobody knows: far more than a client has reason
/// for when it opens a connection, beside some for each call and each piece of an answer.
const OTHERS: u32 = 1000;
const OTHERS_PER_SECOND: u32 = 200;
const OTHERS_PER_CALL: u32 = 8;
const OTHERS_PER_DATA: u32 = 2;
/// How long the last frame may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);
/// 8 bytes of GOAWAY on the connection: any stream may have been taken up; `ENHANCE_YOUR_CALM`.
const GOAWAY: &[u8] = &[
    0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0xb,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, 0, 0, 0, 0, 1];
        frame.resize(9 + payload, 0);
        frame
    }

    #[test]
    fn frames_are_told_however_they_are_cut() {
        let all = [frame(HEADERS, 300), frame(DATA, 0), frame(RST_STREAM, 4)].concat();
        let stream = [vec![b'P'; PREFACE_BYTES], all].concat();
        for size in [1, 2, 7, 9, 10, 400] {
            let (mut frames, mut kinds) = (Frames::after(PREFACE_BYTES), Vec::new());
            for piece in stream.chunks(size) {
                frames.walk(piece, |kind| kinds.push(kind));
            }
            assert_eq!(kinds, [HEADERS, DATA, RST_STREAM], "{size}");
            assert!(frames.is_between());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn resets_may_come_at_a_rate_and_not_above_it() {
        let mut guard = Guard::new(());
        assert!(guard.receive(&[b'P'; PREFACE_BYTES]).is_some());
        let call = [frame(HEADERS, 20), frame(RST_STREAM, 4)].concat();
        for _ in 0..RESETS {
            assert!(guard.receive(&call).is_some());
        }
        assert!(guard.receive(&call).is_none());
        tokio::time::advance(Duration::from_millis(100)).await;
        for _ in 0..30 {
            assert!(guard.receive(&call).is_some());
        }
        assert!(guard.receive(&call).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn calls_and_answers_bring_their_pings_and_windows_with_them() {
        let mut guard = Guard::new(());
        assert!(guard.receive(&[b'P'; PREFACE_BYTES]).is_some());
        let (ping, window) = (frame(0x6, 8), frame(0x8, 4));
        for _ in 0..10 * OTHERS {
            guard.send(&frame(DATA, 100));
            let call = [frame(HEADERS, 20), ping.clone(), window.clone()].concat();
            assert!(guard.receive(&call).is_some());
        }
        // The last call has used two of them.
        for _ in 2..OTHERS {
            assert!(guard.receive(&ping).is_some());
        }
        assert!(guard.receive(&ping).is_none());
    }
}
