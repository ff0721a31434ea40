//! What the register keeps: its dossiers, each by its number and by its question.
//!
//! *Invariants:* there are never more than [`MOST`], and [`SHARE`] of one caller; each has a number of its own for ever.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use jiff::Timestamp;

use crate::dossier::{Dossier, Enquiry, Move, State, Tag};

/// All of it.
#[derive(Default)]
pub(super) struct Kept {
    /// None until it is opened: then nothing is kept.
    pub(super) key: Option<hmac::Key>,
    pub(super) last: u64,
    pub(super) entries: BTreeMap<u64, Entry>,
    /// The newest for each question.
    pub(super) by_tag: HashMap<Tag, u64>,
    pub(super) changes: BTreeSet<u64>,
    pub(super) turned_away: u64,
}

/// One dossier, and who is at it.
pub(super) struct Entry {
    pub(super) dossier: Dossier,
    /// How many questions have it in their hands.
    pub(super) in_hands: u32,
    pub(super) due: Timestamp,
    pub(super) enquiry: Option<Arc<Enquiry>>,
}

impl Kept {
    /// Gives a dossier its number, if there is room.
    pub(super) fn take(
        &mut self,
        mut dossier: Dossier,
        now: Timestamp,
        enquiry: Option<Enquiry>,
    ) -> Option<u64> {
        self.key.as_ref()?;
        if !self.has_room_for(&dossier, now) {
            self.turned_away += 1;
            return None;
        }
        self.last += 1;
        dossier.number = self.last;
        self.insert(dossier, now, enquiry);
        Some(self.last)
    }

    pub(super) fn insert(&mut self, dossier: Dossier, now: Timestamp, enquiry: Option<Enquiry>) {
        let number = dossier.number;
        self.by_tag.insert(dossier.tag, number);
        let entry = Entry {
            in_hands: 0,
            due: dossier.next_look(now),
            enquiry: enquiry.map(Arc::new),
            dossier,
        };
        self.entries.insert(number, entry);
    }

    /// True if there is room for a dossier, or what is over makes some: of all, and of the share of its owner.
    fn has_room_for(&mut self, dossier: &Dossier, now: Timestamp) -> bool {
        let owns =
            |it: &Entry| it.dossier.agency == dossier.agency && it.dossier.system == dossier.system;
        let count = self.entries.len();
        // Nobody has more than there are.
        let spent = count >= SHARE && self.entries.values().filter(|it| owns(it)).count() >= SHARE;
        match (spent, count >= MOST) {
            (true, _) => self.make_room(now, owns),
            (false, true) => self.make_room(now, |_| true),
            (false, false) => true,
        }
    }

    /// Removes the earliest of these that is over; false if there is none.
    fn make_room(&mut self, now: Timestamp, of: impl Fn(&Entry) -> bool) -> bool {
        let mut all = self.entries.values();
        let over = all.find(|it| it.is_over(now, Duration::ZERO) && of(it));
        let Some(number) = over.map(|it| it.dossier.number) else {
            return false;
        };
        self.changes.insert(number);
        self.remove(number)
    }

    pub(super) fn remove(&mut self, number: u64) -> bool {
        let Some(entry) = self.entries.remove(&number) else {
            return false;
        };
        // The same question may have left another one since.
        if self.by_tag.get(&entry.dossier.tag) == Some(&number) {
            self.by_tag.remove(&entry.dossier.tag);
        }
        true
    }
}

impl Entry {
    /// Has it hang from now on: it has taken longer than its class allows.
    pub(super) fn hang(&mut self, now: Timestamp) {
        let dossier = &mut self.dossier;
        dossier.go(Move::Hang, now);
        if dossier.reason.is_empty() {
            dossier.reason = NOT_DONE.into();
        }
    }

    /// True if nothing is to come of it, and that for so long.
    pub(super) fn is_over(&self, now: Timestamp, age: Duration) -> bool {
        let dossier = &self.dossier;
        let rests = !dossier.state.is_under_way() && dossier.state != State::Hung;
        let end = dossier.since.checked_add(age).unwrap_or(Timestamp::MAX);
        self.in_hands == 0 && rests && end <= now
    }
}

/// Some two megabytes. Where more is left, an agency is down, and its circuit is open.
pub(in crate::dossier) const MOST: usize = 4_096;
/// A quarter of them: a caller whose questions all stay under way leaves room for others.
pub(in crate::dossier) const SHARE: usize = MOST / 4;
/// Why a dossier hangs whose agency says no more than that.
const NOT_DONE: &str = "NOT_DONE";
