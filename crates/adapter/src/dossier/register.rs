//! The register: what questions have left under way, found again by the same question, by whoever looks
//! after it, and by operators.
//!
//! In memory, with a list of what has changed for whoever keeps it over a restart. Nobody who asks waits
//! for that. While there is nothing under way, a question looks at one number and no further.
//!
//! *Invariants:* there are never more than [`MOST`]; each has a number of its own for ever.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use exchange::{Caller, Clock, Criticality, RequestId, Source};
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{Dossier, Enquiry, Held, LOST, Move, State, Tag};

/// The dossiers under way.
pub struct Register {
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    count: AtomicUsize,
    changed: Notify,
}

#[derive(Default)]
struct Kept {
    /// None until it is opened: then nothing is kept.
    key: Option<hmac::Key>,
    last: u64,
    entries: BTreeMap<u64, Entry>,
    /// The newest for each question.
    by_tag: HashMap<Tag, u64>,
    changes: BTreeSet<u64>,
    turned_away: u64,
}

struct Entry {
    dossier: Dossier,
    /// How many questions have it in their hands.
    in_hands: u32,
    due: Timestamp,
    enquiry: Option<Arc<Enquiry>>,
}

/// What a question has opened at an agency.
#[derive(Debug)]
pub struct Opened<'a> {
    /// At which.
    pub source: Source,
    /// What the agency calls it.
    pub code: String,
    /// What the question stands for.
    pub tag: Tag,
    /// Who asked.
    pub caller: &'a Caller,
    /// Under which id.
    pub request: RequestId,
    /// How urgent it is.
    pub class: Criticality,
    /// After which time it hangs.
    pub ttl: Duration,
    /// How far it is.
    pub state: State,
    /// What was sent.
    pub enquiry: Enquiry,
}

/// A dossier that is to be asked about, or sent again.
#[derive(Clone, Debug)]
pub struct Due {
    /// As it is.
    pub dossier: Dossier,
    /// What to send, if it is to be sent again.
    pub enquiry: Option<Arc<Enquiry>>,
}

/// What an agency says of a dossier.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What it calls it, if it was sent again.
    pub code: Option<String>,
    /// How far it is.
    pub state: State,
}

/// Why an operator does not move a dossier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// There is none of that number.
    #[error("there is no dossier {0}")]
    Unknown(u64),
    /// It is in a state that such a move does not leave.
    #[error(
        "dossier {0} is {state}: one that is HUNG is asked about again, sent again or closed, and one that is \
         FAILED_RETRYABLE sent again", state = .1.name()
    )]
    State(u64, State),
    /// What it asked is not known any more.
    #[error(
        "what dossier {0} asked is not kept over a restart: it can be asked about again or be closed"
    )]
    Forgotten(u64),
}

impl Register {
    /// A register that keeps nothing before it is opened.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            kept: Mutex::default(),
            count: AtomicUsize::new(0),
            changed: Notify::new(),
        }
    }

    /// Keeps from now on, under a key for its tags, what questions leave; beside what was kept before.
    pub fn open(&self, key: &[u8; 32], before: Vec<Dossier>) {
        let now = self.clock.now();
        let mut kept = self.kept();
        kept.key = Some(hmac::Key::new(HMAC_SHA256, key));
        for dossier in before {
            kept.last = kept.last.max(dossier.number);
            kept.insert(dossier, now, None);
        }
        self.count.store(kept.entries.len(), Relaxed);
    }

    /// What a question stands for: its caller, and what is asked of whom. None if nothing is kept.
    #[must_use]
    pub fn tag(&self, source: Source, caller: &Caller, question: &[u8]) -> Option<Tag> {
        let mut hmac = hmac::Context::with_key(self.kept().key.as_ref()?);
        for part in [
            source.name(),
            caller.agency().as_str(),
            caller.system().as_str(),
        ] {
            hmac.update(part.as_bytes());
            hmac.update(&[0]);
        }
        hmac.update(question);
        hmac.sign().as_ref().first_chunk().copied().map(Tag)
    }

    /// True while nothing is under way: then no question need be told from another.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count.load(Relaxed) == 0
    }

    /// The dossier that the same question has left under way.
    #[must_use]
    pub fn join(self: &Arc<Self>, tag: Tag) -> Option<Held> {
        let mut kept = self.kept();
        let number = *kept.by_tag.get(&tag)?;
        let entry = kept.entries.get_mut(&number)?;
        if !entry.dossier.is_joined() {
            return None;
        }
        entry.in_hands += 1;
        let dossier = entry.dossier.clone();
        drop(kept);
        Some(Held::new(Arc::clone(self), dossier, None))
    }

    /// Puts a dossier into the hands of the question that has opened it.
    #[must_use]
    pub fn hold(self: &Arc<Self>, it: Opened<'_>) -> Held {
        let now = self.clock.now();
        let dossier = Dossier {
            number: 0,
            source: it.source,
            code: it.code,
            tag: it.tag,
            agency: it.caller.agency().clone(),
            system: it.caller.system().clone(),
            request: it.request,
            class: it.class,
            ttl: it.ttl,
            state: it.state,
            opened: now,
            since: now,
            asked: now,
            asks: 0,
            reason: "".into(),
        };
        Held::new(Arc::clone(self), dossier, Some(it.enquiry))
    }

    /// Takes a dossier from a question that is over.
    pub(super) fn put_down(&self, held: &Dossier, enquiry: Option<Enquiry>) {
        let now = self.clock.now();
        let mut kept = self.kept();
        let number = match held.number {
            0 => match kept.take(held.clone(), now, enquiry) {
                Some(number) => number,
                None => return,
            },
            number => number,
        };
        let Some(entry) = kept.entries.get_mut(&number) else {
            return;
        };
        entry.in_hands = entry.in_hands.saturating_sub(1);
        if let Some(state) = entry.dossier.state.reach(held.state) {
            entry.dossier.enter(state, now);
        }
        entry.dossier.asked = now;
        entry.due = entry.dossier.next_look(now);
        self.change(kept, number);
    }

    /// Forgets a dossier.
    pub(super) fn forget(&self, number: u64) {
        let mut kept = self.kept();
        if kept.remove(number) {
            self.change(kept, number);
        }
    }

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
            dossier.go(Move::Hang, now);
            if dossier.reason.is_empty() {
                dossier.reason = NOT_DONE.into();
            }
        }
        entry.due = dossier.next_look(now);
        let hung = hangs.then(|| dossier.clone());
        self.change(kept, number);
        hung
    }

    /// Says whether an operator may move a dossier so; as it is.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, number: u64, it: Move) -> Result<Dossier, Illegal> {
        self.kept()
            .may(number, it)
            .map(|entry| entry.dossier.clone())
    }

    /// Moves a dossier as an operator says; as it is then.
    ///
    /// # Errors
    /// Why it may not be.
    pub fn order(&self, number: u64, it: Move) -> Result<Dossier, Illegal> {
        let now = self.clock.now();
        let mut kept = self.kept();
        let entry = kept.may(number, it)?;
        entry.dossier.go(it, now);
        entry.dossier.reason = "".into();
        entry.due = now;
        let dossier = entry.dossier.clone();
        self.change(kept, number);
        Ok(dossier)
    }

    /// Forgets what has been over for an hour.
    pub fn tidy(&self) {
        if self.is_empty() {
            return;
        }
        let now = self.clock.now();
        let mut kept = self.kept();
        let over = kept.entries.values().filter(|it| it.is_over(now, KEPT));
        let over: Vec<u64> = over.map(|it| it.dossier.number).collect();
        for number in over {
            kept.remove(number);
            kept.changes.insert(number);
        }
        self.count.store(kept.entries.len(), Relaxed);
        self.changed.notify_one();
    }

    /// Every dossier, the earliest first.
    #[must_use]
    pub fn all(&self) -> Vec<Dossier> {
        let kept = self.kept();
        let all = kept.entries.values();
        all.map(|it| it.dossier.clone()).collect()
    }

    /// How many were turned away for want of room.
    #[must_use]
    pub fn turned_away(&self) -> u64 {
        self.kept().turned_away
    }

    /// Waits until something has changed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// What has changed since this was last asked: none for what is forgotten.
    #[must_use]
    pub fn changes(&self) -> Vec<(u64, Option<Dossier>)> {
        let mut kept = self.kept();
        let changes = std::mem::take(&mut kept.changes).into_iter();
        let now = |number| {
            let entry = kept.entries.get(&number);
            (number, entry.map(|it| it.dossier.clone()))
        };
        changes.map(now).collect()
    }

    /// Takes back changes that could not be kept.
    pub fn unkept(&self, numbers: impl Iterator<Item = u64>) {
        self.kept().changes.extend(numbers);
        self.changed.notify_one();
    }

    fn change(&self, mut kept: MutexGuard<'_, Kept>, number: u64) {
        kept.changes.insert(number);
        self.count.store(kept.entries.len(), Relaxed);
        drop(kept);
        self.changed.notify_one();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Gives a dossier its number, if there is room.
    fn take(
        &mut self,
        mut dossier: Dossier,
        now: Timestamp,
        enquiry: Option<Enquiry>,
    ) -> Option<u64> {
        self.key.as_ref()?;
        if self.entries.len() >= MOST && !self.make_room(now) {
            self.turned_away += 1;
            return None;
        }
        self.last += 1;
        dossier.number = self.last;
        self.insert(dossier, now, enquiry);
        Some(self.last)
    }

    fn insert(&mut self, dossier: Dossier, now: Timestamp, enquiry: Option<Enquiry>) {
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

    /// Removes the earliest that is over; false if there is none.
    fn make_room(&mut self, now: Timestamp) -> bool {
        let mut all = self.entries.values();
        let over = all.find(|it| it.is_over(now, Duration::ZERO));
        let Some(number) = over.map(|it| it.dossier.number) else {
            return false;
        };
        self.changes.insert(number);
        self.remove(number)
    }

    fn remove(&mut self, number: u64) -> bool {
        let Some(entry) = self.entries.remove(&number) else {
            return false;
        };
        // The same question may have left another one since.
        if self.by_tag.get(&entry.dossier.tag) == Some(&number) {
            self.by_tag.remove(&entry.dossier.tag);
        }
        true
    }

    fn may(&mut self, number: u64, it: Move) -> Result<&mut Entry, Illegal> {
        let entry = self.entries.get_mut(&number);
        let entry = entry.ok_or(Illegal::Unknown(number))?;
        let state = entry.dossier.state;
        if state.after(it).is_none() {
            return Err(Illegal::State(number, state));
        }
        if it == Move::Resend && entry.enquiry.is_none() {
            return Err(Illegal::Forgotten(number));
        }
        Ok(entry)
    }
}

impl Entry {
    /// True if nothing is to come of it, and that for so long.
    fn is_over(&self, now: Timestamp, age: Duration) -> bool {
        let dossier = &self.dossier;
        let rests = !dossier.state.is_under_way() && dossier.state != State::Hung;
        let end = dossier.since.checked_add(age).unwrap_or(Timestamp::MAX);
        self.in_hands == 0 && rests && end <= now
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
                    self.code = seen.code.unwrap_or_else(|| std::mem::take(&mut self.code));
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

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Register({})", self.count.load(Relaxed))
    }
}

/// Some two megabytes. Where more is left, an agency is down, and its circuit is open.
pub(super) const MOST: usize = 4_096;
/// How long what is over is shown, and a result waits for the same question.
const KEPT: Duration = Duration::from_secs(3_600);
/// Why a dossier hangs whose agency says no more than that.
const NOT_DONE: &str = "NOT_DONE";
/// Why one hangs that is said to be where it cannot be.
const WENT_BACK: &str = "DOSSIER_STATE";
