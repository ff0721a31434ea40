//! What an agreement may let a caller do with the record, beside asking about citizens.

use std::fmt;

/// Something a caller may do with the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    /// Find records, and open what is sealed apart from them.
    SearchRecords,
    /// List the accesses to the data of a citizen whom the caller has identified.
    ListAccesses,
    /// Destroy what opens the records about a person.
    EraseSubject,
}

impl Duty {
    /// Every duty, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::SearchRecords, Self::ListAccesses, Self::EraseSubject];

    /// The name in agreements.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SearchRecords => "SEARCH_RECORDS",
            Self::ListAccesses => "LIST_ACCESSES",
            Self::EraseSubject => "ERASE_SUBJECT",
        }
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
