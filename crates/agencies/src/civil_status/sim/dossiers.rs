//! The dossiers of the simulated register that are polled for. The oldest make room.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use exchange::{CitizenId, FieldSet};
use jiff::Timestamp;

/// What a dossier will answer.
#[derive(Clone, Copy)]
pub(super) struct Dossier {
    /// Who was asked about.
    pub(super) subject: CitizenId,
    /// Who is answered about; another one if the register is to mix people up.
    pub(super) answered: CitizenId,
    /// What was asked.
    pub(super) fields: FieldSet,
    /// How many looks it takes until it is done; none for a dossier that hangs.
    pub(super) looks: Option<u8>,
}

/// The dossiers under way.
pub(super) struct Dossiers {
    /// When the register began, in seconds: no dossier of another run has the same id.
    began: i64,
    given: AtomicU64,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    by_id: HashMap<String, Dossier>,
    order: VecDeque<String>,
}

impl Dossiers {
    /// No dossier so far, of a register that begins now.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            began: now.as_second(),
            given: AtomicU64::new(0),
            open: Mutex::default(),
        }
    }

    /// An id for the next dossier.
    pub(super) fn next_id(&self) -> String {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        format!("HT-{:x}-{number:06}", self.began)
    }

    /// Keeps a dossier under its id.
    pub(super) fn open(&self, id: &str, dossier: Dossier) {
        let Ok(mut open) = self.open.lock() else {
            return;
        };
        if open.order.len() >= KEPT
            && let Some(oldest) = open.order.pop_front()
        {
            open.by_id.remove(&oldest);
        }
        open.order.push_back(id.to_owned());
        open.by_id.insert(id.to_owned(), dossier);
    }

    /// Looks at a dossier once: what it is after this look. One that hangs is done once it is let go.
    pub(super) fn look(&self, id: &str, hangs: impl Fn(&CitizenId) -> bool) -> Option<Dossier> {
        let mut open = self.open.lock().ok()?;
        let dossier = open.by_id.get_mut(id)?;
        dossier.looks = match dossier.looks {
            Some(looks) => Some(looks.saturating_sub(1)),
            None => (!hangs(&dossier.subject)).then_some(0),
        };
        Some(*dossier)
    }

    /// The dossier of that id.
    pub(super) fn get(&self, id: &str) -> Option<Dossier> {
        self.open.lock().ok()?.by_id.get(id).copied()
    }
}

/// Far more than are under way at once.
const KEPT: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_dossier_makes_room() {
        let dossiers = Dossiers::new(Timestamp::UNIX_EPOCH);
        let subject = CitizenId::from_agency("999099001000").unwrap();
        let dossier = Dossier {
            subject,
            answered: subject,
            fields: FieldSet::EMPTY,
            looks: Some(1),
        };
        for id in 0..=KEPT {
            dossiers.open(&id.to_string(), dossier);
        }
        assert!(dossiers.get("0").is_none());
        assert!(dossiers.get("1").is_some());
        assert_eq!(dossiers.look("1", |_| true).unwrap().looks, Some(0));
    }

    #[test]
    fn a_dossier_that_hangs_is_done_once_it_is_let_go() {
        let dossiers = Dossiers::new(Timestamp::UNIX_EPOCH);
        let subject = CitizenId::from_agency("999099001003").unwrap();
        let dossier = Dossier {
            subject,
            answered: subject,
            fields: FieldSet::EMPTY,
            looks: None,
        };
        dossiers.open("1", dossier);
        assert_eq!(dossiers.look("1", |_| true).unwrap().looks, None);
        assert_eq!(dossiers.look("1", |_| false).unwrap().looks, Some(0));
        assert_eq!(dossiers.look("1", |_| true).unwrap().looks, Some(0));
    }
}
