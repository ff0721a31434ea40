//! The index of records as the doors need it for their tests: a list that a test fills.

use std::sync::{Mutex, MutexGuard};

use adapter::BoxFuture;
use evidence::{Accesses, Disclosure, Erased};
use exchange::{Fault, Found, Identifier, Opened, Position, Query};
use gate::{Period, Records};

/// Records that can be found, newest first.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    records: Mutex<Vec<Opened>>,
    /// Who was told something, and why.
    told: Mutex<Vec<String>>,
}

impl Archive {
    /// Puts a record before all others.
    pub(crate) fn put(&self, record: Opened) {
        self.records().insert(0, record);
    }

    /// Every disclosure: caller, purpose, agreement.
    pub(crate) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    fn records(&self) -> MutexGuard<'_, Vec<Opened>> {
        self.records.lock().unwrap()
    }

    fn note(&self, disclosure: &Disclosure<'_>) {
        let (caller, context) = (disclosure.caller, disclosure.context);
        let (system, purpose) = (caller.system(), &context.purpose);
        let note = format!("{system} {purpose} {}", disclosure.agreement);
        self.told.lock().unwrap().push(note);
    }

    fn page(&self, after: Option<Position>, skip: u32, limit: u32) -> Found {
        let records = self.records();
        let begins = records.iter().position(|it| Some(place(it)) == after);
        let rest = records
            .iter()
            .skip(begins.map_or(0, |at| at + 1) + skip as usize);
        let page: Vec<_> = rest.take(limit as usize).cloned().collect();
        let last = page.last().map(place);
        let next = last.filter(|last| records.last().map(place) != Some(*last));
        Found {
            records: page,
            next,
            complete: true,
        }
    }
}

const fn place(record: &Opened) -> Position {
    Position {
        ts: record.ts_ms,
        log: 0,
        seq: record.seq,
    }
}

impl Records for Archive {
    fn search<'a>(
        &'a self,
        disclosure: &'a Disclosure<'a>,
        query: &'a Query,
    ) -> BoxFuture<'a, Result<Found, Fault>> {
        self.note(disclosure);
        Box::pin(async { Ok(self.page(query.after, query.skip, query.limit)) })
    }

    fn accesses<'a>(
        &'a self,
        disclosure: &'a Disclosure<'a>,
        period: &'a Period<'a>,
    ) -> BoxFuture<'a, Result<Accesses, Fault>> {
        self.note(disclosure);
        Box::pin(async {
            Ok(Accesses {
                found: self.page(period.after, period.skip, period.limit),
                total: self.records().len() as u64,
                available_from: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            })
        })
    }

    fn erase<'a>(
        &'a self,
        disclosure: &'a Disclosure<'a>,
        _subject: &'a Identifier,
    ) -> BoxFuture<'a, Result<Erased, Fault>> {
        self.note(disclosure);
        Box::pin(async {
            let mut opened = self.records();
            let opened = opened.iter_mut().filter(|it| !it.openings.is_empty());
            let erased = opened.map(|it| it.openings.clear()).count();
            Ok(Erased::Whole(erased as u64))
        })
    }
}
