//! Calls about the record, and what the record says of who may see it.

use api::convert::{Erasure, Listing, Search};
use api::v1;
use evidence::note::LogProof;
use evidence::verify::{self, Extra};
use evidence::{BatchAttempt, SourceOutcome, SubjectOutcome};
use exchange::{
    BatchProof, Clock as _, Criticality, Fault, IdentifierKind, Query, Reason, Source, SourceState,
    SystemClock, Visibility,
};
use jiff::{ToSpan as _, tz};
use serde_json::Value;

use super::office::Office;
use super::world::{World, call, named};
use crate::{Call, Reply};

fn listing() -> Listing {
    let request = named(IdentifierKind::Personal, "999099000001", &["tax.status"]);
    Listing {
        context: request.context.clone(),
        subject: request.subject.identifier.clone(),
        from: None,
        until: None,
        page: None,
        limit: 50,
    }
}

fn reason<T>(answer: Result<Reply<T>, Fault>) -> Option<Reason> {
    answer.err().map(|fault| fault.reason)
}

#[tokio::test]
async fn a_list_tells_nothing_of_what_is_delayed_and_is_a_record_itself() {
    let world = World::new([Office::answers(Source::Tax)]);
    let asked = named(IdentifierKind::Personal, "999099000001", &["tax.tax_code"]);
    world.gate.lookup(&call(), &asked).await.unwrap();
    let listed = world.gate.list_accesses(&call(), &listing()).await;
    let listed = listed.unwrap().message;
    assert_eq!((listed.accesses.len(), listed.total_size), (0, 0));
    let leaves = world.close().await;
    let told = leaves
        .iter()
        .find(|leaf| leaf["t"] == "DISCLOSURE")
        .unwrap();
    assert_eq!(
        (&told["act"], &told["n"]),
        (&"ACCESS_LIST".into(), &0.into())
    );
}

/// Two citizens in one record about many, each of whom may see it at once.
async fn batch(world: &World) -> evidence::Receipt {
    let (call, Listing { context, .. }) = (call(), listing());
    let attempt = BatchAttempt {
        caller: &call.caller,
        context: &context,
        criticality: Criticality::BackOffice,
        agreement: "A-1",
        policy: &[7; 32],
        visibility: Visibility::Citizen,
        fields: named(IdentifierKind::Personal, "999099000001", &["tax.status"]).mask,
    };
    let mut batch = world.gate.deps.evidence.open_batch(&attempt).unwrap();
    for number in ["999099000002", "999099000001"] {
        let asked = named(IdentifierKind::Personal, number, &["tax.status"]);
        let outcome = SubjectOutcome {
            subject: &asked.subject.identifier,
            person: None,
            sources: &[SourceOutcome {
                source: Source::Tax,
                state: SourceState::Ok,
                released: asked.mask,
                masked: exchange::FieldSet::EMPTY,
                as_of: None,
                record: Some([9; 32]),
            }],
        };
        batch.add(&outcome).unwrap();
    }
    batch.seal().await.unwrap()
}

#[tokio::test]
async fn a_list_proves_the_entry_of_the_citizen_in_a_record_about_many() {
    let world = World::new([]);
    let receipt = batch(&world).await;
    let listed = world.gate.list_accesses(&call(), &listing()).await;
    let listed = listed.unwrap().message.accesses;
    assert_eq!((listed.len(), listed[0].seq), (1, receipt.seq()));
    assert_eq!(listed[0].field_groups, ["tax.status"]);
    let proof = LogProof::parse(&listed[0].tlog_proof).unwrap();
    let extra = Extra::of(&proof).unwrap();
    assert_eq!(extra.check(), None);
    let extra = String::from_utf8(proof.extra.unwrap()).unwrap();
    let extra: Value = serde_json::from_str(&extra).unwrap();
    assert_eq!(extra["batch"]["index"], 1);
    let fields: Vec<_> = extra["openings"].as_array().unwrap().iter().collect();
    assert_eq!((fields.len(), &fields[0]["field"]), (1, &"sub".into()));
    world.close().await;
}

#[tokio::test]
async fn a_search_carries_the_entry_of_the_person_alone() {
    let world = World::new([]);
    batch(&world).await;
    let Listing {
        context, subject, ..
    } = listing();
    let query = Query {
        subject: Some(subject),
        limit: 50,
        ..Query::default()
    };
    let search = Search {
        context,
        query,
        page: None,
    };
    let found = world.gate.search(&call(), &search).await;
    let records = found.unwrap().message.records;
    let [record] = &records[..] else {
        panic!("{records:?}");
    };
    let [entry] = &record.entries[..] else {
        panic!("{:?}", record.entries);
    };
    let path = entry.path.iter().map(|hash| hash.as_slice().try_into());
    let proof = BatchProof {
        entry: String::from_utf8(entry.entry.clone()).unwrap(),
        index: entry.index,
        path: path.collect::<Result<_, _>>().unwrap(),
    };
    assert_eq!((proof.index, proof.path.len()), (1, 1));
    assert_eq!(verify::batch(&proof, &record.leaf), Ok(()));
    world.close().await;
}

#[tokio::test]
async fn a_duty_that_is_refused_is_recorded_with_its_purpose_and_without_its_subject() {
    let world = World::new([]);
    let Listing {
        context, subject, ..
    } = listing();
    let erasure = Erasure { context, subject };
    let erased = world.gate.erase(&call(), &erasure).await;
    assert_eq!(reason(erased), Some(Reason::DutyNotGranted));
    let leaves = world.close().await;
    let denied = leaves.iter().find(|leaf| leaf["t"] == "DENIED").unwrap();
    assert_eq!(denied["why"], "DUTY_NOT_GRANTED");
    assert_eq!(denied["purpose"], "TAX_CHECK");
    assert_eq!(denied["rid"], erasure.context.id.to_string());
    assert!(denied["sub"].as_str().unwrap().starts_with("c:"));
    assert!(!denied.to_string().contains("999099000001"));
}

#[tokio::test]
async fn a_record_says_from_which_day_on_the_citizen_sees_it() {
    let world = World::new([Office::answers(Source::Tax)]);
    let asked = named(IdentifierKind::Personal, "999099000001", &["tax.tax_code"]);
    world.gate.lookup(&call(), &asked).await.unwrap();
    let today = SystemClock
        .now()
        .to_zoned(tz::TimeZone::fixed(tz::offset(7)));
    let leaves = world.close().await;
    let access = leaves.iter().find(|leaf| leaf["t"] == "ACCESS").unwrap();
    let day = today.date() + 30.days();
    assert_eq!(access["vis"], format!("DELAYED:{day}"));
}

#[tokio::test]
async fn a_proof_is_not_waited_for_past_the_deadline() {
    let world = World::new([]);
    let late = Call {
        deadline: tokio::time::Instant::now(),
        ..call()
    };
    let asked = v1::GetInclusionProofRequest {
        seq: 9_999,
        ..Default::default()
    };
    let fault = world.gate.inclusion_proof(&late, &asked).await.unwrap_err();
    assert_eq!(fault.reason, Reason::RecordNotFound);
    world.close().await;
}
