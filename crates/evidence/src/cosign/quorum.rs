//! Which checkpoint has how many cosignatures, and since when there was none with enough of them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::keys::VerifierKey;
use crate::note::Policy;

/// How the cosignatures stand.
#[derive(Debug)]
pub(super) struct Quorum {
    policy: Policy,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The size of the checkpoint that is shown.
    shown: u64,
    /// The size of the checkpoint that the keys have cosigned.
    size: u64,
    keys: Vec<VerifierKey>,
    /// Since when checkpoints are shown and none has met the quorum.
    missing: Option<Instant>,
}

impl Quorum {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            state: Mutex::default(),
        }
    }

    /// What is asked for.
    pub(super) const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// True if no witness is asked for.
    pub(super) fn needs_none(&self) -> bool {
        self.policy.is_met(&[])
    }

    /// Notes that a checkpoint is shown.
    pub(super) fn shown(&self, size: u64) {
        let mut state = self.lock();
        state.shown = size;
        if !self.needs_none() {
            state.missing.get_or_insert_with(Instant::now);
        }
    }

    /// Notes who has cosigned a checkpoint; true if these are enough.
    pub(super) fn add(&self, size: u64, keys: impl IntoIterator<Item = VerifierKey>) -> bool {
        let mut state = self.lock();
        if size < state.size {
            return false;
        }
        if size > state.size {
            state.size = size;
            state.keys.clear();
        }
        for key in keys {
            if !state.keys.contains(&key) {
                state.keys.push(key);
            }
        }
        let is_met = self.policy.is_met(&state.keys.iter().collect::<Vec<_>>());
        if is_met && state.missing.is_some() {
            // One that is not shown any more counts as well: the witnesses follow, if late.
            state.missing = (size < state.shown).then(Instant::now);
        }
        is_met
    }

    /// For how long no checkpoint has met the quorum; none if the one that is shown has.
    pub(super) fn missing(&self) -> Option<Duration> {
        self.lock().missing.map(|since| since.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notices when the quorum begins to be missing for too long.
#[derive(Debug, Default)]
pub(super) struct Overdue(bool);

impl Overdue {
    /// True once each time.
    pub(super) fn begins(&mut self, missing: Duration) -> bool {
        let was = std::mem::replace(&mut self.0, missing >= OVERDUE);
        self.0 && !was
    }
}

/// How long the quorum may be missing before somebody is woken.
const OVERDUE: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Algorithm;

    fn key(seed: u8) -> VerifierKey {
        VerifierKey::new(
            format!("w.example/{seed}"),
            Algorithm::CosignatureEd25519,
            &[seed; 32],
        )
    }

    fn two_of_three() -> Quorum {
        let witness = |seed| format!("witness w{seed} {}\n", key(seed));
        let all: String = (1..=3).map(witness).collect();
        let policy = format!("{all}group g 2 w1 w2 w3\nquorum g\n");
        Quorum::new(Policy::parse(&policy).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_quorum_is_missing_from_the_first_checkpoint_without_one() {
        let quorum = two_of_three();
        assert_eq!(quorum.missing(), None);
        quorum.shown(5);
        tokio::time::advance(Duration::from_secs(7)).await;
        quorum.shown(6);
        assert_eq!(quorum.missing(), Some(Duration::from_secs(7)));
        assert!(!quorum.add(6, [key(1), key(1)]));
        assert!(quorum.add(6, [key(3)]));
        assert_eq!(quorum.missing(), None);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        // A quiet night is no outage.
        quorum.shown(7);
        assert_eq!(quorum.missing(), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn signatures_of_two_checkpoints_are_not_added_up() {
        let quorum = two_of_three();
        quorum.shown(5);
        assert!(!quorum.add(5, [key(1)]));
        quorum.shown(6);
        assert!(!quorum.add(6, [key(2)]));
        assert!(!quorum.add(5, [key(3)]));
        assert!(quorum.add(6, [key(3)]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_quorum_begins_the_time_anew() {
        let quorum = two_of_three();
        quorum.shown(5);
        tokio::time::advance(Duration::from_secs(9)).await;
        quorum.shown(6);
        assert!(quorum.add(5, [key(1), key(2)]));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(quorum.missing(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn somebody_is_woken_once_each_time() {
        let mut overdue = Overdue::default();
        let woken = [0, 299, 300, 301, 9_000, 0, 10, 305].map(|seconds| {
            let missing = Duration::from_secs(seconds);
            overdue.begins(missing).then_some(seconds)
        });
        let woken: Vec<u64> = woken.into_iter().flatten().collect();
        assert_eq!(woken, [300, 305]);
    }
}
