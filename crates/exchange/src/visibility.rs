//! When a person may see that somebody asked. Not here: which agreement says so.

use std::fmt;

use jiff::civil::Date;

/// When the person a question was about may see its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// At once.
    #[default]
    Citizen,
    /// From this day on.
    Delayed(Date),
    /// Never: of the record itself only type and time can be read.
    Sealed,
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Citizen => f.write_str("CITIZEN"),
            Self::Delayed(day) => write!(f, "DELAYED:{day}"),
            Self::Sealed => f.write_str("SEALED"),
        }
    }
}
