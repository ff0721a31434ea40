//! The dossiers of the simulated register that are polled for. The oldest make room.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use exchange::{CitizenId, FieldSet};

/// What a dossier will answer.
#[derive(Clone, Copy)]
pub(super) struct Dossier {
    /// Who was asked about.
    pub(super) subject: CitizenId,
    /// Who is answered about; another one if the register is to mix people up.
    pub(super) answered: CitizenId,
    /// What was asked.
    pub(super) fields: FieldSet,
    /// How many looks it takes until it is done; never for a dossier that hangs.
    pub(super) looks: Option<u8>,
}

/// The dossiers under way.
#[derive(Default)]
pub(super) struct Dossiers {
    given: AtomicU64,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    by_id: HashMap<String, Dossier>,
    order: VecDeque<String>,
}

impl Dossiers {
    /// An id for the next dossier.
    pub(super) fn next_id(&self) -> String {
        format!("HT-{:08}", self.given.fetch_add(1, Ordering::Relaxed))
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

    /// Looks at a dossier once: what it is after this look.
    pub(super) fn look(&self, id: &str) -> Option<Dossier> {
        let mut open = self.open.lock().ok()?;
        let dossier = open.by_id.get_mut(id)?;
        dossier.looks = dossier.looks.map(|looks| looks.saturating_sub(1));
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
        let dossiers = Dossiers::default();
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
        assert_eq!(dossiers.look("1").unwrap().looks, Some(0));
    }
}
