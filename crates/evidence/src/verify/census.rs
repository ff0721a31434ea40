//! What leaves there are, whichever files they were read from.

use std::collections::BTreeMap;

use super::keys::KeyChange;
use crate::gaps;
use crate::keys::KEY;
use crate::leaf::{self, Gist, VERSION};
use crate::link::{Before, Follower, Links};

/// Leaves that were read, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// The number of leaves.
    pub leaves: u64,
    /// The number of leaves of each type.
    pub by_type: BTreeMap<String, u64>,
    /// The number of leaves of a later version, whose meaning is not known: they have no type here.
    pub newer: u64,
    /// The changes of the keys that sign.
    pub keys: Vec<KeyChange>,
    last_ts: u64,
    pub(super) links: Named,
}

/// The logs that a log names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// The one before it, each time otherwise than before.
    pub(super) before: Vec<Before>,
    /// The one that follows, if its last record names it.
    pub(super) follower: Option<Follower>,
    /// Those that it says are retired.
    pub(super) retired: Vec<String>,
}

impl Census {
    /// Counts a leaf; says what is wrong with it.
    pub(super) fn add(&mut self, json: &[u8]) -> Result<(), &'static str> {
        let gist: Gist<'_> = serde_json::from_slice(json).map_err(|_| "a leaf is not JSON")?;
        if gist.v == 0 || (gist.v > VERSION) != leaf::is_newer(json) {
            return Err("the version of a leaf is not where it belongs");
        }
        if leaf::ts(json) != Some(gist.ts) {
            return Err("the time of a leaf is not where it belongs");
        }
        if gist.ts < self.last_ts {
            return Err("the time of a leaf lies before that of the leaf before it");
        }
        if gist.v > VERSION {
            (self.last_ts, self.links.follower) = (gist.ts, None);
            (self.leaves, self.newer) = (self.leaves + 1, self.newer + 1);
            return Ok(());
        }
        if gist.t == KEY {
            let change = KeyChange::parse(json, self.leaves, gist.ts)?;
            if self.keys.len() >= MOST_CHANGES {
                return Err("there are more KEY records than any log has");
            }
            self.keys.push(change);
        }
        self.last_ts = gist.ts;
        self.links.follower = None;
        if matches!(&*gist.t, "START" | "LINK" | "STOP") {
            let links = serde_json::from_slice(json).map_err(|_| "a link to a log is none")?;
            self.links.add(links)?;
        }
        if gist.t == "ADMIN" {
            self.links.retire(gaps::retired(json))?;
        }
        self.leaves += 1;
        let is_odd = self.by_type.len() >= MOST_TYPES || gist.t.len() > LONGEST_TYPE;
        match self.by_type.get_mut(gist.t.as_ref()) {
            Some(count) => *count += 1,
            // Types may be added, but a log that is made up must not fill the memory.
            None if is_odd => {
                *self.by_type.entry(OTHERS.to_owned()).or_default() += 1;
            }
            None => {
                self.by_type.insert(gist.t.into_owned(), 1);
            }
        }
        Ok(())
    }
}

impl Named {
    fn add(&mut self, links: Links) -> Result<(), &'static str> {
        self.follower = links.next.filter(|_| links.t == "STOP");
        if let Some(before) = links.prev.filter(|it| !self.before.contains(it)) {
            if self.before.len() >= MOST_LINKS {
                return Err("a log names the one before it in too many ways");
            }
            self.before.push(before);
        }
        Ok(())
    }

    fn retire(&mut self, log: Option<String>) -> Result<(), &'static str> {
        let Some(log) = log.filter(|log| !self.retired.contains(log)) else {
            return Ok(());
        };
        if self.retired.len() >= MOST_RETIRED {
            return Err("more logs are retired than any node has");
        }
        self.retired.push(log);
        Ok(())
    }
}

/// Those of five centuries.
const MOST_RETIRED: usize = 1_000;
/// A log names the one before it while that is open, and again when it has ended.
const MOST_LINKS: usize = 2;
/// Under what the leaves of odd types are counted.
const OTHERS: &str = "(others)";
const MOST_TYPES: usize = 64;
/// Keys that rotate every week for ten years, begun and finished.
const MOST_CHANGES: usize = 1_040;
const LONGEST_TYPE: usize = 32;
