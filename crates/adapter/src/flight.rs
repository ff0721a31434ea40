//! Work that is done once for all who wait for it: a login, the opening of a connection.

use std::fmt;
use std::future::Future;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use tokio_util::task::AbortOnDropHandle;

use crate::BoxFuture;

/// Work under way, or its end; shared by those who wait for it.
///
/// It is a task of its own, so nobody who leaves takes it along; when nobody holds it, it is cut.
/// Whoever begins it sees to it that it ends by itself.
#[derive(Clone)]
pub struct Flight<T: Clone>(Shared<BoxFuture<'static, T>>);

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Begins the work; `broken` stands in for its end if it panics.
    pub fn begin(
        work: impl Future<Output = T> + Send + 'static,
        broken: impl FnOnce() -> T + Send + 'static,
    ) -> Self {
        let task = AbortOnDropHandle::new(tokio::spawn(work));
        let flight: BoxFuture<'static, T> =
            Box::pin(async move { task.await.unwrap_or_else(|_| broken()) });
        Self(flight.shared())
    }

    /// Waits for its end.
    pub async fn landed(self) -> T {
        self.0.await
    }

    /// Its end, if it has come.
    #[must_use]
    pub fn has_landed(&self) -> Option<T> {
        self.0.clone().now_or_never()
    }
}

impl<T: Clone> fmt::Debug for Flight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flight")
    }
}
