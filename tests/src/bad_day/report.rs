//! What a bad day came to: what is wrong with it, and a table to print.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use exchange::Source;

use super::judge::is_late;
use super::load::{CRITICALITIES, Seen};
use super::vitals::Holds;
use super::{Phase, Plan, others, page};
use crate::vitals::growth;

/// What the log of a bad day holds.
#[derive(Clone, Copy, Debug)]
pub struct Records {
    /// How many receipts were held against it.
    pub receipts: usize,
    /// How many questions it says were admitted.
    pub accesses: u64,
}

/// What a bad day came to.
#[derive(Debug)]
pub struct Report {
    /// What was run.
    pub plan: Plan,
    /// Every question, in the order of the answers.
    pub seen: Vec<Seen>,
    /// How many questions the agencies noted.
    pub asked: usize,
    /// States that are not what an agency did.
    pub wrong_states: Vec<String>,
    /// How long whole answers took to come again.
    pub recovered: Option<Duration>,
    /// What the gateway held before anything was disturbed.
    pub before: Holds,
    /// What it holds once nobody asks any more.
    pub after: Holds,
    /// The most memory it had since then, in KiB.
    pub peak_kib: u64,
    /// What it held meanwhile.
    pub samples: Vec<Holds>,
    /// How many questions were admitted, at least and at most.
    pub admitted: (usize, usize),
    /// What the log holds, or what it lacks.
    pub records: Result<Records, String>,
}

impl Report {
    /// Everything that a bad day must not do.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong: Vec<String> = self.wrong_states.iter().take(10).cloned().collect();
        wrong.extend(self.unrecorded());
        if self.recovered.is_none() {
            wrong.push("whole answers do not come again".to_owned());
        }
        let grown = |before: u64, after: u64| after.saturating_sub(before);
        let memory = grown(self.before.resident_kib, self.peak_kib);
        if memory > MEMORY_KIB {
            wrong.push(format!("it has grown by {memory} KiB"));
        }
        let flat = self.growth_kib();
        if self.plan.disturbed >= LONG && flat > FLAT_KIB {
            wrong.push(format!("it goes on growing, by {flat:.0} KiB"));
        }
        let descriptors = grown(self.before.descriptors, self.after.descriptors);
        if descriptors > FEW {
            wrong.push(format!("{descriptors} descriptors are left open"));
        }
        let tasks = grown(self.before.tasks, self.after.tasks);
        if tasks > FEW {
            wrong.push(format!("{tasks} tasks are left"));
        }
        let all = self.asked_in(Phase::All).count();
        let late = self
            .asked_in(Phase::All)
            .filter(|seen| is_late(seen))
            .count();
        if all < FEWEST || late > all / 50 {
            wrong.push(format!(
                "of {all} questions to disturbed sources {late} have no answer"
            ));
        }
        wrong.extend(others().into_iter().flat_map(|it| self.noticed(it)));
        wrong
    }

    /// By how much its memory has grown in the last two thirds of the day, in KiB, on the line of least
    /// squares: by then it has met every fault, and its caches are full.
    fn growth_kib(&self) -> f64 {
        let later = self.samples.get(self.samples.len() / 3..);
        let held = later.into_iter().flatten();
        growth(
            &held
                .map(|held| held.resident_kib as f64)
                .collect::<Vec<_>>(),
        )
    }

    /// What a source that was left alone has noticed of the others.
    fn noticed(&self, source: Source) -> Vec<String> {
        let mut wrong = Vec::new();
        for phase in [Phase::Quiet, Phase::Some] {
            let states = self.states(source, phase);
            let all = self.asked_in(phase).count();
            let late = self.asked_in(phase).filter(|seen| is_late(seen)).count();
            let well = states.get("OK").copied().unwrap_or_default();
            if well < FEWEST || well + late < all || late > all / 50 {
                wrong.push(format!("{source} is left alone, and of {all} {states:?}"));
            }
        }
        let (quiet, some) = (
            self.p99(source, Phase::Quiet),
            self.p99(source, Phase::Some),
        );
        if some > quiet * 2 {
            wrong.push(format!(
                "{source} takes {some:?} beside others, and {quiet:?} in quiet"
            ));
        }
        wrong
    }

    /// What is wrong with the records: one for each answer, and one for each question that was
    /// admitted, whatever became of it.
    fn unrecorded(&self) -> Vec<String> {
        let records = match &self.records {
            Err(why) => return vec![format!("a record is lost: {why}")],
            Ok(records) => records,
        };
        let mut wrong = Vec::new();
        let answers = self.with_status(200);
        if records.receipts != answers {
            wrong.push(format!("{} receipts, {answers} answers", records.receipts));
        }
        let (least, most) = self.admitted;
        if !(least as u64..=most as u64).contains(&records.accesses) {
            let accesses = records.accesses;
            wrong.push(format!(
                "{accesses} accesses on record, {least} to {most} questions admitted"
            ));
        }
        wrong
    }

    /// The page, whole in itself.
    #[must_use]
    pub fn page(&self) -> String {
        page::write(self)
    }

    /// Writes the page into the target directory, and says where.
    #[must_use]
    pub fn save(&self) -> PathBuf {
        let built = crate::program();
        let folder = built.parent().map(|folder| folder.join("bad-day"));
        let folder = folder.unwrap_or_default();
        std::fs::create_dir_all(&folder).expect("the target directory can be written");
        let file = folder.join(format!("seed-{}.html", self.plan.seed));
        std::fs::write(&file, self.page()).expect("the target directory can be written");
        file
    }

    /// How many answers had a status.
    fn with_status(&self, status: u16) -> usize {
        self.seen
            .iter()
            .filter(|seen| seen.status == status)
            .count()
    }

    /// The time within which 99 of 100 answers of a source came to questions that were asked in a phase.
    fn p99(&self, source: Source, phase: Phase) -> Duration {
        let sources = self.asked_in(phase).flat_map(|seen| &seen.sources);
        let took = sources.filter(|(of, state, ..)| *of == source && state == "OK");
        percentile(took.map(|(.., took)| *took).collect(), 99)
    }

    /// The questions of a phase, but for those that reach into the one in which all are disturbed.
    fn asked_in(&self, phase: Phase) -> impl Iterator<Item = &Seen> {
        let reaches = move |seen: &Seen| phase != Phase::All && seen.until == Phase::All;
        let of = self.seen.iter().filter(move |seen| seen.phase == phase);
        of.filter(move |seen| !reaches(seen))
    }

    /// How often each state was told of a source in a phase.
    pub(super) fn states(&self, source: Source, phase: Phase) -> BTreeMap<&str, usize> {
        let mut states = BTreeMap::new();
        for seen in self.asked_in(phase) {
            let of = seen.sources.iter().find(|(of, ..)| *of == source);
            if let Some((_, state, ..)) = of {
                *states.entry(state.as_str()).or_default() += 1;
            }
        }
        states
    }

    /// The lines of the table.
    pub(super) fn lines(&self) -> Vec<(String, String)> {
        let mut lines = vec![
            ("seed".to_owned(), self.plan.seed.to_string()),
            (
                "all five disturbed for".to_owned(),
                format!("{:?}", self.plan.disturbed),
            ),
            ("questions".to_owned(), self.seen.len().to_string()),
            ("questions to agencies".to_owned(), self.asked.to_string()),
        ];
        for criticality in CRITICALITIES {
            let all = self.seen.iter();
            let all: Vec<_> = all.filter(|seen| seen.criticality == criticality).collect();
            let answered = all.iter().filter(|seen| seen.status == 200).count();
            let took = percentile(all.iter().map(|seen| seen.took).collect(), 99);
            let text = format!("{answered} of {} answered, p99 {took:.1?}", all.len());
            lines.push((criticality.to_owned(), text));
        }
        for source in Source::ALL {
            let mut text = String::new();
            for (state, count) in self.states(source, Phase::All) {
                write!(text, "{state} {count}  ").ok();
            }
            lines.push((
                format!("{source}, all disturbed"),
                text.trim_end().to_owned(),
            ));
        }
        for source in others() {
            let (quiet, some) = (
                self.p99(source, Phase::Quiet),
                self.p99(source, Phase::Some),
            );
            let text = format!("{quiet:.1?} in quiet, {some:.1?} while others are disturbed");
            lines.push((format!("{source}, p99"), text));
        }
        lines.extend(self.outcome());
        lines
    }

    /// The lines of what is held against a limit.
    fn outcome(&self) -> Vec<(String, String)> {
        let recovered = self.recovered.map(|took| format!("{took:.1?}"));
        let records = match &self.records {
            Ok(it) => format!(
                "{} receipts verified in the log, {} accesses in it",
                it.receipts, it.accesses
            ),
            Err(why) => why.clone(),
        };
        let (before, after) = (self.before, self.after);
        let pair = |before: u64, after: u64| format!("{before} before, {after} after");
        vec![
            (
                "good again after".to_owned(),
                recovered.unwrap_or("never".to_owned()),
            ),
            (
                "wrong states".to_owned(),
                self.wrong_states.len().to_string(),
            ),
            ("records".to_owned(), records),
            (
                "memory, KiB".to_owned(),
                format!(
                    "{}, {} at most, {:+.0} in the last two thirds",
                    pair(before.resident_kib, after.resident_kib),
                    self.peak_kib,
                    self.growth_kib(),
                ),
            ),
            (
                "descriptors".to_owned(),
                pair(before.descriptors, after.descriptors),
            ),
            ("tasks".to_owned(), pair(before.tasks, after.tasks)),
        ]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, text) in self.lines() {
            writeln!(f, "{what:<34} {text}")?;
        }
        for wrong in self.wrong() {
            writeln!(f, "WRONG: {wrong}")?;
        }
        Ok(())
    }
}

/// The value that so many of 100 do not exceed.
pub(super) fn percentile(mut all: Vec<Duration>, of_100: usize) -> Duration {
    all.sort_unstable();
    let at = (all.len() * of_100).div_ceil(100).saturating_sub(1);
    all.get(at).copied().unwrap_or_default()
}

/// What a row of the fault matrix may cost in memory.
const MEMORY_KIB: u64 = 32 << 10;
/// What may come and go of it once it is level, and how long a day must be for that to be told.
const FLAT_KIB: f64 = 6_144.0;
const LONG: Duration = Duration::from_mins(5);
/// A scrape that is under way while it is counted, and the like.
const FEW: u64 = 6;
/// Fewer answers say nothing of the slowest.
const FEWEST: usize = 50;
