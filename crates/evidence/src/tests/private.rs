//! The private side: what is found, who may see it, what erasure leaves, and that no file tells.

use exchange::{CitizenId, Fault, Found, Opened, Query, ReasonText};
use tokio::time::Instant;

use super::*;
use crate::keys::PublicKeys;
use crate::verify::{self, Trust};
use crate::{Accesses, Commitment, Disclosure, Erased};

pub(super) const OTHER: &str = "999099000002";
/// How long a search waits for what it does not find filed.
const PATIENCE: Duration = Duration::from_secs(3);
const REASON: &str = "Xác nhận tình trạng thuế";

impl Desk {
    /// A log whose records are published and filed as they come.
    pub(super) fn published() -> Self {
        let mut desk = Self::new();
        desk.config.publish_ms = 20;
        desk
    }

    pub(super) fn about(&mut self, kind: IdentifierKind, number: &str) {
        let identifier = Identifier::parse(kind, number, 2026).unwrap();
        self.request.subject.identifier = identifier;
        self.request.context.id = RequestId::fresh();
    }

    pub(super) async fn seen_as(&self, evidence: &Evidence, visibility: Visibility) -> Receipt {
        let attempt = Attempt {
            visibility,
            repeats: None,
            ..self.attempt()
        };
        let open = evidence.open(&attempt).unwrap();
        evidence.seal(open, &Outcome::default()).await.unwrap()
    }

    pub(super) fn disclosure(&self) -> Disclosure<'_> {
        Disclosure {
            caller: &self.caller,
            context: &self.request.context,
            agreement: "A-900",
            policy: &POLICY,
            deadline: Instant::now() + PATIENCE,
        }
    }

    /// The same for what a database may take its time for.
    pub(super) fn patient(&self) -> Disclosure<'_> {
        Disclosure {
            deadline: Instant::now() + 10 * PATIENCE,
            ..self.disclosure()
        }
    }

    pub(super) async fn search(&self, evidence: &Evidence, query: Query) -> Found {
        evidence.search(&self.disclosure(), &query).await.unwrap()
    }

    pub(super) async fn accesses(&self, evidence: &Evidence, number: &str) -> Accesses {
        let query = about(number);
        evidence.accesses(&self.disclosure(), &query).await.unwrap()
    }
}

pub(super) fn person(number: &str) -> Identifier {
    Identifier::parse(IdentifierKind::Personal, number, 2026).unwrap()
}

pub(super) fn about(number: &str) -> Query {
    Query {
        subject: Some(person(number)),
        limit: 50,
        ..Query::default()
    }
}

pub(super) fn seqs(found: &Found) -> Vec<u64> {
    found.records.iter().map(|record| record.seq).collect()
}

pub(super) fn opened<'a>(record: &'a Opened, field: &str) -> Option<&'a str> {
    let mut all = record.openings.iter();
    let opening = all.find(|opening| opening.field == field)?;
    Some(std::str::from_utf8(&opening.value).unwrap())
}

/// How many records an erasure that has been done whole was of.
pub(super) fn whole(erased: Result<Erased, Fault>) -> u64 {
    match erased.unwrap() {
        Erased::Whole(records) => records,
        erased @ (Erased::Keys(_) | Erased::Promised) => panic!("{erased:?}"),
    }
}

/// Every opening opens a commitment that stands in the leaf.
pub(super) fn proves(record: &Opened) {
    let leaf = std::str::from_utf8(&record.leaf).unwrap();
    for opening in &record.openings {
        let commitment = Commitment::of(opening);
        assert!(leaf.contains(commitment.as_str()), "{opening:?}: {leaf}");
    }
}

#[tokio::test]
async fn a_search_finds_what_is_asked_for_and_opens_it() {
    let mut desk = Desk::published();
    desk.request.context.reason = Some(ReasonText::parse(REASON).unwrap());
    let (evidence, handle) = desk.start();
    let mine = desk.exchange(&evidence).await;
    desk.about(IdentifierKind::Personal, OTHER);
    let other = desk.exchange(&evidence).await;
    let refused: &'static Request = Box::leak(Box::new(desk.request.clone()));
    let refused = evidence.refuse(&desk.refusal(Some(refused))).await;
    let refused = refused.unwrap().unwrap();

    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert_eq!(seqs(&found), [mine.seq()]);
    assert!(found.complete && found.next.is_none());
    let record = &found.records[0];
    assert_eq!(opened(record, "sub"), Some(CITIZEN));
    assert_eq!(opened(record, "off"), Some(OFFICER));
    assert_eq!(opened(record, "txt"), Some(REASON));
    assert_eq!(record.openings.len(), 3);
    proves(record);

    let found = desk.search(&evidence, about(OTHER)).await;
    assert_eq!(seqs(&found), [refused.seq(), other.seq()]);
    let by_request = Query {
        request: Some(desk.request.id),
        limit: 1,
        ..Query::default()
    };
    // Also the two searches so far, which were asked under the same id.
    let found = desk.search(&evidence, by_request.clone()).await;
    assert_eq!((found.records.len(), found.next.is_some()), (1, true));
    let rest = Query {
        after: found.next,
        limit: 50,
        ..by_request
    };
    let rest = desk.search(&evidence, rest).await;
    assert!(
        seqs(&rest).ends_with(&[refused.seq(), other.seq()]),
        "{:?}",
        seqs(&rest)
    );
    let by_officer = Query {
        officer: desk.request.officer.clone(),
        agency: Some(AgencyCode::parse("G18").unwrap()),
        until: Some(Timestamp::from_millisecond(NOW_MS + 1).unwrap()),
        limit: 50,
        ..Query::default()
    };
    let found = desk.search(&evidence, by_officer.clone()).await;
    assert!(seqs(&found).ends_with(&[refused.seq(), other.seq(), mine.seq()]));
    let elsewhere = Query {
        agency: Some(AgencyCode::parse("H55").unwrap()),
        ..by_officer
    };
    assert!(desk.search(&evidence, elsewhere).await.records.is_empty());
    handle.close().await.unwrap();

    let looked = leaves(desk.path());
    let looked: Vec<&Value> = looked.iter().filter(|it| it["t"] == "DISCLOSURE").collect();
    assert_eq!(looked.len(), 6);
    assert_eq!(
        (&looked[0]["act"], &looked[0]["n"]),
        (&"SEARCH".into(), &1.into())
    );
}

#[tokio::test]
async fn a_person_sees_what_may_be_seen_already_and_not_that_there_is_more() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    let open = desk.seen_as(&evidence, Visibility::Citizen).await;
    let day = |text: &str| Visibility::Delayed(text.parse().unwrap());
    let past = desk.seen_as(&evidence, day("2026-02-16")).await;
    let tomorrow = desk.seen_as(&evidence, day("2026-02-17")).await;
    let sealed = desk.seen_as(&evidence, Visibility::Sealed).await;
    let refusal = Box::leak(Box::new(desk.request.clone()));
    evidence.refuse(&desk.refusal(Some(refusal))).await.unwrap();

    let found = desk.accesses(&evidence, CITIZEN).await;
    assert_eq!(seqs(&found.found), [past.seq(), open.seq()]);
    assert_eq!(found.total, 2);
    // Midnight in Vietnam is 17:00 the day before in UTC.
    let midnight: Timestamp = "2026-02-16T17:00:00Z".parse().unwrap();
    desk.clock.set(midnight.as_millisecond());
    let found = desk.accesses(&evidence, CITIZEN).await;
    assert_eq!(seqs(&found.found), [tomorrow.seq(), past.seq(), open.seq()]);

    let all = desk.search(&evidence, about(CITIZEN)).await;
    let hidden = all
        .records
        .iter()
        .find(|it| it.seq == sealed.seq())
        .unwrap();
    let leaf: Value = serde_json::from_slice(&hidden.leaf).unwrap();
    let keys: Vec<&String> = leaf.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["all", "node", "t", "try", "ts", "v", "vis"]);
    let all: Value = serde_json::from_str(opened(hidden, "all").unwrap()).unwrap();
    assert_eq!(
        (&all["caller"]["ag"], &all["dec"]),
        (&"G18".into(), &"ALLOW".into())
    );
    let commits = hidden.openings.iter().find(|it| it.field == "all").unwrap();
    assert_eq!(leaf["all"], Commitment::of(commits).as_str());
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_person_is_found_by_the_number_that_another_number_turned_out_to_be() {
    let mut desk = Desk::published();
    desk.about(IdentifierKind::Legacy, "012345678");
    let (evidence, handle) = desk.start();
    let open = desk.open(&evidence);
    let Identifier::Personal(id) = person(CITIZEN) else {
        panic!("a personal id")
    };
    let id: CitizenId = id;
    let outcome = Outcome {
        person: Some(id),
        ..Outcome::default()
    };
    let part = evidence.seal_part(&open, &outcome).await.unwrap();
    let whole = evidence.seal(open, &outcome).await.unwrap();
    let found = desk.search(&evidence, about(CITIZEN)).await;
    assert_eq!(seqs(&found), [whole.seq(), part.seq()]);
    for record in &found.records {
        assert_eq!(opened(record, "who"), Some(CITIZEN));
        assert_eq!(opened(record, "sub.legacy"), Some("012345678"));
        proves(record);
    }
    let by_the_old = Query {
        subject: Some(desk.request.subject.identifier.clone()),
        limit: 50,
        ..Query::default()
    };
    let found = desk.search(&evidence, by_the_old).await;
    assert_eq!(seqs(&found), [whole.seq(), part.seq()]);
    handle.close().await.unwrap();
}

#[tokio::test]
async fn what_a_crash_left_open_is_found_as_well() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    let open = desk.open(&evidence);
    desk.exchange(&evidence).await;
    drop(handle); // as a crash
    drop(open);
    drop(evidence);
    let (evidence, handle) = desk.start();
    let found = desk.accesses(&evidence, CITIZEN).await;
    let decisions: Vec<Value> = found
        .found
        .records
        .iter()
        .map(|it| serde_json::from_slice::<Value>(&it.leaf).unwrap()["dec"].clone())
        .collect();
    assert_eq!(decisions, ["UNKNOWN", "ALLOW"]);
    assert!(
        found
            .found
            .records
            .iter()
            .all(|it| opened(it, "sub") == Some(CITIZEN))
    );
    handle.close().await.unwrap();
}

#[tokio::test]
async fn after_an_erasure_the_log_verifies_and_nothing_opens_it() {
    let mut desk = Desk::published();
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    desk.exchange(&evidence).await;
    desk.about(IdentifierKind::Personal, OTHER);
    let other = desk.exchange(&evidence).await;
    let erased = evidence.erase(&desk.disclosure(), &person(CITIZEN)).await;
    assert_eq!(whole(erased), 2);
    let found = desk.search(&evidence, about(CITIZEN)).await;
    // The search itself has left a record, which the next search finds.
    assert!(found.records.is_empty());
    let by_agency = Query {
        agency: Some(AgencyCode::parse("G18").unwrap()),
        limit: 50,
        ..Query::default()
    };
    let all = desk.search(&evidence, by_agency).await;
    for record in &all.records {
        let is_erased = record.seq == 1 || record.seq == 2;
        assert_eq!(record.openings.is_empty(), is_erased, "{record:?}");
    }
    handle.close().await.unwrap();
    let trust = Trust {
        keys: PublicKeys::read(desk.path()).unwrap().log,
        ..Trust::default()
    };
    verify::whole(desk.path(), &trust, |_| ()).unwrap();

    // Made again from the log, the index knows no more than before.
    std::fs::remove_dir_all(desk.config.index_dir()).unwrap();
    let (evidence, handle) = desk.start();
    let found = desk.accesses(&evidence, CITIZEN).await;
    assert!(found.found.records.is_empty(), "{found:?}");
    assert_eq!(
        seqs(&desk.accesses(&evidence, OTHER).await.found),
        [other.seq()]
    );
    handle.close().await.unwrap();
    assert!(leaves(desk.path()).iter().any(|it| it["act"] == "ERASE"));
}

#[tokio::test]
async fn the_index_is_made_again_from_the_log() {
    let mut desk = Desk::published();
    desk.config.segment_bytes = 16 << 10;
    for round in 0..3 {
        let (evidence, handle) = desk.start();
        for _ in 0..30 {
            desk.exchange(&evidence).await;
        }
        if round == 2 {
            std::fs::remove_dir_all(desk.config.index_dir()).ok();
        }
        handle.close().await.unwrap();
    }
    std::fs::remove_dir_all(desk.config.index_dir()).ok();
    let (evidence, handle) = desk.start();
    let query = Query {
        limit: 200,
        ..about(CITIZEN)
    };
    let found = evidence.accesses(&desk.disclosure(), &query).await.unwrap();
    assert_eq!((found.found.records.len(), found.total), (90, 90));
    found.found.records.iter().for_each(proves);
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_restart_goes_on_where_filing_ended() {
    let desk = Desk::published();
    for round in 0..3 {
        let (evidence, handle) = desk.start();
        desk.exchange(&evidence).await;
        // Searches are records without an exchange; each round finds those of the rounds before.
        let found = desk.search(&evidence, about(CITIZEN)).await;
        assert_eq!(found.records.len(), 2 * round + 1);
        for record in &found.records {
            assert_eq!(record.openings.len(), 2, "{record:?}");
            proves(record);
        }
        handle.close().await.unwrap();
    }
}

#[tokio::test]
async fn no_file_holds_a_number_or_an_officer() {
    let mut desk = Desk::published();
    desk.request.context.reason = Some(ReasonText::parse(REASON).unwrap());
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    desk.search(&evidence, about(CITIZEN)).await;
    handle.close().await.unwrap();
    let mut read = 0;
    let mut dirs = vec![desk.path().to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            read += 1;
            for word in [CITIZEN, OFFICER, REASON] {
                let found = bytes.windows(word.len()).any(|it| it == word.as_bytes());
                assert!(!found, "{} holds {word}", path.display());
            }
        }
    }
    assert!(read > 10, "{read} files");
}

#[tokio::test]
async fn what_is_skipped_is_neither_opened_nor_lost_to_the_total() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(desk.exchange(&evidence).await.seq());
    }
    all.reverse();
    let query = Query {
        skip: 2,
        limit: 2,
        ..about(CITIZEN)
    };
    let found = evidence.accesses(&desk.disclosure(), &query).await.unwrap();
    assert_eq!(seqs(&found.found), all[2..4]);
    assert_eq!(found.total, 5);
    assert_eq!(found.found.next.map(|next| next.seq), Some(all[3]));
    let beyond = Query { skip: 9, ..query };
    let found = evidence
        .accesses(&desk.disclosure(), &beyond)
        .await
        .unwrap();
    assert!(found.found.records.is_empty() && found.found.next.is_none());
    handle.close().await.unwrap();
}

#[tokio::test]
async fn an_erasure_that_cannot_come_any_more_is_not_waited_for() {
    let desk = Desk::published();
    let (evidence, handle) = desk.start();
    let number = person(CITIZEN);
    // Behind a record that will never be.
    let (records, never) = (evidence.records(), evidence.reach().want(u64::MAX));
    let promise = async || {
        let promise = records.promise(&number, 0, Instant::now() + PATIENCE);
        promise.await.unwrap()
    };
    let (waiting, late) = (promise().await, promise().await);
    let waits = records.erase(waiting, vec![never]);
    let soon = Duration::from_secs(10);
    let (ended, closed) = tokio::join!(tokio::time::timeout(soon, waits), handle.close());
    closed.unwrap();
    assert!(matches!(ended, Ok(Err(Error::Ended))), "{ended:?}");
    let late = records.erase(late, Vec::new());
    let late = tokio::time::timeout(soon, late).await;
    assert!(matches!(late, Ok(Err(Error::Ended))), "{late:?}");
}
