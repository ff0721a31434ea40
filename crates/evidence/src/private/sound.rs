//! What a search has found, held against the records themselves: what index or keyring say falsely of a
//! record is named, and nothing is shown.
//!
//! Not here: records that the index leaves out. Made again from the log, it has them.

use exchange::{Opened, Opening, Query};

use super::entry::{Gist, hidden, kind, shown_from};
use super::index::Terms;
use super::log_number;
use super::tags::{OFFICER, Tag, TagKeys};
use crate::{Commitment, batch, verify};

/// What was searched for.
pub(super) struct Asked<'a> {
    pub(super) query: &'a Query,
    pub(super) terms: &'a Terms,
    pub(super) tags: &'a TagKeys,
}

impl Asked<'_> {
    /// What is wrong with a record that was found; none if it is what was searched for, and everything
    /// opened is what it commits to.
    pub(super) fn problem(&self, log: i64, found: &Opened) -> Option<&'static str> {
        if log_number(&found.origin) != log {
            return Some("its log has another name");
        }
        if found.leaf.is_empty() {
            return None; // of another node, and not at hand
        }
        let Ok(gist) = serde_json::from_slice::<Gist<'_>>(&found.leaf) else {
            return Some("there is no such record");
        };
        if !is_committed_to(found) {
            return Some("what is opened is not what it commits to");
        }
        let says = hidden(&found.openings);
        let says = says.as_ref().unwrap_or(&gist);
        if gist.ts != found.ts_ms || !self.is_of_time(gist.ts) {
            return Some("it is of another time");
        }
        if !self.is_by(says) {
            return Some("it is of another call");
        }
        let persons = |kind: &str| kind != OFFICER;
        if !self.names(&self.terms.subject, found, persons)
            || !self.names(&self.terms.officer, found, |kind| kind == OFFICER)
        {
            return Some("it is about somebody else");
        }
        let may_be_seen = self.terms.shown_at.is_none_or(|now| {
            let is_answer = gist.t == "ACCESS" || gist.t == batch::KIND;
            is_answer && shown_from(gist.vis.as_deref().unwrap_or_default()) <= now
        });
        (!may_be_seen).then_some("it may not be seen")
    }

    fn is_of_time(&self, ts: u64) -> bool {
        let ms = |time: jiff::Timestamp| u64::try_from(time.as_millisecond()).unwrap_or(0);
        self.query.from.is_none_or(|from| ms(from) <= ts)
            && self.query.until.is_none_or(|until| ts < ms(until))
    }

    /// True unless the record says that another agency asked, or under another id. Of a sealed one
    /// that was erased nobody knows.
    fn is_by(&self, says: &Gist<'_>) -> bool {
        let agency = says.caller.as_ref().map(|caller| &*caller.ag);
        let request = says.rid.as_deref();
        let asked = &self.query.request;
        let asked = asked.as_ref().map(ToString::to_string);
        fits(self.query.agency.as_ref().map(|it| it.as_str()), agency)
            && fits(asked.as_deref(), request)
    }

    /// True if openings of these kinds name one of the tags that were searched for, or nobody: what
    /// was erased names nobody any more.
    fn names(
        &self,
        wanted: &Option<Vec<Tag>>,
        found: &Opened,
        is_of: impl Fn(&str) -> bool,
    ) -> bool {
        let Some(wanted) = wanted else {
            return true;
        };
        let named = found.openings.iter().filter_map(|opening| {
            let kind = kind(&opening.field).filter(|kind| is_of(kind))?;
            Some(self.tags.tags(kind, &opening.value))
        });
        let named: Vec<Tag> = named.flatten().collect();
        named.is_empty() || named.iter().any(|tag| wanted.contains(tag))
    }
}

fn fits(asked: Option<&str>, says: Option<&str>) -> bool {
    asked.is_none() || says.is_none() || asked == says
}

/// True if every commitment that was opened stands in the record, in what it hides as a whole, or in an
/// entry that it commits to.
fn is_committed_to(found: &Opened) -> bool {
    let commits = |text: &str, opening: &Opening| text.contains(Commitment::of(opening).as_str());
    let leaf = String::from_utf8_lossy(&found.leaf);
    let whole = found
        .openings
        .iter()
        .filter(|opening| matches!(&*opening.field, "all" | "try") && commits(&leaf, opening));
    let mut texts = vec![leaf.clone()];
    texts.extend(whole.map(|opening| String::from_utf8_lossy(&opening.value)));
    for proof in &found.entries {
        if !texts
            .iter()
            .any(|text| verify::batch(proof, text.as_bytes()).is_ok())
        {
            return false;
        }
    }
    texts.extend(found.entries.iter().map(|proof| (&*proof.entry).into()));
    let mut openings = found.openings.iter();
    openings.all(|opening| texts.iter().any(|text| commits(text, opening)))
}
