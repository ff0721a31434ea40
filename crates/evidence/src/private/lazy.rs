//! A store that is opened when it is first used, and again after a failure.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::spawn_blocking;

use crate::Error;

/// A store that is used away from where nothing may block, by one after the other. Cloned by reference
/// count.
pub(super) struct Lazy<T>(Arc<Place<T>>);

struct Place<T> {
    open: Box<dyn Fn() -> Result<T, Error> + Send + Sync>,
    /// None before the first use, and after a failure.
    held: Mutex<Option<T>>,
}

impl<T: Send + 'static> Lazy<T> {
    /// What `open` opens.
    pub(super) fn new(open: impl Fn() -> Result<T, Error> + Send + Sync + 'static) -> Self {
        let (open, held) = (Box::new(open), Mutex::default());
        Self(Arc::new(Place { open, held }))
    }

    /// Uses the store.
    ///
    /// # Errors
    /// It cannot be opened, or that of `work`; it is opened anew for the next use then.
    pub(super) async fn with<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let place = Arc::clone(&self.0);
        let working = spawn_blocking(move || place.with(work));
        working.await.unwrap_or(Err(Error::Ended))
    }
}

impl<T> Place<T> {
    fn with<R>(&self, work: impl FnOnce(&mut T) -> Result<R, Error>) -> Result<R, Error> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut opened = match held.take() {
            Some(opened) => opened,
            None => (self.open)()?,
        };
        let done = work(&mut opened)?;
        *held = Some(opened);
        Ok(done)
    }
}

impl<T> Clone for Lazy<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lazy").finish_non_exhaustive()
    }
}
