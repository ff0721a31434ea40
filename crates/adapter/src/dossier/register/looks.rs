//! Looking after what is under way: what is due, what came of it, and what is over.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use exchange::Source;
use jiff::Timestamp;

use super::Register;
use super::kept::Entry;
use crate::dossier::{Dossier, Enquiry, LOST, Move, State};

/// A dossier that is to be asked about, or sent again.
#[derive(Clone, Debug)]
pub struct Due {
    /// As it is.
    pub dossier: Dossier,
    /// What to send, if it is to be sent again.
    pub enquiry: Option<Arc<Enquiry>>,
}

/// As what an agency has taken a dossier.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What it calls it.
    pub code: String,
    /// The name of the address that has it.
    pub address: String,
}

/// What an agency says of a dossier.
#[derive(Clone, Debug)]
pub struct Seen {
    /// As what it has taken it, if it was sent again.
    pub taken: Option<Taken>,
    /// How far it is.
    pub state: State,
}

impl Register {
    /// What is to be asked about at a source, what has waited longest first.
    #[must_use]
    pub fn due(&self, source: Source, most: usize) -> Vec<Due> {
        if self.is_empty() {
            return Vec::new();
        }
        let now = self.clock.now();
        let kept = self.kept();
        let waits = |it: &&Entry| {
            let dossier = &it.dossier;
            let is_due = it.in_hands == 0 && it.due <= now;
            is_due && dossier.source == source && dossier.state.is_under_way()
        };
        let mut due: Vec<_> = kept.entries.values().filter(waits).collect();
        due.sort_by_key(|it| it.due);
        let due = due.into_iter().take(most).map(|it| Due {
            dossier: it.dossier.clone(),
            enquiry: it.enquiry.clone(),
        });
        due.collect()
    }

    /// Notes what came of asking about a dossier: what its agency says, or why nothing is known. One that
    /// has taken longer than its class allows hangs from now on, and is returned once.
    pub fn looked(&self, number: u64, how: Result<Seen, &'static str>) -> Option<Dossier> {
        let now = self.clock.now();
        let mut kept = self.kept();
        let entry = kept.entries.get_mut(&number)?;
        let dossier = &mut entry.dossier;
        // A question may have it, or an operator may have moved it meanwhile.
        if entry.in_hands > 0 || !dossier.state.is_under_way() {
            return None;
        }
        dossier.asked = now;
        dossier.asks = dossier.asks.saturating_add(1);
        dossier.see(how, now);
        let hangs = dossier.is_overdue(now);
        if hangs {
            entry.hang(now);
        }
        entry.due = entry.dossier.next_look(now);
        let hung = hangs.then(|| entry.dossier.clone());
        self.change(kept, number);
        hung
    }

    /// Has hang what is overdue though nobody has looked at it, since there are too many or its source is not
    /// asked; returns that, each once. Forgets what has been over for an hour.
    pub fn tidy(&self) -> Vec<Dossier> {
        if self.is_empty() {
            return Vec::new();
        }
        let now = self.clock.now();
        let late = now.checked_sub(LOOKED).unwrap_or(Timestamp::MIN);
        let mut guard = self.kept();
        let kept = &mut *guard;
        let mut hung = Vec::new();
        for entry in kept.entries.values_mut() {
            if entry.in_hands == 0 && entry.dossier.is_overdue(late) {
                entry.hang(now);
                kept.changes.insert(entry.dossier.number);
                hung.push(entry.dossier.clone());
            }
        }
        let over = kept.entries.values().filter(|it| it.is_over(now, KEPT));
        let over: Vec<u64> = over.map(|it| it.dossier.number).collect();
        for number in over {
            kept.remove(number);
            kept.changes.insert(number);
        }
        self.count.store(kept.entries.len(), Relaxed);
        drop(guard);
        self.changed.notify_one();
        hung
    }
}

impl Dossier {
    /// Notes what came of asking about it.
    fn see(&mut self, how: Result<Seen, &'static str>, now: Timestamp) {
        let before = self.state.after(Move::Send).unwrap_or(self.state);
        match how {
            Ok(seen) => match before.reach(seen.state) {
                Some(state) => {
                    self.enter(state, now);
                    if let Some(taken) = seen.taken {
                        (self.code, self.address) = (taken.code, taken.address);
                    }
                    self.reason = "".into();
                }
                None => self.reason = WENT_BACK.into(),
            },
            Err(LOST) => {
                if let Some(state) = before.after(Move::Fail) {
                    self.enter(state, now);
                }
                self.reason = LOST.into();
            }
            Err(why) => self.reason = why.into(),
        }
    }
}

/// How long what is over is shown, and a result waits for the same question.
const KEPT: Duration = Duration::from_secs(3_600);
/// How long the look that is due at the end may take.
const LOOKED: Duration = Duration::from_secs(5);
/// Why one hangs that is said to be where it cannot be.
const WENT_BACK: &str = "DOSSIER_STATE";
