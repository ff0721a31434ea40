//! A question that is never answered, and when whoever asked it is gone.

use exchange::Clock;

use crate::{Asked, Journal};

/// Never answers. That whoever asks has left is noted as `cancel`, when they do.
pub async fn hang<T>(journal: &Journal, clock: &dyn Clock) -> T {
    let _noted = Note { journal, clock };
    std::future::pending().await
}

/// Notes the end of a question.
struct Note<'a> {
    journal: &'a Journal,
    clock: &'a dyn Clock,
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        let now = self.clock.now();
        self.journal.record(|| Asked::new(now, "cancel", None));
    }
}
