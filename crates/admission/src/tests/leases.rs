//! A quota that three nodes share, as one of them sees it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use exchange::Clock;
use governor::clock::FakeRelativeClock;

use super::fixture::{NOON, POLICY, StoppedClock, desk, request};
use crate::quota::{Maker, Pool};
use crate::{Admission, Granted, Leases, Policy, Sharing, Standing};

/// One of three nodes; a caller may ask 60 times a minute, 30 at once.
struct Node {
    admission: Admission<FakeRelativeClock>,
    leases: Leases<FakeRelativeClock>,
    clock: FakeRelativeClock,
}

impl Node {
    fn new() -> Self {
        let policy = POLICY.replace("burst = 3", "burst = 30");
        let policy = Policy::parse(policy.as_bytes()).unwrap();
        let wall = StoppedClock::at(NOON) as Arc<dyn Clock>;
        let clock = FakeRelativeClock::default();
        let sharing = Sharing::new(NonZeroU32::new(3).unwrap(), b"synthetic");
        let maker = Maker {
            clock: clock.clone(),
            pool: Some(Arc::new(Pool::new(sharing))),
        };
        let admission = Admission::assemble(policy, wall, maker);
        let leases = admission.leases().unwrap();
        Self {
            admission,
            leases,
            clock,
        }
    }

    /// How many of so many questions are answered.
    fn answered(&self, asked: u32) -> usize {
        let plain = request("plain");
        let all = (0..asked).filter(|_| self.admission.admit(&desk(), &plain).is_ok());
        all.count()
    }

    fn granted(&mut self, tokens: u32, left: i64) {
        self.leases.granted(&[Granted { tokens, left }]);
    }

    fn remaining(&self) -> u32 {
        self.admission.quota(&desk()).unwrap().remaining
    }
}

#[test]
fn without_a_lease_a_node_spends_its_part_and_tells_what_it_spent() {
    let mut node = Node::new();
    assert_eq!(node.answered(40), 10);
    let asks = node.leases.asks();
    let [ask] = &asks[..] else {
        panic!("{asks:?}");
    };
    assert_eq!((ask.capacity, ask.interval), (30, Duration::from_secs(1)));
    assert_eq!((ask.spent, ask.wanted), (10, 30));
    assert_eq!(ask.standing, Standing::Fresh);
    assert_eq!(ask.bucket.len(), 32);
    assert!(!ask.bucket.contains("desk"));
}

#[test]
fn a_lease_is_spent_to_its_last_token_and_no_further() {
    let mut node = Node::new();
    assert_eq!(node.answered(1), 1);
    node.leases.asks();
    node.granted(12, 5);
    assert_eq!(node.remaining(), 17);
    assert_eq!(node.answered(40), 12);
    let asks = node.leases.asks();
    assert_eq!((asks[0].spent, asks[0].standing), (12, Standing::Heard));
}

#[test]
fn what_is_spent_while_a_lease_is_on_its_way_is_taken_off_it() {
    let mut node = Node::new();
    assert_eq!(node.answered(1), 1);
    node.leases.asks();
    assert_eq!(node.answered(4), 4);
    node.granted(6, 0);
    assert_eq!(node.answered(40), 2);
    assert_eq!(node.leases.asks()[0].spent, 6);
}

#[test]
fn when_nobody_answers_a_node_goes_on_with_its_part_and_no_burst() {
    let mut node = Node::new();
    assert_eq!(node.answered(1), 1);
    node.leases.asks();
    node.granted(2, 0);
    assert_eq!(node.answered(40), 2);
    node.leases.asks();
    node.leases.unheard();
    node.clock.advance(Duration::from_millis(499));
    assert_eq!(node.answered(1), 0);
    // A third of one a second, from nothing.
    node.clock.advance(Duration::from_millis(1));
    assert_eq!(node.answered(1), 0);
    node.clock.advance(Duration::from_millis(2_500));
    assert_eq!(node.answered(9), 1);
    node.clock.advance(Duration::from_secs(30));
    assert_eq!(node.answered(40), 10);
    assert_eq!(node.leases.asks()[0].standing, Standing::Alone);
}

#[test]
fn who_is_heard_again_goes_on_with_its_part_until_there_is_something() {
    let mut node = Node::new();
    assert_eq!(node.answered(1), 1);
    node.leases.asks();
    node.leases.unheard();
    // The common bucket is there again, and empty.
    node.leases.asks();
    node.granted(0, 0);
    assert_eq!(node.answered(4), 4);
    let asks = node.leases.asks();
    assert_eq!((asks[0].spent, asks[0].standing), (4, Standing::Heard));
    // One comes back in a second, and there are many rounds until then.
    node.granted(0, -4);
    assert_eq!(node.answered(40), 5, "its part is ten");
    node.leases.asks();
    node.granted(2, 0);
    assert_eq!(node.answered(40), 2);
    node.leases.asks();
    node.granted(0, 0);
    assert_eq!(node.answered(40), 0, "as ever");
}

#[test]
fn what_nobody_was_told_is_told_again() {
    let mut node = Node::new();
    assert_eq!(node.answered(3), 3);
    assert_eq!(node.leases.asks()[0].spent, 3);
    node.leases.unheard();
    assert_eq!(node.answered(2), 2);
    assert_eq!(node.leases.asks()[0].spent, 5);
    node.granted(4, 0);
    assert_eq!(node.leases.asks()[0].spent, 0);
}

#[test]
fn a_bucket_that_nobody_asks_gives_its_lease_back_and_is_asked_for_no_more() {
    let mut node = Node::new();
    assert_eq!(node.answered(1), 1);
    for round in 0..=20 {
        let wanted = node.leases.asks()[0].wanted;
        assert_eq!(wanted > 0, round < 20);
        node.granted(wanted, 20);
    }
    assert!(node.leases.asks().is_empty());
    assert_eq!(node.answered(1), 0, "the part was spent with the lease");
    node.clock.advance(Duration::from_secs(3));
    assert_eq!(node.answered(1), 1);
    assert_eq!(node.leases.asks()[0].standing, Standing::Fresh);
}

#[test]
fn every_node_means_the_same_bucket() {
    let names = || {
        let mut node = Node::new();
        assert_eq!(node.answered(1), 1);
        node.leases.asks()[0].bucket.clone()
    };
    assert_eq!(names(), names());
}
