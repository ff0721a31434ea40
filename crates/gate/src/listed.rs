//! Lists of persons by their numbers: canaries, whom nobody has a reason to ask about, and the highly
//! protected.
//!
//! A question about a canary is answered and recorded as any other. Nothing in the record tells it apart,
//! see `manual/decisions/0025-keep-canaries-out-of-the-record.md`. Not here: who is told, and what
//! is closed.
//!
//! *Invariant:* no number is kept in memory once the file is read, only keyed hashes.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::Path;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::SystemRandom;
use zeroize::Zeroizing;

/// The persons of a list, replaced as a whole.
#[derive(Default)]
pub struct Listed(ArcSwap<Known>);

/// Those that are known at a time.
#[derive(Default)]
struct Known {
    /// Drawn when the file is read; none without persons.
    key: Option<hmac::Key>,
    hashes: HashSet<Vec<u8>>,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It cannot be read.
    #[error("cannot be read")]
    Read(#[source] std::io::Error),
    /// A line is no number. What it says is not repeated.
    #[error("line {0} is no number of 9, 10 or 12 digits")]
    Line(usize),
    /// No key can be drawn.
    #[error("there is no randomness for the key")]
    Random,
}

impl Listed {
    /// Reads a file: a number on each line, empty lines and comments behind `#` aside.
    ///
    /// # Errors
    /// It cannot be read, or a line is no number.
    pub fn load(file: &Path) -> Result<Self, ListError> {
        let text = Zeroizing::new(fs::read_to_string(file).map_err(ListError::Read)?);
        let random = SystemRandom::new();
        let key = hmac::Key::generate(HMAC_SHA256, &random).map_err(|_| ListError::Random)?;
        let mut hashes = HashSet::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let is_number = line.bytes().all(|byte| byte.is_ascii_digit());
            if !is_number || !matches!(line.len(), 9 | 10 | 12) {
                return Err(ListError::Line(number));
            }
            hashes.insert(hash(&key, line));
        }
        let key = Some(key).filter(|_| !hashes.is_empty());
        Ok(Self(ArcSwap::from_pointee(Known { key, hashes })))
    }

    /// Puts others in their place.
    pub fn replace(&self, others: Self) {
        self.0.store(others.0.into_inner());
    }

    /// True if the number is one of the list.
    pub(crate) fn has(&self, number: &str) -> bool {
        let known = self.0.load();
        let key = known.key.as_ref();
        key.is_some_and(|key| known.hashes.contains(&hash(key, number)))
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listed(…)")
    }
}

fn hash(key: &hmac::Key, number: &str) -> Vec<u8> {
    hmac::sign(key, number.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Listed, ListError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Listed::load(file.path())
    }

    #[test]
    fn a_number_of_the_file_is_known_and_no_other() {
        let listed = load("# planted in March\n999099000077 # one\n\n012345678\n").unwrap();
        assert!(listed.has("999099000077") && !listed.has("999099000078"));
        assert!(listed.has("012345678") && !Listed::default().has("012345678"));
        assert!(!format!("{listed:?}").contains("999"));
    }

    #[test]
    fn others_take_their_place() {
        let listed = load("999099000077").unwrap();
        listed.replace(load("999099000078").unwrap());
        assert!(!listed.has("999099000077") && listed.has("999099000078"));
        listed.replace(Listed::default());
        assert!(!listed.has("999099000078"));
    }

    #[test]
    fn a_line_that_is_no_number_is_named_and_not_repeated() {
        for text in ["999099000077\n99909900007x\n", "\n1234\n"] {
            let error = load(text).unwrap_err().to_string();
            assert_eq!(error, "line 2 is no number of 9, 10 or 12 digits");
        }
        assert!(matches!(
            Listed::load(Path::new("nowhere")),
            Err(ListError::Read(_))
        ));
    }
}
