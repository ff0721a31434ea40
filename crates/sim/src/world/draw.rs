//! Keyed draws: the same seed, topic and subject always draw the same values.

use jiff::ToSpan;
use jiff::civil::Date;

use super::mix;

/// What is drawn; each topic has a stream of its own, so that one may grow and leave the others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Topic {
    Birth,
    Precision,
    Death,
    Couple,
    Plan,
    Divorce,
    Reissue,
    Legacy,
    Family,
    Given,
    Native,
    Home,
    Household,
    Residence,
    Papers,
    Body,
    BirthEntry,
    MarriageEntry,
    DeathEntry,
    Parentage,
    Certificate,
    Tax,
    Obligations,
    Social,
    Work,
    Assistance,
    Health,
    Encounters,
    View,
}

/// A stream of draws.
#[derive(Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The stream of a topic and a subject.
    pub(crate) const fn new(seed: u64, topic: Topic, subject: u64) -> Self {
        Self(mix(seed ^ mix(subject ^ mix(topic as u64))))
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    /// A number below `end`.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        // Shifted by 64 bits, the product is below `end`.
        ((self.next() as u128 * end as u128) >> 64) as u64
    }

    /// A number from `first` to `last`, both included.
    pub(crate) const fn within(&mut self, first: i64, last: i64) -> i64 {
        first + self.below((last - first + 1).unsigned_abs()).cast_signed()
    }

    /// True `per_mille` times of a thousand.
    pub(crate) const fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One item of a list.
    #[expect(
        clippy::indexing_slicing,
        reason = "a draw below N is a place of the list"
    )]
    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, list: &[T; N]) -> T {
        const { assert!(N > 0, "nothing to pick from") };
        list[self.place(N)]
    }

    /// A place in a list of `len` items.
    pub(crate) fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }

    /// A day from `first` to `last`, both included; `last` if they are the wrong way round.
    pub(crate) fn day(&mut self, first: Date, last: Date) -> Date {
        let span = i64::from((last - first).get_days());
        if span <= 0 {
            return last;
        }
        first.saturating_add(self.within(0, span).days())
    }

    /// `count` digits.
    pub(crate) fn digits(&mut self, count: u32) -> String {
        digits(self.below(10_u64.pow(count)), count)
    }
}

/// A number in so many digits; format strings would be a third of the cost of a person.
pub(crate) fn digits(number: u64, count: u32) -> String {
    let mut text = vec![b'0'; count as usize];
    let mut rest = number;
    for digit in text.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    String::from_utf8(text).unwrap_or_default()
}
