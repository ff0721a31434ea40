//! A body as a tree, and what is wrong with it as JSON, whatever it means.
//!
//! Not here: the fields of any message (`walk.rs`).

use std::collections::HashSet;
use std::fmt;

use exchange::Violation;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Error, Value};

use super::path::{Path, violation};

/// One value of a body.
#[derive(Debug)]
pub(super) enum Tree {
    /// Members in the order of the body; of a repeated one the first.
    Object(Vec<(String, Self)>),
    /// Elements.
    Array(Vec<Self>),
    /// Anything else.
    Leaf(Value),
}

/// A body that has been looked through.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The whole of it, if it is JSON and not too large to look at.
    pub(super) tree: Option<Tree>,
    /// What is wrong with it.
    pub(super) found: Vec<Violation>,
    /// The paths of what stands more than once.
    pub(super) repeated: HashSet<String>,
    path: Path,
    depth: usize,
    /// How many keys and elements it has.
    pub(super) members: usize,
    is_too_large: bool,
}

impl Scan {
    /// Looks through a body.
    pub(super) fn of(body: &[u8]) -> Self {
        let mut scan = Self::default();
        let mut reader = serde_json::Deserializer::from_slice(body);
        let tree = Node(&mut scan).deserialize(&mut reader);
        match tree.and_then(|tree| reader.end().map(|()| tree)) {
            Ok(tree) => scan.tree = Some(tree),
            Err(error) => scan.fail(&error, body),
        }
        scan
    }

    fn fail(&mut self, error: &Error, body: &[u8]) {
        let (line, column) = (error.line(), error.column());
        let what = if self.is_too_large {
            return self.found.push(violation("", TOO_MANY));
        } else if error.classify() == Category::Eof {
            "the body ends too early"
        } else if error.to_string().starts_with("number out of range") {
            "is a number out of range"
        } else if is_number(error, body) {
            "is no number as JSON writes them"
        } else {
            "is no JSON"
        };
        let what = format!("{what} (line {line}, column {column})");
        self.found.push(violation(self.path.as_str(), what));
    }

    /// Counts a member of an array, or of an object beside so many others.
    fn count<E: serde::de::Error>(&mut self, others: usize) -> Result<(), E> {
        self.members += 1;
        self.is_too_large = others >= MOST_KEYS || self.members > MOST_MEMBERS;
        match self.is_too_large {
            true => Err(E::custom(TOO_MANY)),
            false => Ok(()),
        }
    }

    /// Goes into an object or an array, unless that is too deep.
    fn enter(&mut self) -> bool {
        let is_too_deep = self.depth == DEEPEST;
        if is_too_deep {
            self.found.push(violation(self.path.top(), TOO_DEEP));
        } else {
            self.depth += 1;
        }
        !is_too_deep
    }
}

/// Reads the value at the path of a scan.
struct Node<'s>(&'s mut Scan);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Tree, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Tree, A::Error> {
        let Self(scan) = self;
        let mut elements = Vec::new();
        if !scan.enter() {
            while array.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Tree::Array(elements));
        }
        loop {
            let mark = scan.path.index(elements.len());
            let element = array.next_element_seed(Node(scan))?;
            scan.path.leave(mark);
            let Some(element) = element else { break };
            elements.push(element);
            scan.count(0)?;
        }
        scan.depth -= 1;
        Ok(Tree::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Tree, A::Error> {
        let Self(scan) = self;
        let mut members: Vec<(String, Tree)> = Vec::new();
        if !scan.enter() {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Tree::Object(members));
        }
        while let Some(key) = object.next_key::<String>()? {
            scan.count(members.len())?;
            let mark = scan.path.key(&key);
            if members.iter().any(|(known, _)| *known == key) {
                scan.found.push(violation(scan.path.as_str(), REPEATED));
                scan.repeated.insert(scan.path.as_str().to_owned());
                object.next_value::<IgnoredAny>()?;
            } else {
                members.push((key, object.next_value_seed(Node(scan))?));
            }
            scan.path.leave(mark);
        }
        scan.depth -= 1;
        Ok(Tree::Object(members))
    }
}

/// True if reading stopped at something that is meant for a number.
fn is_number(error: &Error, body: &[u8]) -> bool {
    let line = body
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1));
    let rest = line.and_then(|line| line.get(error.column().saturating_sub(1)..));
    let rest = rest.unwrap_or_default();
    let is_meant = ["NaN", "Infinity", "+", "."];
    error.to_string().starts_with("invalid number")
        || is_meant
            .iter()
            .any(|start| rest.starts_with(start.as_bytes()))
}

/// What stands more than once is told in these words by whoever notices.
pub(super) const REPEATED: &str = "stands more than once";
const TOO_DEEP: &str = "is nested deeper than 32 levels";
const TOO_MANY: &str = "has more keys or elements than any message of the contract";
/// Six times what the contract has.
const DEEPEST: usize = 32;
/// Of one object: far more than a message of the contract has fields.
const MOST_KEYS: usize = 256;
/// A thousand items of a job, each with a name and a birth date.
const MOST_MEMBERS: usize = 12_000;
