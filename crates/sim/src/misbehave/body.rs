//! Bodies that do not end as they should.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::time::Sleep;

use crate::Fuse;

/// What a body does behind its bytes.
#[derive(Clone, Debug)]
pub enum Then {
    /// Waits a moment for the bytes to leave, and blows the fuse of the connection.
    Reset(Fuse),
    /// Waits a moment for the bytes to leave, and breaks off by itself.
    BreakOff,
    /// Nothing, for ever.
    Hang,
    /// So many spaces.
    Spaces(usize),
    /// Nothing; the bytes themselves come one a second.
    Drip,
}

/// Some bytes, and what happens then.
#[derive(Debug)]
pub struct Spoilt {
    some: Bytes,
    then: Then,
    wait: Option<Pin<Box<Sleep>>>,
}

impl Spoilt {
    /// Sends these bytes, and then does that.
    #[must_use]
    pub fn new(some: Bytes, then: Then) -> Self {
        if let (Then::Reset(fuse), false) = (&then, some.is_empty()) {
            // Whoever has sent all that was promised does not ask a body for more.
            let fuse = fuse.clone();
            tokio::spawn(async move {
                tokio::time::sleep(FLUSH).await;
                fuse.blow();
            });
        }
        Self {
            some,
            then,
            wait: None,
        }
    }

    /// Waits once.
    fn wait(&mut self, time: Duration, context: &mut Context<'_>) -> Poll<()> {
        let wait = self
            .wait
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        std::task::ready!(wait.as_mut().poll(context));
        self.wait = None;
        Poll::Ready(())
    }

    fn drip(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        std::task::ready!(self.wait(DRIP, context));
        let drop = (!self.some.is_empty()).then(|| self.some.split_to(1));
        Poll::Ready(drop)
    }
}

impl http_body::Body for Spoilt {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if matches!(self.then, Then::Drip) {
            let drop = std::task::ready!(self.drip(context));
            return Poll::Ready(drop.map(|drop| Ok(Frame::data(drop))));
        }
        if !self.some.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.some)))));
        }
        match &mut self.then {
            Then::Hang => Poll::Pending,
            Then::Drip | Then::Spaces(0) => Poll::Ready(None),
            Then::Spaces(left) => {
                let some = SPACES.len().min(*left);
                *left -= some;
                let spaces = Bytes::from_static(SPACES).slice(..some);
                Poll::Ready(Some(Ok(Frame::data(spaces))))
            }
            Then::Reset(_) | Then::BreakOff => {
                std::task::ready!(self.wait(FLUSH, context));
                if let Then::Reset(fuse) = &self.then {
                    fuse.blow();
                }
                let reset = std::io::ErrorKind::ConnectionReset;
                Poll::Ready(Some(Err(reset.into())))
            }
        }
    }
}

/// Long enough for what was sent to leave the socket, too short to be noticed.
const FLUSH: Duration = Duration::from_millis(5);
/// Between two bytes of a drip.
const DRIP: Duration = Duration::from_secs(1);
/// What a long body is made of.
const SPACES: &[u8] = &[b' '; 64 << 10];
