//! What the verifier says of logs that name each other.

use super::*;
use crate::keys::VerifierKey;
use crate::verify::{Follows, VerifyError};

impl Desk {
    /// What the public log of a half-year holds.
    pub(super) fn report(&self, epoch: &str) -> PublicReport {
        let dir = self.log(epoch).dir;
        let trust = Trust {
            keys: PublicKeys::read(&dir).unwrap().log,
            ..Trust::default()
        };
        verify::public(&mut verify::Directory(dir), &trust, |_| ()).unwrap()
    }

    pub(super) fn vkeys(&self, epoch: &str) -> Vec<VerifierKey> {
        let keys = PublicKeys::read(&self.log(epoch).dir).unwrap();
        [keys.log, keys.receipt].concat()
    }

    /// A node that has had two half-years.
    async fn with_two(exchanges: usize) -> Self {
        let desk = Self::with_half_years();
        for now in [NOW_MS, LATER_MS] {
            desk.clock.set(now);
            let (evidence, handle) = desk.start();
            for _ in 0..exchanges {
                desk.exchange(&evidence).await;
            }
            handle.close().await.unwrap();
        }
        desk
    }
}

#[tokio::test]
async fn logs_that_name_each_other_follow() {
    let desk = Desk::with_two(1).await;
    let logs = verify::half_years(desk.path()).unwrap();
    assert_eq!(logs, [desk.log("2026h1").dir, desk.log("2026h2").dir]);
    assert_eq!(verify::half_years(&logs[0]).unwrap(), [] as [PathBuf; 0]);
    let (old, new) = (desk.report("2026h1"), desk.report("2026h2"));
    let follows = verify::follows(&old, &new, &desk.vkeys("2026h2")).unwrap();
    assert_eq!(follows, Follows::Linked);
}

#[tokio::test]
async fn a_log_that_is_only_prepared_follows_later() {
    let desk = Desk::with_two(0).await;
    desk.clock.set(LATER_MS + 200 * 24 * 3_600 * 1_000);
    crate::prepare(&desk.config, &*desk.clock).unwrap();
    let (old, new) = (desk.report("2026h2"), desk.report("2027h1"));
    let follows = verify::follows(&old, &new, &desk.vkeys("2027h1")).unwrap();
    assert_eq!(follows, Follows::NotYet);
}

#[tokio::test]
async fn a_log_that_does_not_follow_the_one_before_it_is_refused() {
    let (desk, other) = (Desk::with_two(0).await, Desk::with_two(1).await);
    let problem = |old: &PublicReport, new: &PublicReport, keys: &Desk| {
        let checked = verify::follows(old, new, &keys.vkeys("2026h2"));
        let Err(VerifyError::Unlinked { problem, .. }) = checked else {
            panic!("{checked:?}");
        };
        problem
    };
    let (old, new) = (desk.report("2026h1"), desk.report("2026h2"));
    let strange = other.report("2026h1");
    let keys = problem(&strange, &new, &desk);
    assert!(keys.contains("other keys"), "{keys}");
    // With the keys that the older one names, what the newer one says of its end is still not so.
    let end = problem(&strange, &new, &other);
    assert!(end.contains("other records than it says"), "{end}");
    let name = problem(&old, &old, &desk);
    assert!(name.contains("another log as its successor"), "{name}");
    let order = problem(&new, &old, &desk);
    assert!(order.contains("does not name the log before"), "{order}");
}
