//! Logs of half-years that are missing, or are others.

use std::fs;

use super::*;
use crate::verify::Follows;

/// 28 January 2027.
const LAST_MS: i64 = LATER_MS + 200 * 24 * 3_600 * 1_000;

impl Desk {
    /// A node that has had three half-years.
    async fn with_three() -> Self {
        let mut desk = Self::with_half_years();
        desk.config.retention_years = 0;
        for now in [NOW_MS, LATER_MS, LAST_MS] {
            desk.clock.set(now);
            desk.start().1.close().await.unwrap();
        }
        desk
    }

    /// Why it does not start, before anything is made or written.
    fn refused_at_once(&self) -> String {
        let refused = self.config.at_start(&*self.clock);
        refused.unwrap_err().to_string()
    }

    fn loses(&self, epoch: &str) {
        fs::remove_dir_all(self.log(epoch).dir).unwrap();
    }

    fn reports(&self) -> Vec<PublicReport> {
        let begun = self.config.begun().unwrap();
        let epochs = begun.iter().map(|(epoch, _)| epoch.to_string());
        epochs.map(|epoch| self.report(&epoch)).collect()
    }
}

#[tokio::test]
async fn a_log_that_is_missing_is_named_by_the_start() {
    for (lost, named_by) in [
        ("2026h1", "2026h2"),
        ("2026h2", "2027h1"),
        ("2027h1", "2026h2"),
    ] {
        let desk = Desk::with_three().await;
        desk.loses(lost);
        let error = desk.refused_at_once();
        let said = format!("gw-1/{lost} is missing: audit.gw.example/gw-1/{named_by} names it");
        assert!(error.contains(&said), "{error}");
        assert!(!desk.log(lost).dir.exists());
    }
}

#[tokio::test]
async fn a_newest_log_with_other_keys_is_another_one() {
    let (desk, other) = (Desk::with_three().await, Desk::with_three().await);
    desk.loses("2027h1");
    copy_tree(&other.log("2027h1").dir, &desk.log("2027h1").dir);
    let error = desk.refused_at_once();
    assert!(error.contains("gw-1/2027h1 has other keys"), "{error}");
}

#[tokio::test]
async fn an_oldest_log_may_be_gone_only_if_it_was_retired() {
    let desk = Desk::with_three().await;
    desk.retire("2026h1").await.unwrap();
    desk.retire("2026h2").await.unwrap();
    desk.loses("2026h1");
    desk.start().1.close().await.unwrap();
    verify::is_first(&desk.reports()).unwrap();
    desk.loses("2026h2");
    desk.start().1.close().await.unwrap();
    verify::is_first(&desk.reports()).unwrap();
    // What is noted counts for nothing without the record.
    let noted = desk.path().join("retired");
    let text = fs::read_to_string(&noted).unwrap();
    let [_, last] = *text.lines().collect::<Vec<_>>().as_slice() else {
        panic!("{text}");
    };
    let (place, seq) = last.rsplit_once(' ').unwrap();
    let other = format!("{place} {}\n", seq.parse::<u64>().unwrap() - 1);
    let beyond = format!("{place} 70000");
    for wrong in ["", &other, &beyond, &last.replace("2027h1", "2027h2")] {
        fs::write(&noted, wrong).unwrap();
        let error = desk.refused_at_once();
        assert!(error.contains("gw-1/2026h2 is missing"), "{wrong}: {error}");
    }
    fs::write(&noted, last).unwrap();
    desk.start().1.close().await.unwrap();
}

#[tokio::test]
async fn an_oldest_log_that_is_missing_is_noticed_from_outside() {
    let desk = Desk::with_three().await;
    verify::is_first(&desk.reports()).unwrap();
    desk.loses("2026h1");
    let error = verify::is_first(&desk.reports()).unwrap_err().to_string();
    assert!(error.contains("2026h2 does not follow"), "{error}");
    assert!(error.contains("2026h1: that is not here"), "{error}");
}

#[tokio::test]
async fn a_log_that_was_named_is_begun_though_its_half_year_is_over() {
    let desk = Desk::with_half_years();
    for now in [NOW_MS, LATER_MS] {
        desk.clock.set(now);
        desk.start().1.close().await.unwrap();
    }
    // As a kill leaves it behind the last record of the older, before the first of this one.
    let next = desk.log("2026h2");
    for dir in ["wal", "tile"] {
        fs::remove_dir_all(next.dir.join(dir)).unwrap();
    }
    fs::remove_file(next.dir.join("checkpoint")).unwrap();
    fs::remove_file(next.lock_file()).unwrap();
    desk.clock.set(LAST_MS);
    let (evidence, handle) = desk.start();
    until(|| evidence.origin().ends_with("2027h1")).await;
    handle.close().await.unwrap();
    desk.links("2026h1", "2026h2");
    desk.links("2026h2", "2027h1");
    let reports = desk.reports();
    let pairs = reports.iter().zip(reports.iter().skip(1));
    for ((before, log), epoch) in pairs.zip(["2026h2", "2027h1"]) {
        let follows = verify::follows(before, log, &desk.vkeys(epoch)).unwrap();
        assert_eq!(follows, Follows::Linked);
    }
}

#[tokio::test]
async fn a_log_of_which_nothing_is_shown_yet_is_gone_on_with() {
    let desk = Desk::with_half_years();
    desk.start().1.close().await.unwrap();
    desk.clock.set(LATER_MS);
    crate::prepare(&desk.config, &*desk.clock).unwrap();
    let next = desk.log("2026h2");
    let files = [next.dir.join("checkpoint"), next.lock_file()];
    let before = files.clone().map(|file| fs::read(file).unwrap());
    drop(desk.start()); // as a crash
    // Before its first records were shown.
    for (file, bytes) in files.iter().zip(before) {
        fs::write(file, bytes).unwrap();
    }
    fs::remove_dir_all(next.dir.join("tile")).unwrap();
    assert_eq!(shown(&next.dir), 0);
    desk.start().1.close().await.unwrap();
    desk.links("2026h1", "2026h2");
}
