//! Batches: one record about many, each of whom is proved, found and erased alone.

use exchange::{BatchProof, CitizenId, Opened, Query};

use super::private::{about, opened, person, seqs, whole};
use super::*;
use crate::verify::{self, BatchProofError, Extra};
use crate::{Batch, BatchAttempt, Commitment, SubjectOutcome};

/// The number of the i-th of the synthetic citizens.
fn number(index: usize) -> String {
    format!("999099{:06}", index + 1)
}

impl Desk {
    fn batch_attempt(&self) -> BatchAttempt<'_> {
        BatchAttempt {
            caller: &self.caller,
            context: &self.request.context,
            criticality: Criticality::BackOffice,
            agreement: "A-113",
            policy: &POLICY,
            visibility: Visibility::Citizen,
            fields: tax().released,
        }
    }

    /// A batch about so many citizens, not sealed yet.
    pub(super) fn batch_of(&self, evidence: &Evidence, size: usize) -> Batch {
        let mut batch = evidence.open_batch(&self.batch_attempt()).unwrap();
        for index in 0..size {
            add(&mut batch, &person(&number(index)), &[tax()]).unwrap();
        }
        batch
    }

    /// The one record that is about a person, with the proof of the entry.
    async fn found(&self, evidence: &Evidence, number: &str) -> (Opened, BatchProof) {
        let found = self.search(evidence, about(number)).await;
        let is_batch = |record: &&Opened| leaf(record)["t"] == "BATCH";
        let record = found.records.iter().find(is_batch).unwrap().clone();
        assert_eq!(record.entries.len(), 1, "{record:?}");
        let proof = record.entries[0].clone();
        (record, proof)
    }
}

fn add(
    batch: &mut Batch,
    subject: &Identifier,
    sources: &[SourceOutcome],
) -> Result<crate::RecordSalts, Error> {
    batch.add(&SubjectOutcome {
        subject,
        person: None,
        sources,
    })
}

fn leaf(record: &Opened) -> Value {
    serde_json::from_slice(&record.leaf).unwrap()
}

/// What a stranger checks: the entry against the record, each opening against one of them.
fn proves(record: &Opened, proof: &BatchProof) {
    let extra = Extra::new(record.leaf.clone(), &record.openings).unwrap();
    assert_eq!(extra.with_batch(proof).check(), None, "{record:?}");
}

#[tokio::test]
async fn every_subject_is_proved_in_batches_of_all_sizes() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    for (size, probes) in [
        (1, vec![0]),
        (2, vec![0, 1]),
        (Batch::MOST, vec![0, 1, 511, 512, 767, 998, 999]),
    ] {
        let batch = desk.batch_of(&evidence, size);
        assert_eq!(batch.len(), size);
        let receipt = batch.seal().await.unwrap();
        for index in probes {
            let (record, proof) = desk.found(&evidence, &number(index)).await;
            assert_eq!((record.seq, proof.index), (receipt.seq(), index as u64));
            assert_eq!(leaf(&record)["n"], size);
            assert_eq!(opened(&record, "sub"), Some(&*number(index)));
            assert_eq!(opened(&record, "off"), Some(OFFICER));
            assert_eq!(record.openings.len(), 2, "nothing of the others");
            assert_eq!(verify::batch(&proof, &record.leaf), Ok(()));
            proves(&record, &proof);
        }
    }
    handle.close().await.unwrap();
    desk.verifies();
}

#[tokio::test]
async fn another_entry_path_or_place_is_not_proved() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    desk.batch_of(&evidence, 7).seal().await.unwrap();
    let (record, good) = desk.found(&evidence, &number(3)).await;
    let (_, other) = desk.found(&evidence, &number(4)).await;
    let wrong = |change: &dyn Fn(&mut BatchProof)| {
        let mut proof = good.clone();
        change(&mut proof);
        let extra = Extra::new(record.leaf.clone(), &record.openings).unwrap();
        assert_eq!(extra.with_batch(&proof).check(), Some("entry"));
        verify::batch(&proof, &record.leaf).unwrap_err()
    };
    let entry = good.entry.replace("\"OK\"", "\"NOT_FOUND\"");
    assert_ne!(entry, good.entry);
    assert_eq!(wrong(&|it| it.entry = entry.clone()), BatchProofError::Path);
    assert_eq!(wrong(&|it| it.entry.push(' ')), BatchProofError::Path);
    assert_eq!(wrong(&|it| it.index = 4), BatchProofError::Place(4));
    let swapped = wrong(&|it| it.entry = other.entry.clone());
    assert_eq!(swapped, BatchProofError::Place(3));
    assert_eq!(wrong(&|it| it.path[1][0] ^= 1), BatchProofError::Path);
    assert_eq!(wrong(&|it| it.path.truncate(2)), BatchProofError::Path);
    assert_eq!(wrong(&|it| it.path.push([0; 32])), BatchProofError::Path);
    let elsewhere = verify::batch(&good, br#"{"v":1,"t":"ACCESS"}"#);
    assert_eq!(elsewhere, Err(BatchProofError::NoBatch));
    // The opening of one does not open the entry of another.
    let extra = Extra::new(record.leaf.clone(), &record.openings).unwrap();
    assert_eq!(extra.with_batch(&other).check(), Some("sub"));
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_thousand_and_one_are_too_many() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    let mut batch = desk.batch_of(&evidence, Batch::MOST);
    let refused = add(&mut batch, &person(&number(Batch::MOST)), &[tax()]);
    assert!(matches!(refused, Err(Error::BatchFull(Batch::MOST))));
    batch.seal().await.unwrap();
    handle.close().await.unwrap();
    assert_eq!(leaves(desk.path())[1]["n"], Batch::MOST);
}

#[tokio::test]
async fn the_leaf_says_what_is_the_same_for_all_and_an_entry_what_is_not() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    let mut batch = evidence.open_batch(&desk.batch_attempt()).unwrap();
    let salts = add(&mut batch, &person(&number(0)), &[tax()]).unwrap();
    let nothing = SourceOutcome {
        state: SourceState::NotFound,
        released: FieldSet::default(),
        record: None,
        ..tax()
    };
    add(&mut batch, &person(&number(1)), &[nothing]).unwrap();
    batch.seal().await.unwrap();
    let (record, first) = desk.found(&evidence, &number(0)).await;
    let (_, second) = desk.found(&evidence, &number(1)).await;
    let shown = leaf(&record);
    assert_eq!((&shown["dec"], &shown["n"]), (&"ALLOW".into(), &2.into()));
    assert_eq!(shown["purpose"], "TAX_REG");
    let source = serde_json::json!([{"s": "TAX", "f": ["tax.tax_code"]}]);
    assert_eq!(shown["src"], source);
    assert!(shown.get("sub").is_none());
    let entry = |proof: &BatchProof| -> Value { serde_json::from_str(&proof.entry).unwrap() };
    let (first, second) = (entry(&first), entry(&second));
    assert_eq!((&first["i"], &second["i"]), (&0.into(), &1.into()));
    assert!(first["src"][0].get("f").is_none());
    let answer = Commitment::new(salts.of(Source::Tax), "r", &[9; 32]);
    assert_eq!(first["src"][0]["r"], answer.as_str());
    assert_eq!(second["src"][0]["st"], "NOT_FOUND");
    assert_eq!(second["src"][0]["f"], serde_json::json!([]));
    handle.close().await.unwrap();
    for leaf in leaves(desk.path()) {
        let text = leaf.to_string();
        for hidden in [&*number(0), &*number(1), OFFICER] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}

#[tokio::test]
async fn a_search_that_names_no_person_opens_no_person() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    let receipt = desk.batch_of(&evidence, 3).seal().await.unwrap();
    let query = Query {
        officer: desk.request.officer.clone(),
        limit: 50,
        ..Query::default()
    };
    let found = desk.search(&evidence, query).await;
    assert_eq!(seqs(&found), [receipt.seq()]);
    let record = &found.records[0];
    assert_eq!(opened(record, "off"), Some(OFFICER));
    assert_eq!((record.openings.len(), record.entries.len()), (1, 0));
    handle.close().await.unwrap();
}

#[tokio::test]
async fn erasing_one_leaves_the_others_and_their_proofs() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    desk.batch_of(&evidence, 5).seal().await.unwrap();
    // One of them by an old number that turned out to be theirs.
    let mut batch = evidence.open_batch(&desk.batch_attempt()).unwrap();
    let Identifier::Personal(second): Identifier = person(&number(2)) else {
        panic!("a personal id")
    };
    let second: CitizenId = second;
    let old = Identifier::parse(IdentifierKind::Legacy, "012345678", 2026).unwrap();
    let outcome = SubjectOutcome {
        subject: &old,
        person: Some(&second),
        sources: &[tax()],
    };
    add(&mut batch, &person(&number(0)), &[tax()]).unwrap();
    batch.add(&outcome).unwrap();
    let mixed = batch.seal().await.unwrap();
    let (record, proof) = desk.found(&evidence, &number(2)).await;
    assert_eq!((record.seq, proof.index), (mixed.seq(), 1));
    assert_eq!(opened(&record, "sub.legacy"), Some("012345678"));
    proves(&record, &proof);

    let (disclosure, second) = (desk.disclosure(), person(&number(2)));
    let erased = evidence.erase(&disclosure, &second);
    assert_eq!(whole(erased.await), 3); // both batches, and the search above
    let check = async |evidence: &Evidence| {
        for index in [0, 1, 3, 4] {
            let (record, proof) = desk.found(evidence, &number(index)).await;
            assert_eq!(opened(&record, "sub"), Some(&*number(index)));
            proves(&record, &proof);
        }
        let gone = desk.accesses(evidence, &number(2)).await;
        assert!(gone.found.records.is_empty(), "{gone:?}");
        let by_the_old = Query {
            subject: Some(old.clone()),
            limit: 50,
            ..Query::default()
        };
        let found = desk.search(evidence, by_the_old).await;
        let opens = |record: &Opened| opened(record, "sub.legacy").is_some();
        let mut batches = found.records.iter().filter(|it| leaf(it)["t"] == "BATCH");
        assert!(!batches.any(opens), "{found:?}");
    };
    check(&evidence).await;
    handle.close().await.unwrap();
    desk.verifies();
    // Made again from the log, the index knows no more and no less.
    std::fs::remove_dir_all(desk.config.index_dir()).unwrap();
    let (evidence, handle) = desk.start();
    check(&evidence).await;
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_person_sees_their_batches_in_their_own_list() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    let receipt = desk.batch_of(&evidence, 3).seal().await.unwrap();
    let list = desk.accesses(&evidence, &number(1)).await;
    assert_eq!((seqs(&list.found), list.total), (vec![receipt.seq()], 1));
    proves(&list.found.records[0], &list.found.records[0].entries[0]);
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_sealed_batch_shows_nothing_and_is_proved_by_what_opens_it() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    let attempt = BatchAttempt {
        visibility: Visibility::Sealed,
        ..desk.batch_attempt()
    };
    let mut batch = evidence.open_batch(&attempt).unwrap();
    add(&mut batch, &person(&number(0)), &[tax()]).unwrap();
    add(&mut batch, &person(&number(1)), &[tax()]).unwrap();
    batch.seal().await.unwrap();
    let (record, proof) = desk.found(&evidence, &number(1)).await;
    let shown = leaf(&record);
    let keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["all", "node", "t", "try", "ts", "v", "vis"]);
    let all = record.openings.iter().find(|it| it.field == "all").unwrap();
    assert_eq!(shown["all"], Commitment::of(all).as_str());
    assert_eq!(verify::batch(&proof, &all.value), Ok(()));
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_batch_that_is_dropped_says_so_and_one_that_a_crash_cut_as_well() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    drop(desk.batch_of(&evidence, 2));
    desk.exchange(&evidence).await; // which is durable behind it
    let (record, proof) = desk.found(&evidence, &number(1)).await;
    assert_eq!(leaf(&record)["dec"], "ABANDONED");
    proves(&record, &proof);
    let cut = desk.batch_of(&evidence, 1);
    desk.exchange(&evidence).await;
    drop(handle); // as a crash
    drop(cut);
    drop(evidence);
    desk.start().1.close().await.unwrap();
    let all = leaves(desk.path());
    let batches: Vec<&Value> = all.iter().filter(|it| it["t"] == "BATCH").collect();
    assert_eq!(batches.len(), 2);
    assert_eq!(batches[1]["dec"], "UNKNOWN");
    assert!(batches[1].get("subs_root").is_none());
    desk.verifies();
}
