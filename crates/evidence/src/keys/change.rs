//! What changes when other keys sign, and the record that says so. Not here: when it is written.

use serde::Serialize;

use super::{Keys, PublicKeys, VerifierKey};
use crate::Error;
use crate::leaf::{self, Shown};

/// The public keys that sign from here on, and those that do not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) add: Vec<VerifierKey>,
    pub(crate) gone: Vec<VerifierKey>,
}

impl Change {
    /// What changes from what a log lists to keys that are to sign; none if nothing does.
    ///
    /// # Errors
    /// A key is to sign that is retired, or is said to be of the first generation and was never listed.
    pub(crate) fn between(listed: &PublicKeys, keys: &Keys) -> Result<Option<Self>, Error> {
        let next = keys.public();
        let all = |keys: &PublicKeys| [keys.log.as_slice(), &keys.receipt].concat();
        let (now, next) = (all(listed), all(&next));
        let retired = [listed.retired_log.as_slice(), &listed.retired_receipt].concat();
        if let Some(key) = next.iter().find(|key| retired.contains(key)) {
            return Err(Error::Retired(format!("{key:?}")));
        }
        let mut first = keys.first().into_iter();
        if let Some(key) = first.find(|key| !now.contains(key)) {
            return Err(Error::Unlisted(format!("{key:?}")));
        }
        let without = |some: &[VerifierKey], others: &[VerifierKey]| {
            let rest = some.iter().filter(|key| !others.contains(key));
            rest.cloned().collect::<Vec<_>>()
        };
        let (add, gone) = (without(&next, &now), without(&now, &next));
        let is_any = !add.is_empty() || !gone.is_empty();
        Ok(is_any.then_some(Self { add, gone }))
    }

    /// The record of it.
    pub(crate) fn leaf(&self, node: &str, ts: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 << 10);
        let leaf = Leaf {
            v: 1,
            t: KEY,
            ts,
            node,
            add: self.add.iter().map(Shown).collect(),
            gone: self.gone.iter().map(Shown).collect(),
        };
        leaf::write(&mut out, &leaf);
        out
    }
}

/// The type of the record.
pub(crate) const KEY: &str = "KEY";

/// The record.
#[derive(Debug, Serialize)]
struct Leaf<'a> {
    v: u8,
    t: &'static str,
    ts: u64,
    node: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    add: Vec<Shown<&'a VerifierKey>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gone: Vec<Shown<&'a VerifierKey>>,
}
