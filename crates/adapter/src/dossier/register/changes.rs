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
}
