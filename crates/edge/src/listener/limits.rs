//! How many handshakes at once, how many connections, and how many of them per certificate.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustix::process::{Resource, getrlimit};
use tokio::sync::Notify;

/// How many connections may be open: what the settings say, and at most half of the descriptors that
/// the process may have. The other half is for agencies, the log and the database.
pub(crate) fn connections(set: usize) -> usize {
    let descriptors = getrlimit(Resource::Nofile).current;
    let half = descriptors.map_or(usize::MAX, |all| {
        usize::try_from(all / 2).unwrap_or(usize::MAX)
    });
    if half < set {
        tracing::warn!(
            set,
            half,
            "fewer connections are taken: descriptors are few"
        );
    }
    set.min(half)
}

/// The handshakes in progress, oldest first.
///
/// One too many cuts the oldest instead of being refused: an honest handshake takes milliseconds,
/// so those that are old are the ones that stall.
#[derive(Debug)]
pub(crate) struct Handshakes {
    most: usize,
    begun: Mutex<VecDeque<Weak<Notify>>>,
}

impl Handshakes {
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            most,
            begun: Mutex::new(VecDeque::new()),
        }
    }

    /// Takes a place, which is given back when it is dropped; notified when it must be.
    pub(crate) fn begin(&self) -> Arc<Notify> {
        let place = Arc::new(Notify::new());
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|place| place.strong_count() > 0);
        if begun.len() >= self.most
            && let Some(oldest) = begun.pop_front().and_then(|place| place.upgrade())
        {
            oldest.notify_one();
        }
        begun.push_back(Arc::downgrade(&place));
        place
    }
}

/// The open connections of every certificate.
#[derive(Debug)]
pub(crate) struct PerCertificate {
    most: usize,
    open: Mutex<HashMap<Box<str>, usize>>,
}

/// One open connection of a certificate; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    all: Arc<PerCertificate>,
    certificate: Box<str>,
}

impl PerCertificate {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let open = Mutex::default();
        Arc::new(Self { most, open })
    }

    /// Takes a place for a connection with that certificate, if there is one.
    pub(crate) fn take(self: &Arc<Self>, certificate: &str) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(certificate.into()).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place {
            all: Arc::clone(self),
            certificate: certificate.into(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.certificate) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.certificate)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn one_handshake_too_many_cuts_the_oldest_that_is_in_progress() {
        let handshakes = Handshakes::new(2);
        let done = handshakes.begin();
        let oldest = handshakes.begin();
        drop(done);
        let second = handshakes.begin();
        assert!(oldest.notified().now_or_never().is_none());
        let third = handshakes.begin();
        assert!(oldest.notified().now_or_never().is_some());
        assert!(second.notified().now_or_never().is_none());
        assert!(third.notified().now_or_never().is_none());
    }

    #[test]
    fn a_place_that_is_given_back_can_be_taken_again() {
        let places = PerCertificate::new(1);
        let place = places.take("a").unwrap();
        assert!(places.take("a").is_none());
        assert!(places.take("b").is_some());
        drop(place);
        assert!(places.take("a").is_some());
    }
}
