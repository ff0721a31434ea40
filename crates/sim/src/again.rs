//! When a simulated agency that refuses wants to be asked again: the forms of `Retry-After`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::{Deserialize, Serialize};

/// When to come again, said with a limit of the rate and with maintenance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Again {
    /// As the fault says by itself.
    #[default]
    AsUsual,
    /// After so many seconds; 1,000,000,000 for one who never wants to be asked again.
    Seconds(u64),
    /// At the date so many seconds from now.
    Date(u64),
    /// When nobody knows: a text that is neither.
    Garbage,
    /// Not a word.
    Nothing,
}

impl Again {
    /// The text of a header or element; `usual` is what the fault says by itself.
    #[must_use]
    pub fn text(self, usual: u64, now: Timestamp) -> Option<String> {
        Some(match self {
            Self::AsUsual => usual.to_string(),
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date(seconds) => {
                let at = now + Duration::from_secs(seconds);
                rfc2822::DateTimePrinter::new()
                    .timestamp_to_rfc9110_string(&at)
                    .ok()?
            }
            Self::Garbage => "khi nào xong".to_owned(),
            Self::Nothing => return None,
        })
    }

    /// The same in seconds, for wires that say a number or nothing.
    #[must_use]
    pub const fn seconds(self, usual: u64) -> Option<u64> {
        match self {
            Self::AsUsual => Some(usual),
            Self::Seconds(seconds) | Self::Date(seconds) => Some(seconds),
            Self::Garbage | Self::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_one_of_http() {
        let said = |again: Again| again.text(3, Timestamp::UNIX_EPOCH);
        assert_eq!(
            said(Again::Date(86_400)).unwrap(),
            "Fri, 02 Jan 1970 00:00:00 GMT"
        );
        assert_eq!(said(Again::AsUsual).unwrap(), "3");
        assert_eq!(said(Again::Nothing), None);
    }
}
