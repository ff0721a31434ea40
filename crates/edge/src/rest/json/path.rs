//! Where in a body something stands.

use std::fmt::Write as _;

use exchange::{Reason, Violation};

/// The path from the body to one value, as in `subject.hints.birthDate` or `requiredSources[2]`.
#[derive(Debug, Default)]
pub(super) struct Path(String);

/// How far a path reached, to return to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(usize);

impl Path {
    /// Goes down to a member of an object.
    pub(super) fn key(&mut self, key: &str) -> Mark {
        let mark = Mark(self.0.len());
        if !self.0.is_empty() {
            self.0.push('.');
        }
        self.0.push_str(if is_name(key) { key } else { "?" });
        mark
    }

    /// Goes down to an element of an array.
    pub(super) fn index(&mut self, index: usize) -> Mark {
        let mark = Mark(self.0.len());
        write!(self.0, "[{index}]").ok(); // a string takes everything
        mark
    }

    /// Returns from where one went down.
    pub(super) fn leave(&mut self, mark: Mark) {
        self.0.truncate(mark.0);
    }

    /// The path itself; empty for the body.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The member of the body that holds this place; empty if it has no name.
    pub(super) fn top(&self) -> &str {
        self.0.split(['.', '[']).next().unwrap_or_default()
    }
}

/// What is wrong at a path.
pub(super) fn violation(path: &str, what: impl Into<String>) -> Violation {
    let place = if path.is_empty() { ROOT } else { path };
    Violation {
        field: place.chars().take(LONGEST_PATH).collect(),
        description: what.into(),
        reason: Reason::InvalidJson,
    }
}

/// True for a key that can be repeated to the caller: a name as programs have them.
///
/// Anything else may be a value that went astray, such as a person's number.
fn is_name(key: &str) -> bool {
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && key.len() <= LONGEST_NAME
        && digits <= MOST_DIGITS
}

/// How the body itself is named.
const ROOT: &str = "body";
/// Longer than any path of the contract.
const LONGEST_PATH: usize = 100;
/// Twice the longest name of the contract.
const LONGEST_NAME: usize = 40;
/// Fewer than any number of a person has.
const MOST_DIGITS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_down_and_returns() {
        let mut path = Path::default();
        let top = path.key("requiredSources");
        let element = path.index(2);
        assert_eq!(path.as_str(), "requiredSources[2]");
        path.leave(element);
        path.key("x");
        assert_eq!(path.as_str(), "requiredSources.x");
        assert_eq!(path.top(), "requiredSources");
        path.leave(top);
        assert_eq!(violation(path.as_str(), "is wrong").field, "body");
    }

    #[test]
    fn a_key_that_may_be_a_value_is_not_repeated() {
        for key in [
            "999099000001",
            "a999099000001",
            "Nguyễn Văn A",
            "a b",
            "",
            "a\r\nb",
        ] {
            let mut path = Path::default();
            path.key(key);
            assert_eq!(path.as_str(), "?", "{key:?}");
        }
    }
}
