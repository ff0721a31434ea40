//! The end of retention: what is hidden in the log of a half-year is destroyed, with every key to it.
//!
//! What stays is the public log: tiles, checkpoint and keys, which verify as before. A person does it with
//! a command, while no gateway runs: a clock that is wrong must not destroy five years of records. It can
//! be done again where a crash has cut it. Not here: which rows and files these are.
//!
//! *Invariant:* it is on record before anything is destroyed.

use exchange::Clock;

use crate::gaps::RETIRE;
use crate::leaf::Event;
use crate::private::{self, Epoch};
use crate::segment::WAL_DIR;
use crate::writer::{self, now_ms};
use crate::{Config, Deps, Error, Evidence, Receipt, gaps, link, segment};

/// Destroys what is hidden in the log of a half-year that has ended, such as `2026h1`: its tag key, the
/// keys of its persons and records, its rows in the index, and its write-ahead log.
///
/// # Errors
/// The half-year is too young or has not ended, a gateway runs, or something cannot be recorded or
/// destroyed.
pub async fn retire(config: &Config, deps: Deps, half_year: &str) -> Result<(), Error> {
    let bad = |problem| Error::Setting {
        setting: "half-year",
        problem,
    };
    let epoch: Epoch = half_year.parse().map_err(bad)?;
    if !config.has_half_years() {
        return Err(bad("the node has one log for all of them"));
    }
    let log = config.of(epoch);
    check(config, epoch, &log, &*deps.clock)?;
    let (evidence, handle) = Evidence::start(config.clone(), deps)?;
    let newest = config.named(&evidence.origin());
    let told = evidence.retires(&log.origin).await;
    handle.close().await?;
    let told = told.map_err(|_| Error::Ended)?;
    gaps::note_retired(config, &log.origin, &told)?;
    let newest = newest.ok_or(Error::Ended)?;
    // A thread may wait for a database where a task may not.
    let destroying = tokio::task::spawn_blocking(move || destroy(&log, epoch, &newest));
    destroying.await.unwrap_or(Err(Error::Ended))
}

/// Destroys it while nobody writes to the logs of the node.
fn destroy(log: &Config, epoch: Epoch, newest: &Config) -> Result<(), Error> {
    let _held = writer::hold(newest)?;
    let has_records = log.dir.join(WAL_DIR).is_dir();
    let _old = has_records.then(|| writer::hold(log)).transpose()?;
    private::forget(log, epoch)?;
    segment::destroy(&log.dir)
}

/// Refuses a half-year that is not over, or not for long enough.
fn check(config: &Config, epoch: Epoch, log: &Config, clock: &dyn Clock) -> Result<(), Error> {
    let kept = |problem: String| Error::Kept {
        log: log.origin.clone(),
        problem,
    };
    let begun = config.begun()?;
    let is_newest = begun.last().is_none_or(|(newest, _)| *newest <= epoch);
    if is_newest || !log.dir.is_dir() || link::end(&log.dir)?.is_none() {
        return Err(kept(
            "it has not ended; a start of the gateway ends it".to_owned(),
        ));
    }
    for (_, older) in begun.iter().filter(|(older, _)| *older < epoch) {
        if older.has_records()? {
            return Err(kept(format!(
                "{} is older, and not retired yet",
                older.origin
            )));
        }
    }
    let years = config.retention_years;
    let until = (0..2 * u32::from(years)).fold(epoch.next(), |epoch, _| epoch.next());
    if now_ms(clock) < until.begins() {
        let problem = format!("what is in it is kept for {years} years, until {until} begins");
        return Err(kept(problem));
    }
    Ok(())
}

impl Evidence {
    /// Records that a log is about to be retired.
    async fn retires(&self, origin: &str) -> Result<Receipt, exchange::Fault> {
        let leaf = |node: &str, ts| {
            let leaf = Event {
                v: 1,
                t: "ADMIN",
                ts,
                node,
                act: Some(RETIRE),
                log: Some(origin),
                ..Event::default()
            };
            leaf.to_leaf()
        };
        let sealing = self.single(|node, ts, _| (leaf(node, ts), private::Openings::default()));
        sealing.await
    }
}
