//! What is out of the ordinary about a question that is answered: it stands in the record.
//!
//! Not here: break-glass and dry runs, which the question says itself.

/// Something out of the ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Flag {
    /// It was asked outside the hours of the agreement.
    OutOfHours = 1,
    /// The officer asked about themselves.
    OwnRecord = 2,
    /// The officer asked about a relative.
    OwnRelative = 4,
    /// A source was asked once for this question and for another one, the same at the same time.
    Joined = 8,
}

impl Flag {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutOfHours => "OUT_OF_HOURS",
            Self::OwnRecord => "OWN_RECORD",
            Self::OwnRelative => "OWN_RELATIVE",
            Self::Joined => "JOINED",
        }
    }
}

/// A set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlagSet(u8);

impl FlagSet {
    /// No flag.
    pub const NONE: Self = Self(0);

    /// The same set with one more.
    #[must_use]
    pub const fn with(self, flag: Flag) -> Self {
        Self(self.0 | flag as u8)
    }

    /// True if the flag is raised.
    #[must_use]
    pub const fn has(self, flag: Flag) -> bool {
        self.0 & flag as u8 != 0
    }
}

impl FromIterator<Flag> for FlagSet {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        flags.into_iter().fold(Self::NONE, Self::with)
    }
}
