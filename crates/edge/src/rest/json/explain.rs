//! Everything that is wrong with a body that is refused, in one list.
//!
//! *Invariant:* no value is invented: what is said of a message that lacks a field because that
//! field could not be read is not told.

use exchange::Violation;
use serde::de::DeserializeOwned;

use super::path::violation;
use super::tree::Scan;
use super::walk;

/// Lists what is wrong with a body: as JSON, as a message, and, as far as `wrong` can tell from
/// what is right, as a question.
pub(super) fn explain<T: DeserializeOwned>(
    body: &[u8],
    wrong: impl FnOnce(&T) -> Vec<Violation>,
) -> Vec<Violation> {
    let Scan {
        tree,
        mut found,
        repeated,
        members,
        ..
    } = Scan::of(body);
    let Some(tree) = tree else {
        return found;
    };
    let walked = walk::message::<T>(&tree, members);
    found.extend(walked.found);
    let said = walked.message.as_ref().map(wrong).unwrap_or_default();
    let doubtful = repeated.iter().chain(&walked.left_out);
    let doubtful: Vec<String> = doubtful.map(|path| to_snake(path)).collect();
    let is_certain = |said: &Violation| !doubtful.iter().any(|path| concerns(&said.field, path));
    found.extend(said.into_iter().filter(is_certain));
    if found.is_empty() {
        found.push(violation("", "is no message of the contract"));
    }
    found
}

/// The path of a field as the contract spells it; that of an array for its element.
fn to_snake(path: &str) -> String {
    let mut snake = String::with_capacity(path.len() + 4);
    for c in path.chars().take_while(|c| *c != '[') {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// True if one of two paths leads through the other.
fn concerns(one: &str, other: &str) -> bool {
    let leads = |path: &str, through: &str| {
        let rest = path.strip_prefix(through);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    leads(one, other) || leads(other, one)
}
