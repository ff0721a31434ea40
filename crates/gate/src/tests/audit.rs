//! Calls about the record, and what the record says of who may see it.

use api::convert::{Erasure, Listing};
use api::v1;
use exchange::{Clock as _, Fault, IdentifierKind, Reason, Source, SystemClock};
use jiff::{ToSpan as _, tz};

use super::world::{Office, World, call, named};
use crate::{Call, Reply};

fn listing() -> Listing {
    let request = named(IdentifierKind::Personal, "999099000001", &["tax.status"]);
    Listing {
        context: request.context,
        subject: request.subject.identifier,
        from: None,
        until: None,
        after: None,
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
