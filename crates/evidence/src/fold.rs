//! Floods of refusals: the first of a window are records of their own, the others are counted, and
//! the end of the window records their number.
//!
//! A refusal tells its caller nothing of a person, so that it may be answered before it is recorded.
//! A crash loses the counts of the windows that are open, no more: at most those of [`WINDOW`],
//! and of the time for which the record takes nothing. Not here: whether to refuse.
//!
//! *Invariant:* every refusal is a record of its own or in the count of one, however many windows
//! are open; what is kept of them is bounded.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use exchange::{AgencyCode, Caller, Fault, Reason, SystemId};
use serde::Serialize;
use tokio::time::Instant;

use crate::leaf;
use crate::{Receipt, Sealing};

/// Waits until a refusal is recorded; resolves to its receipt, or at once to none if it is counted
/// with others.
#[derive(Debug)]
#[must_use = "a refusal is told when it is recorded or counted"]
pub struct Refusing(Option<Sealing>);

impl Refusing {
    /// It is a record of its own.
    pub(crate) const fn alone(sealing: Sealing) -> Self {
        Self(Some(sealing))
    }

    /// It is counted with others.
    pub(crate) const fn folded() -> Self {
        Self(None)
    }
}

impl Future for Refusing {
    type Output = Result<Option<Receipt>, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(sealing) => Poll::Ready(ready!(Pin::new(sealing).poll(cx)).map(Some)),
            None => Poll::Ready(Ok(None)),
        }
    }
}

/// The windows that are open.
#[derive(Debug, Default)]
pub(crate) struct Folds(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    windows: HashMap<Flood, Window>,
    /// When those that are over may be looked for again.
    sweep_from: Option<Instant>,
    /// The log closes: every refusal is a record of its own.
    is_closed: bool,
}

/// Whose refusals are counted together: those of one caller for one reason; if too many windows are
/// open, those of an agency; if still too many, all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flood {
    agency: Option<AgencyCode>,
    /// With it, the reason.
    exact: Option<(SystemId, Reason)>,
}

/// The refusals of one window.
#[derive(Debug)]
struct Window {
    ends: Instant,
    /// How many became records of their own.
    alone: u32,
    folded: Folded,
}

/// Refusals that are counted.
#[derive(Clone, Copy, Debug, Default)]
struct Folded {
    count: u64,
    /// The times of the first and the last, in milliseconds since 1970.
    from: u64,
    to: u64,
}

/// What becomes of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A record of its own.
    Alone,
    /// It is counted. With the first of a window: whose, and when the number is to be recorded.
    Folded(Option<(Flood, Instant)>),
}

impl Folds {
    /// Counts a refusal.
    pub(crate) fn count(
        &self,
        caller: &Caller,
        reason: Reason,
        now: Instant,
        now_ms: u64,
    ) -> Verdict {
        let mut open = self.lock();
        if open.is_closed {
            return Verdict::Alone;
        }
        let flood = open.place(caller, reason, now);
        let fresh = || Window::begin(now);
        let window = open.windows.entry(flood.clone()).or_insert_with(fresh);
        if window.is_over(now) {
            *window = Window::begin(now);
        }
        if window.alone < ALONE {
            window.alone += 1;
            return Verdict::Alone;
        }
        let is_first = window.folded.count == 0;
        window.folded.add(now_ms);
        Verdict::Folded(is_first.then_some((flood, window.ends)))
    }

    /// Ends a window: `record` gets its leaf, and says whether it could be recorded. If it could not,
    /// the window stays, and false is the result.
    pub(crate) fn end(
        &self,
        flood: &Flood,
        node: &str,
        ts: u64,
        record: impl FnOnce(&[u8]) -> bool,
    ) -> bool {
        let mut open = self.lock();
        let Some(window) = open.windows.get(flood) else {
            return true;
        };
        let is_recorded = record(&flood.leaf(node, ts, window.folded));
        if is_recorded {
            open.windows.remove(flood);
        }
        is_recorded
    }

    /// Ends all windows, and opens no more; the leaves to be recorded.
    pub(crate) fn close(&self, node: &str, ts: u64) -> Vec<Vec<u8>> {
        let mut open = self.lock();
        open.is_closed = true;
        let windows = std::mem::take(&mut open.windows).into_iter();
        let folding = windows.filter(|(_, window)| window.folded.count > 0);
        folding
            .map(|(flood, window)| flood.leaf(node, ts, window.folded))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The window that a refusal belongs to; there is room for it.
    fn place(&mut self, caller: &Caller, reason: Reason, now: Instant) -> Flood {
        let exact = Flood {
            agency: Some(caller.agency().clone()),
            exact: Some((caller.system().clone(), reason)),
        };
        if self.windows.contains_key(&exact) {
            return exact;
        }
        if self.windows.len() >= EXACT && self.sweep_from.is_none_or(|from| now >= from) {
            self.windows.retain(|_, window| !window.is_over(now));
            self.sweep_from = Some(now + SWEEP);
        }
        let agency = Flood {
            exact: None,
            ..exact.clone()
        };
        if self.windows.len() < EXACT {
            exact
        } else if self.windows.contains_key(&agency) || self.windows.len() < EXACT + AGENCIES {
            agency
        } else {
            Flood {
                agency: None,
                exact: None,
            }
        }
    }
}

impl Window {
    fn begin(now: Instant) -> Self {
        Self {
            ends: now + WINDOW,
            alone: 0,
            folded: Folded::default(),
        }
    }

    /// True if nothing more happens to it; one that has counted goes on until that is recorded.
    fn is_over(&self, now: Instant) -> bool {
        self.folded.count == 0 && now >= self.ends
    }
}

impl Folded {
    fn add(&mut self, now_ms: u64) {
        if self.count == 0 {
            self.from = now_ms;
        }
        self.count += 1;
        self.to = now_ms.max(self.to);
    }
}

impl Flood {
    fn leaf(&self, node: &str, ts: u64, folded: Folded) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let system = self.exact.as_ref().map(|(system, _)| system.as_str());
        let summary = Summary {
            v: 1,
            t: "DENIED_SUMMARY",
            ts,
            node,
            caller: self.agency.as_ref().map(|agency| Many {
                ag: agency.as_str(),
                sys: system,
            }),
            why: self.exact.as_ref().map(|(_, reason)| reason.name()),
            n: folded.count,
            from: folded.from,
            to: folded.to,
            dec: "DENY",
        };
        leaf::write(&mut out, &summary);
        out
    }
}

/// The leaf of a window.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    v: u8,
    t: &'static str,
    ts: u64,
    node: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<Many<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    n: u64,
    from: u64,
    to: u64,
    dec: &'static str,
}

/// Those whose refusals are counted together.
#[derive(Debug, Serialize)]
struct Many<'a> {
    ag: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sys: Option<&'a str>,
}

/// How long refusals are counted before their number is recorded. A caller that is refused all day
/// for one reason leaves (10 + 1) × 8,640 = 95,000 records, some 90 MB with what they hide; at 5,000
/// refusals a second it would be 432 million.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);
/// How many refusals of a window are records of their own: one a second, as often as somebody
/// tries who does not understand why, stays whole.
const ALONE: u32 = 10;
/// The windows of a caller and a reason that may be open: every system of a hundred agencies for
/// some reasons. At 200 bytes each they take 200 KB.
const EXACT: usize = 1_024;
/// Looking through all windows takes some 10 µs: too long for every refusal of a flood.
const SWEEP: Duration = Duration::from_secs(1);
/// The windows of whole agencies beside them.
const AGENCIES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(agency: usize, system: usize) -> Caller {
        Caller::new(
            AgencyCode::parse(&format!("G{agency}")).unwrap(),
            SystemId::parse(&format!("system-{system}")).unwrap(),
            &"ab".repeat(32),
        )
    }

    #[test]
    fn windows_are_bounded_and_no_refusal_is_lost() {
        let (folds, now) = (Folds::default(), Instant::now());
        let mut alone = 0;
        for agency in 10..500 {
            for system in 0..6 {
                for _ in 0..20 {
                    let caller = caller(agency, system);
                    let verdict = folds.count(&caller, Reason::QuotaExceeded, now, 7);
                    alone += u64::from(verdict == Verdict::Alone);
                }
            }
        }
        assert!(folds.lock().windows.len() <= EXACT + AGENCIES + 1);
        let leaves = folds.close("gw-1", leaf::MIN_TS);
        let leaves: Vec<serde_json::Value> = leaves
            .iter()
            .map(|leaf| serde_json::from_slice(leaf).unwrap())
            .collect();
        let counted: u64 = leaves.iter().map(|leaf| leaf["n"].as_u64().unwrap()).sum();
        assert_eq!(alone + counted, 490 * 6 * 20);
        let of =
            |is: &dyn Fn(&serde_json::Value) -> bool| leaves.iter().filter(|it| is(it)).count();
        assert_eq!(of(&|it| it["caller"]["sys"].is_string()), EXACT);
        assert_eq!(of(&|it| it.get("caller").is_none()), 1);
        assert_eq!(of(&|it| it["why"] == "QUOTA_EXCEEDED"), EXACT);
    }

    #[test]
    fn windows_that_counted_nothing_make_room() {
        let (folds, now) = (Folds::default(), Instant::now());
        for system in 0..EXACT {
            folds.count(&caller(1, system), Reason::QuotaExceeded, now, 7);
        }
        let later = now + WINDOW;
        folds.count(&caller(2, 0), Reason::QuotaExceeded, later, 7);
        assert_eq!(folds.lock().windows.len(), 1);
    }

    #[test]
    fn a_new_window_begins_when_the_last_is_over() {
        let (folds, now) = (Folds::default(), Instant::now());
        let at = |time: Instant| folds.count(&caller(1, 0), Reason::QuotaExceeded, time, 7);
        for _ in 0..ALONE {
            assert_eq!(at(now), Verdict::Alone);
        }
        assert_eq!(at(now + WINDOW), Verdict::Alone);
    }

    #[test]
    fn a_count_that_cannot_be_recorded_goes_on() {
        let (folds, now) = (Folds::default(), Instant::now());
        let at = |time: Instant| folds.count(&caller(1, 0), Reason::QuotaExceeded, time, 7);
        for _ in 0..ALONE {
            at(now);
        }
        let Verdict::Folded(Some((flood, ends))) = at(now) else {
            panic!("the eleventh folds")
        };
        assert_eq!(ends, now + WINDOW);
        assert!(!folds.end(&flood, "gw-1", leaf::MIN_TS, |_| false));
        assert_eq!(at(now + 2 * WINDOW), Verdict::Folded(None));
        let counts_both = |leaf: &[u8]| {
            let leaf: serde_json::Value = serde_json::from_slice(leaf).unwrap();
            leaf["n"] == 2
        };
        assert!(folds.end(&flood, "gw-1", leaf::MIN_TS, counts_both));
        assert_eq!(at(now + 2 * WINDOW), Verdict::Alone);
    }
}
