//! Reads a message out of a tree, and goes on where serde stops at the first error.
//!
//! A field that is unknown is noted and left out; so is one of the wrong type, after which the tree
//! is walked again. What comes of it is a message without those fields, fit for finding more that
//! is wrong, and for nothing else.

use std::collections::HashSet;
use std::slice;

use api::NO_TIME;
use exchange::Violation;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

use super::path::{Mark, Path, violation};
use super::tree::Tree;

/// What a tree says of a message.
#[derive(Debug)]
pub(super) struct Walked<T> {
    /// The message without what is wrong, if anything can be read.
    pub(super) message: Option<T>,
    /// What is wrong: the fields in the order of the contract's reading, the unknown ones first.
    pub(super) found: Vec<Violation>,
    /// The paths of the contract's own fields that are left out.
    pub(super) left_out: HashSet<String>,
}

/// Reads a message.
pub(super) fn message<T: DeserializeOwned>(tree: &Tree, members: usize) -> Walked<T> {
    let most_walks = (MOST_STEPS / members.max(1)).clamp(2, MOST_WALKS);
    let mut wrong = Vec::new();
    let mut left_out = HashSet::new();
    loop {
        let mut walk = Walk {
            path: Path::default(),
            unknown: Vec::new(),
            left_out: &left_out,
        };
        let read = T::deserialize(At {
            tree,
            walk: &mut walk,
        });
        let Walk { path, unknown, .. } = walk;
        if let Err(error) = &read {
            let place = path.as_str();
            wrong.push(violation(place, problem(error)));
            let goes_on = !place.is_empty() && wrong.len() < most_walks;
            if goes_on && left_out.insert(place.to_owned()) {
                continue;
            }
        }
        return Walked {
            message: read.ok(),
            found: [unknown, wrong].concat(),
            left_out,
        };
    }
}

/// What is wrong, in words of ours: those of the reader repeat the value. Only what it expected is
/// taken over, which is of the contract.
fn problem(error: &Error) -> String {
    let text = error.to_string();
    let starts = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    let expected = expected(&text);
    let expected = expected.map(|it| format!(": {it}")).unwrap_or_default();
    let is_number = ["expected i32", "expected u32"]
        .iter()
        .any(|it| text.contains(it));
    if starts(&["duplicate field"]) {
        ONE_OF.to_owned()
    } else if is_number {
        NO_NUMBER.to_owned()
    } else if starts(&["unknown variant", "invalid value"]) {
        format!("is none of the values that the contract has{expected}")
    } else if starts(&["invalid type"]) {
        format!("has not the type that the contract gives it{expected}")
    } else if starts(&[NO_TIME]) {
        NO_TIME.to_owned()
    } else {
        NO_NUMBER.to_owned()
    }
}

/// What the reader expected. It stands last, behind the value, in which anything may stand.
fn expected(text: &str) -> Option<String> {
    let (_, expected) = text.rsplit_once(", expected ")?;
    if expected.starts_with("struct ") {
        return Some("an object".to_owned());
    }
    let names = expected.strip_prefix("expected ").unwrap_or(expected);
    let is_quote = |c: &char| matches!(c, '`' | '"' | '[' | ']' | ':');
    let names = names.chars().filter(|c| !is_quote(c));
    Some(names.take(LONGEST_EXPECTED).collect())
}

/// One walk over a tree.
#[derive(Debug)]
struct Walk<'a> {
    path: Path,
    unknown: Vec<Violation>,
    left_out: &'a HashSet<String>,
}

impl Walk<'_> {
    fn leaves_out(&self) -> bool {
        self.left_out.contains(self.path.as_str())
    }
}

/// The value at the path of a walk.
struct At<'de, 'w, 'a> {
    tree: &'de Tree,
    walk: &'w mut Walk<'a>,
}

impl<'de> Deserializer<'de> for At<'de, '_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tree {
            Tree::Leaf(leaf) => leaf.deserialize_any(visitor),
            Tree::Array(elements) => visitor.visit_seq(Elements {
                rest: elements.iter().enumerate(),
                walk: self.walk,
            }),
            Tree::Object(_) => self.deserialize_struct("", &[], visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.tree {
            Tree::Object(members) => visitor.visit_map(Members {
                rest: members.iter(),
                fields,
                current: None,
                walk: self.walk,
            }),
            Tree::Array(_) | Tree::Leaf(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tree {
            Tree::Leaf(Value::Null) => visitor.visit_none(),
            Tree::Object(_) | Tree::Array(_) | Tree::Leaf(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The members of an object, of which only `fields` are known.
struct Members<'de, 'w, 'a> {
    rest: slice::Iter<'de, (String, Tree)>,
    fields: &'static [&'static str],
    current: Option<(&'de Tree, Mark)>,
    walk: &'w mut Walk<'a>,
}

impl<'de> MapAccess<'de> for Members<'de, '_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        for (key, tree) in self.rest.by_ref() {
            let mark = self.walk.path.key(key);
            let is_known = self.fields.contains(&key.as_str());
            if is_known && !self.walk.leaves_out() {
                self.current = Some((tree, mark));
                let key: StrDeserializer<'_, Error> = key.as_str().into_deserializer();
                return seed.deserialize(key).map(Some);
            }
            if !is_known {
                let unknown = violation(self.walk.path.as_str(), "is no field of the contract");
                self.walk.unknown.push(unknown);
            }
            self.walk.path.leave(mark);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((tree, mark)) = self.current.take() else {
            return Err(serde::de::Error::custom("a value without its key"));
        };
        let walk = &mut *self.walk;
        let value = seed.deserialize(At { tree, walk })?;
        self.walk.path.leave(mark);
        Ok(value)
    }
}

/// The elements of an array.
struct Elements<'de, 'w, 'a> {
    rest: std::iter::Enumerate<slice::Iter<'de, Tree>>,
    walk: &'w mut Walk<'a>,
}

impl<'de> SeqAccess<'de> for Elements<'de, '_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        for (index, tree) in self.rest.by_ref() {
            let mark = self.walk.path.index(index);
            if !self.walk.leaves_out() {
                let walk = &mut *self.walk;
                let element = seed.deserialize(At { tree, walk })?;
                self.walk.path.leave(mark);
                return Ok(Some(element));
            }
            self.walk.path.leave(mark);
        }
        Ok(None)
    }
}

/// What is told of a field of a group of which only one may be given, and of one given in both of
/// its spellings.
const ONE_OF: &str = "stands beside a field that excludes it: give only one of them";
/// Longer than the names of any list of values.
const LONGEST_EXPECTED: usize = 1_000;
/// What is told of an integer that is none, or is too large.
const NO_NUMBER: &str = "is no whole number that the contract takes";
/// More than the contract has fields.
const MOST_WALKS: usize = 32;
/// So many values are walked over at most, or all twice: what is wrong with a large body is told in part.
const MOST_STEPS: usize = 8_192;
