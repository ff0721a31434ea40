//! A bucket's share of a quota that several nodes keep together.
//!
//! A node spends tokens that were leased to it from a common bucket, and what it spends is told when
//! the next lease is asked for. Until it has one, and when nobody answers any more, it spends its
//! fixed share of the quota. Not here: who keeps the common bucket, and how it is asked.
//!
//! *Invariant:* a call never waits for a lease. When one is given, the fixed share is emptied, so that
//! its end opens no second burst.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use aws_lc_rs::hmac;

/// What a node needs to share quotas with others.
#[derive(Clone, Debug)]
pub struct Sharing {
    nodes: NonZeroU32,
    key: hmac::Key,
}

impl Sharing {
    /// Among so many nodes; all have the same secret, under which buckets have their names.
    #[must_use]
    pub fn new(nodes: NonZeroU32, secret: &[u8]) -> Self {
        Self {
            nodes,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn nodes(&self) -> NonZeroU32 {
        self.nodes
    }

    /// The name of a bucket outside this process: it tells nothing without the secret.
    pub(super) fn name(&self, parts: &[&str]) -> String {
        let tag = hmac::sign(&self.key, parts.join("\0").as_bytes());
        hex::encode(tag.as_ref().get(..NAME_BYTES).unwrap_or_default())
    }
}

/// The lease of one bucket.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) name: String,
    /// Leased and not spent. Below zero: spent while the lease was on its way.
    tokens: AtomicI64,
    /// What was left in common when the lease was given.
    left: AtomicI64,
    /// In nanoseconds since the bucket was made; 0: there is none.
    until: AtomicU64,
    /// Spent since the common bucket was told.
    spent: AtomicU32,
    /// Of which it is being told.
    told: AtomicU32,
    /// Nobody has answered, and nothing was given since.
    is_left_alone: AtomicBool,
    /// Asked for since then, in vain too.
    wanted: AtomicU32,
    is_listed: AtomicBool,
    standing: AtomicU32,
}

/// What the node knows of the common bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: nobody has asked here of late.
    Fresh = 0,
    /// It answered the last time.
    Heard = 1,
    /// It did not answer the last time: what was spent since, was spent of the fixed share.
    Alone = 2,
}

impl Lease {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            tokens: AtomicI64::new(0),
            left: AtomicI64::new(0),
            until: AtomicU64::new(0),
            spent: AtomicU32::new(0),
            told: AtomicU32::new(0),
            is_left_alone: AtomicBool::new(false),
            wanted: AtomicU32::new(0),
            is_listed: AtomicBool::new(false),
            standing: AtomicU32::new(Standing::Fresh as u32),
        }
    }

    /// Notes that one is wanted. True if nobody is told of this bucket yet.
    pub(super) fn want(&self) -> bool {
        self.wanted.fetch_add(1, Relaxed);
        !self.is_listed.load(Relaxed) && !self.is_listed.swap(true, Relaxed)
    }

    /// True while there is a lease.
    pub(super) fn holds(&self, now: Duration) -> bool {
        nanos(now) < self.until.load(Relaxed)
    }

    /// Takes one of the lease; how many are left of it, or none if it is spent.
    pub(super) fn take(&self) -> Option<i64> {
        let take = |tokens: i64| (tokens > 0).then(|| tokens - 1);
        let before = self.tokens.fetch_update(Relaxed, Relaxed, take).ok()?;
        self.spent.fetch_add(1, Relaxed);
        Some(before - 1)
    }

    /// Notes one that was taken of the fixed share.
    pub(super) fn took_alone(&self) {
        self.spent.fetch_add(1, Relaxed);
    }

    /// What can be spent here and elsewhere, as far as is known.
    pub(super) fn in_all(&self) -> i64 {
        let own = self.tokens.load(Relaxed).max(0);
        own.saturating_add(self.left.load(Relaxed).max(0))
    }

    /// What was spent and wanted since this was asked the last time.
    pub(super) fn since(&self) -> (u32, u32) {
        let spent = self.spent.swap(0, Relaxed);
        self.told.store(spent, Relaxed);
        (spent, self.wanted.swap(0, Relaxed))
    }

    pub(super) fn standing(&self) -> Standing {
        match self.standing.load(Relaxed) {
            0 => Standing::Fresh,
            1 => Standing::Heard,
            _ => Standing::Alone,
        }
    }

    /// Puts a lease in the place of the one before. False if a node that was left alone is given nothing:
    /// the common bucket begins empty then, and no caller is to notice that it is back. The node goes on
    /// with what it holds or else its fixed share, and tells of it, until there is something.
    pub(super) fn give(&self, tokens: u32, left: i64, now: Duration) -> bool {
        self.standing.store(Standing::Heard as u32, Relaxed);
        if tokens == 0 && self.is_left_alone.load(Relaxed) {
            self.left.store(left, Relaxed);
            if self.tokens.load(Relaxed) <= 0 {
                self.until.store(0, Relaxed);
            }
            return false;
        }
        self.is_left_alone.store(false, Relaxed);
        // What was taken since it was asked for came out of the lease before, which went back.
        let taken = i64::from(self.spent.load(Relaxed));
        self.tokens.store(i64::from(tokens) - taken, Relaxed);
        self.left.store(left, Relaxed);
        self.until.store(nanos(now + HOLDS), Relaxed);
        true
    }

    /// Notes that nobody answered. The lease before holds until its time is over, and what was spent is
    /// told again: if it was heard after all, it counts twice.
    pub(super) fn unheard(&self) {
        self.spent.fetch_add(self.told.swap(0, Relaxed), Relaxed);
        self.is_left_alone.store(true, Relaxed);
        self.standing.store(Standing::Alone as u32, Relaxed);
    }

    /// Ends the lease of a bucket that nobody asks of late.
    pub(super) fn end(&self) {
        self.until.store(0, Relaxed);
        self.standing.store(Standing::Fresh as u32, Relaxed);
        self.is_listed.store(false, Relaxed);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// For how long a lease is spent if no other comes: ten times the pause between two.
const HOLDS: Duration = Duration::from_millis(500);
/// 128 bits of a name: no two of a million buckets are the same.
const NAME_BYTES: usize = 16;
