//! Of whom a pattern is, and what follows from it.

use std::fmt;

use exchange::{AgencyCode, SystemId};
use jiff::Timestamp;

/// Whose questions are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// An officer of an agency.
    Officer,
    /// A system of an agency.
    System,
    /// An agency's questions about those whose number begins with the same six digits: province,
    /// century, sex and year.
    Prefix,
    /// An agency.
    Agency,
}

impl Level {
    /// Every level, the narrowest first: who is found there is not looked for in a wider one.
    pub const ALL: [Self; 4] = [Self::Officer, Self::System, Self::Prefix, Self::Agency];

    /// The name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Officer => "officer",
            Self::System => "system",
            Self::Prefix => "prefix",
            Self::Agency => "agency",
        }
    }
}

/// What follows from a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// One question a second is answered, until nothing was suspected for ten minutes.
    SteppedDown,
    /// None is answered until an operator lifts it.
    Suspended,
}

impl Step {
    /// Every step, the milder first.
    pub const ALL: [Self; 2] = [Self::SteppedDown, Self::Suspended];

    /// The name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SteppedDown => "stepped_down",
            Self::Suspended => "suspended",
        }
    }
}

/// A suspension, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// By what it is lifted; the same on every node.
    pub id: SuspensionId,
    /// Of whom it is.
    pub level: Level,
    /// The agency that asked.
    pub agency: AgencyCode,
    /// The system from which the last question came.
    pub system: SystemId,
    /// Since when.
    pub since: Timestamp,
}

/// What a suspension is called: nothing about the officer or the citizens can be told from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SuspensionId(pub(super) u64);

impl SuspensionId {
    /// Takes the text of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let id = is_hex.then(|| u64::from_str_radix(text, 16));
        id?.ok().map(Self)
    }
}

impl fmt::Display for SuspensionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SuspensionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Something that was just found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// Of whom.
    pub level: Level,
    /// What follows.
    pub step: Step,
    /// What a suspension would be lifted by.
    pub id: SuspensionId,
}

/// What the population database said about who was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is such a person, or nobody said that there is none.
    Person,
    /// There is none.
    Nobody,
}
