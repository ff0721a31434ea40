//! What is left of a half-year whose time is over.

use super::*;

impl Desk {
    /// Retires a half-year.
    pub(in crate::tests) async fn retire(&self, epoch: &str) -> Result<(), Error> {
        let log = self.config.at_start(&*self.clock)?;
        let deps = Deps {
            keys: keys::create_if_missing(&log)?,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            observer: Arc::new(NoObserver),
            witnesses: None,
            version: "0.1.0",
            policy: POLICY,
            on_fatal: Alarm::new(|error| panic!("{error}")),
        };
        crate::retire(&self.config, deps, epoch).await
    }
}

#[tokio::test]
async fn what_is_retired_opens_no_more_and_its_public_log_still_verifies() {
    let mut desk = Desk::with_half_years();
    let (evidence, handle) = desk.start();
    let first = desk.exchange(&evidence).await;
    handle.close().await.unwrap();
    desk.clock.set(LATER_MS);
    let (evidence, handle) = desk.start();
    let second = desk.exchange(&evidence).await;
    assert_eq!(
        desk.search(&evidence, about(CITIZEN)).await.records.len(),
        2
    );
    handle.close().await.unwrap();
    let old = desk.log("2026h1");
    let proof = desk.report("2026h1");

    let early = desk.retire("2026h1").await.unwrap_err().to_string();
    assert!(early.contains("5 years"), "{early}");
    desk.config.retention_years = 0;
    let current = desk.retire("2026h2").await.unwrap_err().to_string();
    assert!(current.contains("has not ended"), "{current}");
    assert!(old.dir.join("wal").is_dir());
    desk.retire("2026h1").await.unwrap();
    // Once more, as after a crash.
    desk.retire("2026h1").await.unwrap();

    assert!(!old.dir.join("wal").exists());
    assert!(!desk.config.keys_dir().join("tags.2026h1.key").exists());
    assert!(desk.config.keys_dir().join("tags.2026h2.key").exists());
    assert_eq!(desk.report("2026h1"), proof);
    let (evidence, handle) = desk.start();
    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert!(found.complete);
    let places: Vec<_> = found
        .records
        .iter()
        .map(|it| (&*it.origin, it.seq))
        .collect();
    assert!(places.contains(&(second.origin(), second.seq())));
    assert!(places.iter().all(|(origin, _)| *origin == second.origin()));
    handle.close().await.unwrap();
    let (_, leaf) = verify::prove(&mut verify::Directory(old.dir.clone()), first.seq())
        .unwrap()
        .unwrap();
    assert_eq!(crate::tree::leaf_hash(&leaf), first.leaf_hash());
    let told = leaves(&desk.log("2026h2").dir);
    let told: Vec<&Value> = told.iter().filter(|it| it["act"] == "RETIRE").collect();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (&told[0]["t"], &told[0]["log"]),
        (&"ADMIN".into(), &first.origin().into())
    );

    // Made again, the index knows no more than before.
    let remade = crate::reindex(&desk.config, |_| ()).unwrap();
    assert!(remade.records > 0);
    let (evidence, handle) = desk.start();
    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert!(
        found
            .records
            .iter()
            .all(|it| &*it.origin == second.origin())
    );
    handle.close().await.unwrap();
}

#[tokio::test]
async fn the_oldest_half_year_is_retired_first() {
    let mut desk = Desk::with_half_years();
    desk.config.retention_years = 0;
    for now in [NOW_MS, LATER_MS, LATER_MS + 200 * 24 * 3_600 * 1_000] {
        desk.clock.set(now);
        desk.start().1.close().await.unwrap();
    }
    let refused = desk.retire("2026h2").await.unwrap_err().to_string();
    assert!(refused.contains("2026h1 is older"), "{refused}");
    desk.retire("2026h1").await.unwrap();
    desk.retire("2026h2").await.unwrap();
    assert!(desk.log("2027h1").has_records().unwrap());
    assert!(!desk.log("2026h2").has_records().unwrap());
}
