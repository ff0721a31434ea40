//! Of whom nothing is told unless an agreement says so, and what nobody is told why.
//!
//! Not here: how it is known of a person (crates `gate` and `agencies`).

/// Why nothing is told of a person. Neither the caller nor the record learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Closed {
    /// They are not 18 years old yet.
    Minor = 1,
    /// They are on the list of the highly protected.
    Protected = 2,
    /// They are adopted, and what is asked for would show whose child they were born.
    Adopted = 4,
    /// The source keeps their record closed, which no agreement here opens.
    Sealed = 8,
}

impl Closed {
    /// Whom an agreement may open.
    pub const OPENED: [Self; 3] = [Self::Minor, Self::Protected, Self::Adopted];

    /// The name in the log of the program.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minor => "minor",
            Self::Protected => "protected",
            Self::Adopted => "adopted",
            Self::Sealed => "sealed",
        }
    }

    /// The word by which an agreement opens them; none for what it cannot open.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Minor => Some("MINORS"),
            Self::Protected => Some("PROTECTED"),
            Self::Adopted => Some("ADOPTED"),
            Self::Sealed => None,
        }
    }
}

/// Whom an agreement opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClosedSet(u8);

impl ClosedSet {
    /// Nobody.
    pub const NONE: Self = Self(0);

    /// The same set with these as well.
    #[must_use]
    pub const fn with(self, closed: Closed) -> Self {
        Self(self.0 | closed as u8)
    }

    /// True if they are among them.
    #[must_use]
    pub const fn has(self, closed: Closed) -> bool {
        self.0 & closed as u8 != 0
    }
}

impl FromIterator<Closed> for ClosedSet {
    fn from_iter<I: IntoIterator<Item = Closed>>(all: I) -> Self {
        all.into_iter().fold(Self::NONE, Self::with)
    }
}
