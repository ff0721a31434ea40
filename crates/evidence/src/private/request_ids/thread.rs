//! The thread `request-ids`: brings what is done with request ids into the database, in rounds.
//!
//! A node that stands alone writes ten times a second at most: nobody waits for it, and a kill forgets
//! what was used in the tenth before it. Of several nodes questions wait, so that rounds follow each
//! other as soon as they may, and the next one gathers while one is under way. While the database
//! cannot be used, nobody waits and it is tried again every second.

use std::collections::{HashSet, VecDeque};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::State;
use super::embedded::Embedded;
use super::keys::RequestTag;
use super::queue::{Claim, End, Step};
use super::shared::{MOST_ROWS, Table};
use crate::private::access::Access;
use crate::writer::now_ms;
use crate::{Config, Error};

/// What goes into the database at once: claims first, then ends, of each id not more than one of both.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) claims: Vec<Claim>,
    pub(super) ends: Vec<End>,
    pub(super) tags: HashSet<RequestTag>,
}

/// The database, open.
#[derive(Debug)]
pub(super) enum Store {
    Embedded(Embedded),
    Shared(Table),
}

impl Store {
    /// Opens the database that the settings name.
    pub(super) fn open(config: &Config) -> Result<Self, Error> {
        Ok(match Access::read(config)? {
            Some(access) => Self::Shared(Table::open(config, &access)?),
            None => Self::Embedded(Embedded::open(config)?),
        })
    }
}

impl Round {
    /// Takes steps as long as their order is kept.
    fn fill(&mut self, from: &mut VecDeque<Step>) {
        while let Some(step) = from.front() {
            let is_new = self.tags.insert(step.tag());
            let is_claim = matches!(step, Step::Claim(_));
            if !is_new && (is_claim || self.ends.iter().any(|end| end.tag == step.tag())) {
                return;
            }
            match from.pop_front() {
                Some(Step::Claim(claim)) => self.claims.push(claim),
                Some(Step::End(end)) => self.ends.push(end),
                None => {}
            }
            if self.claims.len() + self.ends.len() >= AT_ONCE {
                return;
            }
        }
    }

    const fn is_empty(&self) -> bool {
        self.claims.is_empty() && self.ends.is_empty()
    }

    fn clear(&mut self) {
        self.claims.clear();
        self.ends.clear();
        self.tags.clear();
    }
}

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) state: Arc<State>,
    /// None before the first use of one that is shared, and after a failure.
    pub(super) store: Option<Store>,
    /// Whether the last round has failed.
    pub(super) fails: bool,
}

impl Keeper {
    /// The whole life of the thread.
    pub(super) fn run(mut self) {
        let queue = &Arc::clone(&self.state).queue;
        let (mut steps, mut round) = (VecDeque::new(), Round::default());
        let mut clean_at = Instant::now();
        loop {
            if steps.is_empty() && round.is_empty() {
                let until = clean_at.saturating_duration_since(Instant::now());
                let taken = queue.take(&mut steps, until);
                self.tell_of_lost(taken.lost);
                if taken.is_last && steps.is_empty() {
                    return;
                }
            }
            round.fill(&mut steps);
            let done = self.work(&mut round, &mut clean_at);
            let is_left = !steps.is_empty() || queue.len() > AT_ONCE;
            self.tell(done.as_ref().err(), is_left);
            let rest = match &done {
                Ok(()) if is_left => continue,
                Ok(()) => self.state.gather(),
                Err(_) => RETRY,
            };
            if queue.rest(rest) && done.is_err() {
                return; // what is left is fresh at the next start
            }
        }
    }

    /// Brings a round into the database, and cleans it when it is time.
    fn work(&mut self, round: &mut Round, clean_at: &mut Instant) -> Result<(), Error> {
        let result = self.bring(round, clean_at);
        if result.is_err() {
            self.store = None;
            self.state.is_apart.store(true, Ordering::Relaxed);
            // Whoever waits goes on; what they have begun is stored when it can be.
            for claim in &mut round.claims {
                claim.asked = None;
            }
        }
        result
    }

    fn bring(&mut self, round: &mut Round, clean_at: &mut Instant) -> Result<(), Error> {
        let state = &*self.state;
        let store = match &mut self.store {
            Some(store) => store,
            none => none.insert(Store::open(&state.config)?),
        };
        let (kept, now_ms) = (state.kept, now_ms(&*state.clock));
        match store {
            Store::Embedded(store) => store.write(round, now_ms)?,
            Store::Shared(table) => {
                let rulings = table.claim(&round.claims, kept, state.lasts)?;
                for (claim, ruling) in round.claims.iter_mut().zip(rulings) {
                    if let Some((asked, ruling)) = claim.asked.take().zip(ruling) {
                        // Whoever asked may have gone; then its end is on its way.
                        drop(asked.send(ruling));
                    }
                }
                table.end(&round.ends)?;
            }
        }
        round.clear();
        let now = Instant::now();
        if now >= *clean_at {
            let more = match store {
                Store::Embedded(store) => store.clean(now_ms, kept)?,
                Store::Shared(table) => table.clean(kept, MOST_ROWS)?,
            };
            *clean_at = now + if more { CLEAN_ON } else { state.clean_every() };
        }
        Ok(())
    }

    /// Tells how it went; once what has waited is stored, questions wait for their claims again.
    fn tell(&mut self, failure: Option<&Error>, is_left: bool) {
        let state = &*self.state;
        let has_failed = mem::replace(&mut self.fails, failure.is_some());
        match failure {
            Some(error) => state.observer.request_ids_not_stored(error, !has_failed),
            None => state.observer.request_ids_stored(has_failed),
        }
        if failure.is_none() && !is_left {
            state.is_apart.store(false, Ordering::Relaxed);
        }
    }

    fn tell_of_lost(&self, lost: u64) {
        if lost > 0 {
            self.state.observer.request_ids_lost(lost);
        }
    }
}

/// So many steps go with one statement: a millisecond of the server.
const AT_ONCE: usize = 512;
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Between two steps of cleaning while there is more to remove: 4,000 ids a second.
const CLEAN_ON: Duration = Duration::from_millis(50);
