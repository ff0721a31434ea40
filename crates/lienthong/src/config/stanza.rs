//! Reads one stanza for everything that is wrong with it, where serde stops at the first thing.
//!
//! What is wrong is told and left out, and the rest is read again.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::lines::join;
use super::problem::Problems;

/// One table of the file.
#[derive(Clone, Debug)]
pub(super) struct Stanza<'t> {
    path: String,
    table: Spanned<DeTable<'t>>,
}

impl<'t> Stanza<'t> {
    pub(super) fn new(path: String, table: Spanned<DeTable<'t>>) -> Self {
        Self { path, table }
    }

    /// The whole file.
    pub(super) fn root(table: Spanned<DeTable<'t>>) -> Self {
        Self::new(String::new(), table)
    }

    /// Its own path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The path of one of its keys.
    fn at(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Its keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        self.table
            .get_ref()
            .keys()
            .map(|key| key.get_ref().to_string())
    }

    /// Takes out the stanza of that name, which must be there.
    pub(super) fn take(&mut self, name: &str, problems: &mut Problems) -> Option<Self> {
        let path = self.at(name);
        let Some((_, value)) = self.table.get_mut().remove_entry(name) else {
            problems.add(&path, "this stanza is missing");
            return None;
        };
        let span = value.span();
        if let DeValue::Table(table) = value.into_inner() {
            return Some(Self::new(path, Spanned::new(span, table)));
        }
        problems.add(&path, "is no stanza");
        None
    }

    /// Takes out the stanza of that name, if it is there.
    pub(super) fn take_optional(&mut self, name: &str, problems: &mut Problems) -> Option<Self> {
        let is_there = self.table.get_ref().contains_key(name);
        is_there.then(|| self.take(name, problems)).flatten()
    }

    /// Splits off the keys of those names.
    pub(super) fn split(&mut self, names: &[&str]) -> Self {
        let taken = names
            .iter()
            .filter_map(|name| self.table.get_mut().remove_entry(*name));
        let taken = taken.collect();
        Self::new(self.path.clone(), Spanned::new(self.table.span(), taken))
    }

    /// Reads what is right of it; `required` are the keys that must be there.
    pub(super) fn read<T: DeserializeOwned>(
        mut self,
        required: &[&str],
        problems: &mut Problems,
    ) -> Option<T> {
        for key in required {
            if !self.table.get_ref().contains_key(*key) {
                problems.add(&self.at(key), MISSING);
            }
        }
        loop {
            let error = match T::deserialize(Deserializer::from(self.table.clone())) {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let wrong = error
                .span()
                .and_then(|span| remove(self.table.get_mut(), &span));
            match (wrong, missing(error.message())) {
                (Some(key), _) => problems.add(&self.at(&key), error.message()),
                (None, Some(key)) => {
                    problems.add_once(&self.at(key), MISSING);
                    return None;
                }
                (None, None) => {
                    problems.add(&self.path, error.message());
                    return None;
                }
            }
        }
    }
}

/// The key that serde misses, if that is what it says.
pub(super) fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// Removes the innermost key at that place, or around it, and returns its path.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let mut found = None;
    for (key, value) in table.iter_mut() {
        let around = value.span();
        let name = key.get_ref().to_string();
        if let DeValue::Table(inner) = value.get_mut()
            && let Some(below) = remove(inner, span)
        {
            return Some(join(&name, &below));
        }
        if key.span() == *span || (around.start <= span.start && span.end <= around.end) {
            found = Some(name);
        }
    }
    table.remove(found.as_deref()?);
    found
}

/// What is said of a key that must be there.
pub(super) const MISSING: &str = "is missing";
