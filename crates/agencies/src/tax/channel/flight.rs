//! One connection being opened: a task of its own, for which any number of callers wait.
//!
//! *Invariant:* it ends within [`CONNECT`]; when nobody holds it, at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use adapter::BoxFuture;
use futures_util::FutureExt as _;
use futures_util::future::Shared;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::link::Link;
use super::target::Dial;

/// The longest a connection may take to open.
pub(super) const CONNECT: Duration = Duration::from_secs(1);

/// A connection being opened, or opened; shared by those who call on it.
#[derive(Clone)]
pub(super) struct Flight(Shared<BoxFuture<'static, Result<Arc<Link>, Status>>>);

impl Flight {
    /// Opens a connection.
    pub(super) fn begin<D: Dial>(target: &Arc<D>) -> Self {
        let target = Arc::clone(target);
        let open = async move { Link::open(target.dial().await?).await };
        let task = tokio::spawn(async move {
            match timeout(CONNECT, open).await {
                Ok(opened) => opened.map_err(|error| Status::unavailable(error.to_string())),
                Err(_) => Err(Status::unavailable("the connection does not open")),
            }
        });
        let task = AbortOnDropHandle::new(task);
        let broken = |_| Err(Status::internal("the opening panicked"));
        let flight: BoxFuture<'static, _> =
            Box::pin(async move { task.await.unwrap_or_else(broken) });
        Self(flight.shared())
    }

    /// Waits for its end.
    pub(super) async fn landed(self) -> Result<Arc<Link>, Status> {
        self.0.await
    }

    /// True while it is under way, and while its connection takes calls.
    pub(super) fn is_of_use(&self) -> bool {
        match self.0.clone().now_or_never() {
            Some(Ok(link)) => link.is_open(),
            Some(Err(_)) => false,
            None => true,
        }
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flight")
    }
}
