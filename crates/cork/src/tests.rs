//! What is held back leaves together, nothing is lost, and nobody waits for ever.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What has arrived by now.
async fn arrived(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 16];
    let read = tokio::time::timeout(std::time::Duration::ZERO, stream.read(&mut bytes)).await;
    bytes.truncate(read.map_or(0, Result::unwrap));
    bytes
}

/// One turn of the task that owns the connection: it reads and finds nothing.
async fn turn(stream: &mut (impl AsyncRead + Unpin)) {
    poll_fn(|cx| {
        let mut nothing = [0; 8];
        let read = Pin::new(&mut *stream).poll_read(cx, &mut ReadBuf::new(&mut nothing));
        assert!(read.is_pending());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn what_is_flushed_in_one_turn_leaves_together_at_the_next() {
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let mut cork = Cork::new(near);
    for piece in [b"head", b"data", b"tail"] {
        cork.write_all(piece).await.unwrap();
        cork.flush().await.unwrap();
    }
    assert_eq!(arrived(&mut far).await, b"");
    turn(&mut cork).await;
    assert_eq!(arrived(&mut far).await, b"headdatatail");
    turn(&mut cork).await;
    assert_eq!(arrived(&mut far).await, b"");
}

#[tokio::test]
async fn a_flush_wakes_the_task_that_asked_for_it() {
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let mut cork = Cork::new(near);
    cork.write_all(b"ping").await.unwrap();
    // Nothing else would ever poll this task again.
    let reading = tokio::spawn(async move {
        let mut is_flushed = false;
        poll_fn(|cx| {
            let mut nothing = [0; 8];
            let mut nothing = ReadBuf::new(&mut nothing);
            assert!(Pin::new(&mut cork).poll_read(cx, &mut nothing).is_pending());
            if !std::mem::replace(&mut is_flushed, true) {
                assert!(Pin::new(&mut cork).poll_flush(cx).is_ready());
            }
            Poll::<()>::Pending
        })
        .await;
    });
    let mut four = [0; 4];
    far.read_exact(&mut four).await.unwrap();
    assert_eq!(&four, b"ping");
    reading.abort();
}

#[tokio::test]
async fn nothing_is_lost_whatever_the_sizes_and_however_slow_the_reader() {
    let (near, mut far) = tokio::io::duplex(100);
    let sent: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let all = sent.clone();
    let writing = tokio::spawn(async move {
        let mut cork = Cork::new(near);
        let mut rest = &all[..];
        for size in [1, 9, 300, 16_000, 384, 16_384, 16_385, 50_000, 7]
            .into_iter()
            .cycle()
        {
            let (piece, behind) = rest.split_at(size.min(rest.len()));
            cork.write_all(piece).await.unwrap();
            cork.flush().await.unwrap();
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        cork.shutdown().await.unwrap();
    });
    let mut read = Vec::new();
    far.read_to_end(&mut read).await.unwrap();
    writing.await.unwrap();
    assert!(read == sent);
}

#[test]
fn a_flush_of_nothing_wakes_nobody() {
    let (near, _far) = tokio::io::duplex(64);
    let mut cork = Cork::new(near);
    let wakes = Arc::<Wakes>::default();
    let waker = Arc::clone(&wakes).into();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut cork).poll_flush(&mut cx).is_ready());
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
    assert!(Pin::new(&mut cork).poll_write(&mut cx, b"x").is_ready());
    assert!(Pin::new(&mut cork).poll_flush(&mut cx).is_ready());
    assert!(Pin::new(&mut cork).poll_flush(&mut cx).is_ready());
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_has_arrived_is_read_before_the_connection_is_broken() {
    let (near, mut far) = tokio::io::duplex(64);
    let mut cork = Cork::new(near);
    cork.write_all(b"lost").await.unwrap();
    cork.flush().await.unwrap();
    far.write_all(b"bye").await.unwrap();
    drop(far);
    let mut bytes = [0; 8];
    assert_eq!(cork.read(&mut bytes).await.unwrap(), 3);
    let error = cork.read(&mut bytes).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_broken_connection_is_an_error_of_the_next_turn() {
    let (near, far) = tokio::io::duplex(64);
    let mut cork = Cork::new(near);
    cork.write_all(b"lost").await.unwrap();
    cork.flush().await.unwrap();
    drop(far);
    let error = cork.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
