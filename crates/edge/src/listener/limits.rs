//! How many handshakes at once, how many connections, and how many of them per certificate.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

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
/// One too many cuts the oldest of the address that has most of them, instead of being refused: an
/// honest handshake takes milliseconds, so those that are old are the ones that stall, and who has
/// many is who crowds the others.
#[derive(Debug)]
pub(crate) struct Handshakes {
    most: usize,
    begun: Mutex<VecDeque<Begun>>,
}

/// A handshake that has begun.
#[derive(Debug)]
struct Begun {
    place: Weak<Notify>,
    from: IpAddr,
}

impl Handshakes {
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            most,
            begun: Mutex::new(VecDeque::new()),
        }
    }

    /// Takes a place, which is given back when it is dropped; notified when it must be.
    pub(crate) fn begin(&self, from: IpAddr) -> Arc<Notify> {
        let place = Arc::new(Notify::new());
        let mut begun = self.begun();
        begun.retain(|it| it.place.strong_count() > 0);
        begun.push_back(Begun {
            place: Arc::downgrade(&place),
            from: network(from),
        });
        if begun.len() > self.most
            && let Some(crowding) = crowding(&begun)
            && let Some(cut) = begun.remove(crowding)
            && let Some(cut) = cut.place.upgrade()
        {
            cut.notify_one();
        }
        place
    }

    /// Notes that one comes from elsewhere: its other end is a balancer.
    pub(crate) fn comes_from(&self, place: &Arc<Notify>, from: IpAddr) {
        let is_it = |it: &&mut Begun| std::ptr::eq(it.place.as_ptr(), Arc::as_ptr(place));
        if let Some(begun) = self.begun().iter_mut().find(is_it) {
            begun.from = network(from);
        }
    }

    fn begun(&self) -> MutexGuard<'_, VecDeque<Begun>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which of them is the oldest of the address that has most.
fn crowding(begun: &VecDeque<Begun>) -> Option<usize> {
    let mut counts = HashMap::<IpAddr, usize>::new();
    for it in begun {
        *counts.entry(it.from).or_default() += 1;
    }
    let most = counts.values().max()?;
    begun
        .iter()
        .position(|it| counts.get(&it.from) == Some(most))
}

/// What one side has at least: an address of IPv4, or 64 bits of IPv6.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() >> 64 << 64).into(),
        four @ IpAddr::V4(_) => four,
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

    fn from(ip: &str) -> IpAddr {
        ip.parse().unwrap()
    }

    fn is_cut(place: &Notify) -> bool {
        place.notified().now_or_never().is_some()
    }

    #[test]
    fn one_handshake_too_many_cuts_the_oldest_that_is_in_progress() {
        let handshakes = Handshakes::new(2);
        let [a, b, c, d] = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map(from);
        let done = handshakes.begin(a);
        let oldest = handshakes.begin(b);
        drop(done);
        let second = handshakes.begin(c);
        assert!(!is_cut(&oldest));
        let third = handshakes.begin(d);
        assert!(is_cut(&oldest));
        assert!(!is_cut(&second) && !is_cut(&third));
    }

    /// Row T12: a flood of one side cuts its own handshakes.
    #[test]
    fn who_has_most_handshakes_is_cut_first() {
        for (one, other) in [("10.0.0.1", "10.0.0.1"), ("2001:db8::1", "2001:db8::2")] {
            let handshakes = Handshakes::new(4);
            let honest = handshakes.begin(from("10.0.0.9"));
            let flood: Vec<_> = (0..50)
                .map(|n| handshakes.begin(from(if n % 2 == 0 { one } else { other })))
                .collect();
            assert!(!is_cut(&honest), "{one}");
            assert_eq!(flood.iter().filter(|it| is_cut(it)).count(), 47);
            let late = handshakes.begin(from("10.0.0.8"));
            assert!(!is_cut(&honest) && !is_cut(&late));
        }
    }

    #[test]
    fn behind_a_balancer_each_counts_where_it_comes_from() {
        let handshakes = Handshakes::new(3);
        let balancer = from("10.0.0.7");
        let honest = handshakes.begin(balancer);
        handshakes.comes_from(&honest, from("192.0.2.1"));
        let flood = [(); 3].map(|()| {
            let place = handshakes.begin(balancer);
            handshakes.comes_from(&place, from("192.0.2.66"));
            place
        });
        assert!(!is_cut(&honest) && is_cut(&flood[0]));
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
