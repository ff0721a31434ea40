//! About whom is asked.

use std::fmt;

use crate::{Identifier, PartialDate};

/// The person asked about, and what the caller knows of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The number the caller gave.
    pub identifier: Identifier,
    /// A second factor against enumeration; empty when the caller gave none.
    pub hints: MatchHints,
}

/// Name and birth date as the caller knows them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MatchHints {
    /// Full name, NFC.
    pub full_name: Option<String>,
    /// Birth date.
    pub birth_date: Option<PartialDate>,
}

impl MatchHints {
    /// True if the caller gave none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.full_name.is_none() && self.birth_date.is_none()
    }
}

impl fmt::Debug for MatchHints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = |b: bool| if b { "…" } else { "-" };
        f.debug_struct("MatchHints")
            .field("full_name", &given(self.full_name.is_some()))
            .field("birth_date", &given(self.birth_date.is_some()))
            .finish()
    }
}
