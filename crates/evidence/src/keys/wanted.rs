//! Which generations of keys are to sign: the file `signing` beside the private keys, with their
//! numbers on one line. It is replaced as a whole; without it, the first generation signs.
//!
//! It says what is asked for. What signs is said by the records and by the file `keys` of the log.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use super::bad;
use super::generation::FIRST;
use crate::Error;
use crate::replace::replace_durably;

/// The generations that are to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The newest, which signs receipts.
    pub(super) newest: u32,
    /// Whether the one before it signs checkpoints as well.
    pub(super) overlaps: bool,
}

impl Wanted {
    /// Reads what is asked for.
    ///
    /// # Errors
    /// The file cannot be read, or does not hold one number or two that follow each other.
    pub(super) fn read(keys_dir: &Path) -> Result<Self, Error> {
        let path = keys_dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::FIRST_ALONE);
            }
            read => read.map_err(Error::io("read", &path))?,
        };
        let wrong = || bad(&path, "does not name one generation, or two in a row");
        Self::parse(&text).ok_or_else(wrong)
    }

    /// Asks for it; durable then.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(self, keys_dir: &Path) -> Result<(), Error> {
        replace_durably(&keys_dir.join(FILE), 0o600, self.to_string().as_bytes())
    }

    /// The numbers, the newest last.
    pub(super) fn numbers(self) -> impl Iterator<Item = u32> + Clone {
        self.oldest()..=self.newest
    }

    pub(super) fn oldest(self) -> u32 {
        self.newest - u32::from(self.overlaps)
    }

    fn parse(text: &str) -> Option<Self> {
        let numbers = text.split_whitespace().map(str::parse);
        let numbers: Vec<u32> = numbers.collect::<Result<_, _>>().ok()?;
        let wanted = match *numbers.as_slice() {
            [newest] => Self {
                newest,
                overlaps: false,
            },
            [before, newest] if before.checked_add(1) == Some(newest) => Self {
                newest,
                overlaps: true,
            },
            _ => return None,
        };
        (wanted.oldest() >= FIRST).then_some(wanted)
    }

    /// What is asked for where nothing is said.
    const FIRST_ALONE: Self = Self {
        newest: FIRST,
        overlaps: false,
    };
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.overlaps {
            write!(f, "{} ", self.oldest())?;
        }
        writeln!(f, "{}", self.newest)
    }
}

const FILE: &str = "signing";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_generation_is_named_or_two_in_a_row() {
        for (text, newest, overlaps) in [
            ("1\n", 1, false),
            ("1 2\n", 2, true),
            ("2\n", 2, false),
            ("7 8\n", 8, true),
        ] {
            let wanted = Wanted { newest, overlaps };
            assert_eq!(Wanted::parse(text), Some(wanted));
            assert_eq!(wanted.to_string(), text);
        }
        for wrong in [
            "",
            "0",
            "0 1",
            "2 1",
            "1 3",
            "1 2 3",
            "x",
            "-1",
            "4294967296",
        ] {
            assert_eq!(Wanted::parse(wrong), None, "{wrong:?}");
        }
    }
}
