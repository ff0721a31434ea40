//! Who is told that the log cannot be written any more.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Error;

/// Called once, on a thread of the log, when the log cannot be written any more, before any
/// waiting exchange fails.
///
/// The process must end: what was not synced may not be on the disk.
pub struct Alarm(Box<dyn FnOnce(&Error) + Send>);

impl Alarm {
    /// An alarm that runs the function.
    pub fn new(ring: impl FnOnce(&Error) + Send + 'static) -> Self {
        Self(Box::new(ring))
    }

    pub(crate) fn ring(self, error: &Error) {
        (self.0)(error);
    }
}

/// An alarm that several threads may raise; the first does.
#[derive(Clone, Debug)]
pub(crate) struct Siren(Arc<Mutex<Option<Alarm>>>);

impl Siren {
    pub(crate) fn new(alarm: Alarm) -> Self {
        Self(Arc::new(Mutex::new(Some(alarm))))
    }

    pub(crate) fn ring(&self, error: &Error) {
        let alarm = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(alarm) = alarm {
            alarm.ring(error);
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
}
