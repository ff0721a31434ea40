//! One dossier as the register knows it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use exchange::{AgencyCode, Criticality, RequestId, Source, SystemId};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{Move, State};

/// What a question stands for, under a key: the same of the same owner has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(pub [u8; 16]);

/// What was sent to an agency, so that it can be sent again. It names a person: it is held in memory
/// alone, wiped when it is dropped, and shown by nothing.
pub struct Enquiry(Zeroizing<Vec<u8>>);

/// A dossier that a question has left under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dossier {
    /// By what operators name it; 0 as long as it is in the hands of the question that opened it.
    pub number: u64,
    /// Who has it.
    pub source: Source,
    /// What they call it.
    pub code: String,
    /// The name of the address that has it; empty if that is not known.
    pub address: String,
    /// By what the same question finds it.
    pub tag: Tag,
    /// The agency that asked.
    pub agency: AgencyCode,
    /// Its system.
    pub system: SystemId,
    /// The id of its request, under which it was sent.
    pub request: RequestId,
    /// How urgent the question was.
    pub class: Criticality,
    /// After which time it hangs.
    pub ttl: Duration,
    /// How far it is.
    pub state: State,
    /// When it was opened.
    pub opened: Timestamp,
    /// Since when it is waited for; of one that nobody waits for, since when it is as it is.
    pub since: Timestamp,
    /// When it was asked about last.
    pub asked: Timestamp,
    /// How often it was asked about since then.
    pub asks: u32,
    /// Why it is not done, in stable `UPPER_SNAKE`; empty if nothing is wrong.
    pub reason: Cow<'static, str>,
}

impl Dossier {
    /// Moves it.
    pub(super) fn enter(&mut self, state: State, now: Timestamp) {
        let goes_on = self.state.is_under_way() && state.is_under_way();
        if self.state != state && !goes_on {
            self.since = now;
            self.asks = 0;
        }
        self.state = state;
    }

    /// Moves it as an operator or the clock says, if that is legal.
    pub(super) fn go(&mut self, it: Move, now: Timestamp) -> Option<()> {
        self.enter(self.state.after(it)?, now);
        Some(())
    }

    /// True if it has been waited for longer than its class allows.
    pub(super) fn is_overdue(&self, now: Timestamp) -> bool {
        self.state.is_under_way() && now >= self.end()
    }

    /// When that is so.
    pub(super) fn end(&self) -> Timestamp {
        self.since.checked_add(self.ttl).unwrap_or(Timestamp::MAX)
    }

    /// True if the same question goes on with it.
    pub(super) const fn is_joined(&self) -> bool {
        self.state.is_asked() || matches!(self.state, State::Completed)
    }

    /// When to ask about it next: after 1, 2, 4, … seconds, at most a minute, each a quarter more or less.
    pub(super) fn next_look(&self, now: Timestamp) -> Timestamp {
        let pause = FIRST_MS << self.asks.min(LONGEST_SHIFT);
        let pause = pause.min(LONGEST_MS);
        let spread = mix(self.number ^ u64::from(self.asks) << 32) % (pause / 2 + 1);
        let pause = Duration::from_millis(pause * 3 / 4 + spread);
        let next = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        // Once more when its time is over, however long the pause.
        if now < self.end() {
            next.min(self.end())
        } else {
            next
        }
    }
}

impl Enquiry {
    /// Keeps what was sent.
    #[must_use]
    pub fn new(sent: &[u8]) -> Self {
        Self(Zeroizing::new(sent.to_vec()))
    }

    /// What was sent.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Enquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enquiry(…)")
    }
}

/// The mixer of splitmix64: dossiers that were left together are not asked about together.
const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const FIRST_MS: u64 = 1_000;
const LONGEST_MS: u64 = 60_000;
/// 64 s, which is more than the longest.
const LONGEST_SHIFT: u32 = 6;
