//! The agency stores that can be asked.

use std::fmt;

/// An agency store.
///
/// The discriminant is the number of the source in the public contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Source {
    /// National population database (Ministry of Public Security).
    Population = 1,
    /// Electronic health book (Ministry of Health).
    Health = 2,
    /// Civil-status register (Ministry of Justice).
    CivilStatus = 3,
    /// Tax register (tax department).
    Tax = 4,
    /// Social security and social assistance.
    SocialSecurity = 5,
}

impl Source {
    /// Every source, in the order of the contract.
    pub const ALL: [Self; 5] = [
        Self::Population,
        Self::Health,
        Self::CivilStatus,
        Self::Tax,
        Self::SocialSecurity,
    ];

    /// The name in configuration, field paths, metrics and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Population => "population",
            Self::Health => "health",
            Self::CivilStatus => "civil_status",
            Self::Tax => "tax",
            Self::SocialSecurity => "social_security",
        }
    }

    /// The source of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The source of that number in the contract.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|s| i32::from(*s as u8) == number)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceSet(u16);

impl SourceSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// The set with one more source.
    #[must_use]
    pub const fn with(self, source: Source) -> Self {
        Self(self.0 | 1 << source as u8)
    }

    /// The set without that source.
    #[must_use]
    pub const fn without(self, source: Source) -> Self {
        Self(self.0 & !(1 << source as u8))
    }

    /// The sources that are in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The sources that are not in the other set.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True if the source is in the set.
    #[must_use]
    pub const fn contains(self, source: Source) -> bool {
        self.0 & (1 << source as u8) != 0
    }

    /// True if no source is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The source of a set that has one.
    #[must_use]
    pub fn only(self) -> Option<Source> {
        let mut sources = self.iter();
        sources.next().filter(|_| sources.next().is_none())
    }

    /// The sources in the set, in the order of the contract.
    pub fn iter(self) -> impl Iterator<Item = Source> {
        Source::ALL.into_iter().filter(move |s| self.contains(*s))
    }
}

impl FromIterator<Source> for SourceSet {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        sources.into_iter().fold(Self::EMPTY, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_set_of_one_has_an_only_source() {
        let one = SourceSet::EMPTY.with(Source::Tax);
        assert_eq!(one.only(), Some(Source::Tax));
        assert_eq!(SourceSet::EMPTY.only(), None);
        assert_eq!(one.with(Source::Health).only(), None);
    }
}
