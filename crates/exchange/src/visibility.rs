//! From when on a citizen sees an access in their own list.

use std::fmt;

use jiff::civil::Date;

/// From when on the citizen sees an access to their data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// At once.
    #[default]
    Citizen,
    /// From that day on, in `Asia/Ho_Chi_Minh`.
    Delayed(Date),
    /// Not at all, as a law says.
    Sealed,
}

/// As a record spells it: `CITIZEN`, `DELAYED:2027-01-01`, `SEALED`.
impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Citizen => f.write_str("CITIZEN"),
            Self::Delayed(day) => write!(f, "DELAYED:{day}"),
            Self::Sealed => f.write_str("SEALED"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_names_its_first_day() {
        let day = Visibility::Delayed(jiff::civil::date(2027, 1, 1));
        assert_eq!(day.to_string(), "DELAYED:2027-01-01");
    }
}
