//! In which form a field may be granted instead of its value. Not here: how a value is masked (crate
//! `api`).

use std::fmt;

/// What is left of a value that is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mask {
    /// Of a number the last four characters.
    LastFour,
    /// Of a date the year.
    Year,
    /// Of an address the province.
    Province,
}

impl Mask {
    /// Every mask, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::LastFour, Self::Year, Self::Province];

    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LastFour => "LAST_FOUR",
            Self::Year => "YEAR",
            Self::Province => "PROVINCE",
        }
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
