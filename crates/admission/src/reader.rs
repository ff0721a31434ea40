//! Reads the tables of a TOML file key by key, and keeps every problem with its path.
//!
//! A derived deserialiser stops at its first error; an operator wants them all. Not here: what the
//! keys mean (`config.rs`).
//!
//! *Invariant:* a getter that gives nothing for a key that must be there has kept a problem, and
//! [`Section::finish`] keeps one for each key that nobody asked for.

use std::cell::RefCell;
use std::num::NonZeroU32;

use jiff::civil::Date;
use toml::{Table, Value};

use crate::Problem;

/// Every problem found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Keeps one more.
    pub(crate) fn push(&self, file: &str, path: String, what: impl Into<String>) {
        let (file, what) = (file.to_owned(), what.into());
        self.0.borrow_mut().push(Problem { file, path, what });
    }

    /// All of them, in the order in which they were found.
    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// One table of a file; each key is taken out as it is read.
#[derive(Debug)]
pub(crate) struct Section<'p> {
    file: &'p str,
    path: String,
    table: Table,
    problems: &'p Problems,
}

impl<'p> Section<'p> {
    /// A whole file.
    pub(crate) const fn root(file: &'p str, table: Table, problems: &'p Problems) -> Self {
        Self {
            file,
            path: String::new(),
            table,
            problems,
        }
    }

    /// The file it stands in.
    pub(crate) const fn file(&self) -> &'p str {
        self.file
    }

    /// Splits one key off, as if it stood in a file of its own.
    pub(crate) fn split(&mut self, key: &str) -> Self {
        let value = self.table.remove_entry(key);
        Self {
            file: self.file,
            path: self.path.clone(),
            table: value.into_iter().collect(),
            problems: self.problems,
        }
    }

    /// Keeps a problem with a key of this table.
    pub(crate) fn problem(&self, key: &str, what: impl Into<String>) {
        self.problems.push(self.file, self.at(key), what);
    }

    /// Keeps a problem for each key that was not read.
    pub(crate) fn finish(self) {
        for key in self.table.keys() {
            self.problem(key, "unknown key");
        }
    }

    /// The tables `[[key]]`; none if there are none.
    pub(crate) fn sections(&mut self, key: &str) -> Vec<Self> {
        let Some(value) = self.table.remove(key) else {
            return Vec::new();
        };
        let Value::Array(items) = value else {
            self.problem(key, "must be an array of tables");
            return Vec::new();
        };
        let tables = items.into_iter().enumerate();
        tables
            .filter_map(|(i, item)| self.nested(format!("{}[{i}]", self.at(key)), item))
            .collect()
    }

    /// The table `[key]`, which must be there.
    pub(crate) fn section(&mut self, key: &str) -> Option<Self> {
        let value = self.required(key)?;
        self.nested(self.at(key), value)
    }

    /// A string that must be there and parse.
    pub(crate) fn word<T>(
        &mut self,
        key: &str,
        parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.required(key)?;
        self.parsed(self.at(key), &value, parse)
    }

    /// A string that may be left out and must parse.
    pub(crate) fn optional_word<T>(
        &mut self,
        key: &str,
        parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.table.remove(key)?;
        self.parsed(self.at(key), &value, parse)
    }

    /// A list of strings that must be there, must not be empty, and of which each must parse.
    pub(crate) fn words<T>(
        &mut self,
        key: &str,
        parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let value = self.required(key)?;
        self.items(key, value, parse)
    }

    /// A list of strings that may be left out, but not be empty, and of which each must parse.
    pub(crate) fn optional_words<T>(
        &mut self,
        key: &str,
        parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let value = self.table.remove(key)?;
        self.items(key, value, parse)
    }

    /// A list of strings that may be left out or empty, and of which each must parse.
    pub(crate) fn any_words<T>(
        &mut self,
        key: &str,
        parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        match self.table.remove(key) {
            None => Some(Vec::new()),
            Some(Value::Array(none)) if none.is_empty() => Some(Vec::new()),
            Some(value) => self.items(key, value, parse),
        }
    }

    /// `true` or `false`, or the default when it is left out.
    pub(crate) fn flag(&mut self, key: &str, default: bool) -> bool {
        match self.table.remove(key) {
            None => default,
            Some(Value::Boolean(flag)) => flag,
            Some(_) => {
                self.problem(key, "must be true or false");
                default
            }
        }
    }

    /// A day that must be there.
    pub(crate) fn day(&mut self, key: &str) -> Option<Date> {
        let value = self.required(key)?;
        let day = civil_date(&value);
        if day.is_none() {
            self.problem(key, "must be a date such as 2026-01-31, without quotes");
        }
        day
    }

    /// Keeps a problem with a key that may not be there, if it is.
    pub(crate) fn refuse(&mut self, key: &str, what: &str) {
        if self.table.remove(key).is_some() {
            self.problem(key, what);
        }
    }

    /// True if the key is there and was not read.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A whole number from 1 to `max` that must be there.
    pub(crate) fn count(&mut self, key: &str, max: u32) -> Option<NonZeroU32> {
        let value = self.required(key)?;
        let count = value
            .as_integer()
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n <= max)
            .and_then(NonZeroU32::new);
        if count.is_none() {
            self.problem(key, format!("must be a whole number from 1 to {max}"));
        }
        count
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn required(&mut self, key: &str) -> Option<Value> {
        let value = self.table.remove(key);
        if value.is_none() {
            self.problem(key, "is missing");
        }
        value
    }

    fn nested(&self, path: String, value: Value) -> Option<Self> {
        if let Value::Table(table) = value {
            return Some(Self {
                path,
                table,
                ..*self
            });
        }
        self.problems.push(self.file, path, "must be a table");
        None
    }

    fn items<T>(
        &self,
        key: &str,
        value: Value,
        mut parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let Value::Array(items) = value else {
            self.problem(key, "must be a list of strings");
            return None;
        };
        if items.is_empty() {
            self.problem(key, "must not be empty");
        }
        let each = items.iter().enumerate();
        let all: Vec<Option<T>> = each
            .map(|(i, item)| self.parsed(format!("{}[{i}]", self.at(key)), item, &mut parse))
            .collect();
        all.into_iter().collect()
    }

    fn parsed<T>(
        &self,
        path: String,
        value: &Value,
        mut parse: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = value.as_str().ok_or_else(|| "must be a string".to_owned());
        match text.and_then(&mut parse) {
            Ok(parsed) => Some(parsed),
            Err(what) => {
                self.problems.push(self.file, path, what);
                None
            }
        }
    }
}

/// The day that a TOML local date names; none for a date with a time, or another value.
fn civil_date(value: &Value) -> Option<Date> {
    let whole = value.as_datetime()?;
    if whole.time.is_some() || whole.offset.is_some() {
        return None;
    }
    let date = whole.date?;
    let year = i16::try_from(date.year).ok()?;
    let month = i8::try_from(date.month).ok()?;
    let day = i8::try_from(date.day).ok()?;
    Date::new(year, month, day).ok()
}
