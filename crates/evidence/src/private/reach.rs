//! How far a log is durable, and how far it is filed.

use std::sync::Arc;

use super::thread::Progress;
use crate::publish::Inbox;

/// A log that is written on: cloned by reference count.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    /// Its number.
    pub(super) log: i64,
    pub(super) inbox: Arc<Inbox>,
    pub(super) progress: Progress,
}

/// So many records of a log that are to be filed.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    /// The number of the log.
    pub(super) log: i64,
    pub(super) records: u64,
    pub(super) progress: Progress,
}

impl Reach {
    /// Wants everything filed that is durable now.
    pub(super) fn want_all(self) -> Want {
        let records = self.inbox.reached().seq;
        self.want(records)
    }

    /// Wants so many records filed.
    pub(crate) fn want(self, records: u64) -> Want {
        self.progress.published.want(records);
        Want {
            log: self.log,
            records,
            progress: self.progress,
        }
    }
}

impl Want {
    /// True if they are filed.
    pub(super) fn is_met(&self) -> bool {
        *self.progress.filed.borrow() >= self.records
    }

    /// Waits until they are filed.
    pub(super) async fn met(&self) {
        let mut filed = self.progress.filed.subscribe();
        // It is held as long as this is, so it never closes.
        drop(filed.wait_for(|filed| *filed >= self.records).await);
    }
}
