//! What there is, and what of it has changed, for whoever shows it or keeps it over a restart.

use super::Register;
use crate::dossier::Dossier;

impl Register {
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

    /// Takes what has changed since this was last kept.
    #[must_use]
    pub fn changes(&self) -> Changes<'_> {
        let mut kept = self.kept();
        let changes = std::mem::take(&mut kept.changes).into_iter();
        let now = |number| {
            let entry = kept.entries.get(&number);
            (number, entry.map(|it| it.dossier.clone()))
        };
        Changes {
            register: self,
            all: changes.map(now).collect(),
        }
    }
}

/// What has changed in a register; dropped before it is kept, it is given back.
#[derive(Debug)]
pub struct Changes<'r> {
    register: &'r Register,
    all: Vec<(u64, Option<Dossier>)>,
}

impl Changes<'_> {
    /// The dossiers, each with its number; none for what is forgotten.
    #[must_use]
    pub fn all(&self) -> &[(u64, Option<Dossier>)] {
        &self.all
    }

    /// They are kept.
    pub fn kept(mut self) {
        self.all.clear();
    }
}

impl Drop for Changes<'_> {
    fn drop(&mut self) {
        if self.all.is_empty() {
            return;
        }
        let numbers = self.all.iter().map(|(number, _)| *number);
        self.register.kept().changes.extend(numbers);
        self.register.changed.notify_one();
    }
}
