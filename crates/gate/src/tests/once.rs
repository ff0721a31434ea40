//! Identical questions at the same time: each source is asked once, and each question has its own
//! record, quota and deadline.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter::Resolution;
use admission::resolution_mask;
use api::v1::{self, LookupCitizenResponse};
use exchange::{
    CitizenId, Claim, ClaimId, Disclosure, Fault, IdentifierKind, OfficerId, Predicate, Request,
    RequestId, Source, StatusKind, Verification,
};
use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt as _, StreamExt as _, poll};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;
use crate::{Call, Gate, Reply};

/// The question, under an id of its own.
fn question() -> Arc<Request> {
    let mask = ["tax.tax_code", "population.sex"];
    named(IdentifierKind::Personal, "999099000001", &mask)
}

/// The same of the tax office alone.
fn tax_alone() -> Arc<Request> {
    named(IdentifierKind::Personal, "999099000001", &["tax.tax_code"])
}

/// The same with something else in it.
fn with(differ: impl FnOnce(&mut Request)) -> Arc<Request> {
    let mut other = tax_alone();
    differ(Arc::make_mut(&mut other));
    other
}

fn within(ms: u64) -> Call {
    Call {
        deadline: Instant::now() + Duration::from_millis(ms),
        ..call()
    }
}

/// A tax office that waits until it is let, beside one that answers.
struct Scene {
    world: World,
    release: Arc<Notify>,
    tax: Arc<Mutex<Vec<Instant>>>,
}

impl Scene {
    fn new() -> Self {
        let tax = Office::waits(Source::Tax);
        let (release, heard) = (tax.released(), tax.heard());
        Self {
            world: World::new([tax, Office::answers(Source::Population)]),
            release,
            tax: heard,
        }
    }

    /// How often the tax office was asked.
    fn asked(&self) -> usize {
        self.tax.lock().unwrap().len()
    }
}

/// What the record of each exchange says, in order.
async fn accesses(world: World) -> Vec<Value> {
    let leaves = world.close().await;
    leaves
        .into_iter()
        .filter(|it| it["t"] == "ACCESS")
        .collect()
}

fn joined(leaf: &Value) -> bool {
    leaf["flag"] == json!(["JOINED"])
}

type Told = Result<Reply<LookupCitizenResponse>, Fault>;

/// Asks these, one behind the other; none has its answer yet.
fn under_way<'a, const N: usize>(
    gate: &'a Gate,
    asked: [(&'a Call, &'a Arc<Request>); N],
) -> [BoxFuture<'a, Told>; N] {
    asked.map(|(call, request)| {
        let mut asking = gate.lookup(call, request).boxed();
        assert!((&mut asking).now_or_never().is_none());
        asking
    })
}

fn tax_attempts(told: &Told) -> u32 {
    let sources = &told.as_ref().unwrap().message.sources;
    let mut tax = sources.iter().filter(|it| it.source() == v1::Source::Tax);
    tax.next().unwrap().attempts
}

#[tokio::test]
async fn identical_questions_are_put_once_and_each_is_recorded_and_charged() {
    let scene = Scene::new();
    let (call, questions) = (call(), [(); 8].map(|()| question()));
    let gate = Arc::clone(&scene.world.gate);
    let mut all = pin!(join_all(questions.iter().map(|it| gate.lookup(&call, it))));
    assert!(poll!(&mut all).is_pending());
    assert_eq!(scene.asked(), 1);
    scene.release.notify_one();
    let told = all.await;
    let attempts: Vec<u32> = told.iter().map(tax_attempts).collect();
    assert_eq!(attempts, [1, 0, 0, 0, 0, 0, 0, 0]);
    let mut seqs = Vec::new();
    let mut left = Vec::new();
    for told in told {
        let told = told.unwrap();
        let citizen = told.message.citizen.unwrap();
        assert_eq!(citizen.tax.unwrap().tax_code, "0100233488");
        assert_eq!(citizen.population.unwrap().sex(), v1::Sex::Female);
        seqs.push(told.message.receipt.unwrap().seq);
        left.push(told.quota.remaining);
    }
    seqs.dedup();
    left.sort_unstable();
    left.dedup();
    assert_eq!((seqs.len(), left.len()), (8, 8), "each has its own");
    assert_eq!(scene.asked(), 1);
    assert_eq!(scene.world.seen.joined().len(), 7);
    let leaves = accesses(scene.world).await;
    let own: Vec<&Value> = leaves.iter().filter(|it| !joined(it)).collect();
    assert_eq!((leaves.len(), own.len()), (8, 1));
    assert_eq!(own[0]["rid"], questions[0].id.to_string());
    let shown = json!([
        {"s": "POPULATION", "st": "OK", "f": ["population.sex"]},
        {"s": "TAX", "st": "OK", "f": ["tax.tax_code"]},
    ]);
    assert!(leaves.iter().all(|it| sources(it) == shown), "{leaves:?}");
}

/// What a record says of the sources in the open.
fn sources(leaf: &Value) -> Value {
    let mut sources = leaf["src"].clone();
    for source in sources.as_array_mut().unwrap() {
        source.as_object_mut().unwrap().remove("r");
    }
    sources
}

#[tokio::test]
async fn whatever_is_not_the_same_is_put_apart() {
    let scene = Scene::new();
    let gate = Arc::clone(&scene.world.gate);
    let kiosk = Call {
        caller: exchange::Caller::new(
            call().caller.agency().clone(),
            exchange::SystemId::parse("kiosk").unwrap(),
            "ab",
        ),
        ..call()
    };
    let call = call();
    let asked = [
        (&call, tax_alone()),
        (&kiosk, tax_alone()),
        (
            &call,
            with(|it| it.context.purpose = exchange::PurposeCode::parse("TAX_AUDIT").unwrap()),
        ),
        (
            &call,
            with(|it| it.context.officer = OfficerId::parse("CB-1").ok()),
        ),
        (
            &call,
            named(IdentifierKind::Personal, "999099000001", &["tax.status"]),
        ),
        (
            &call,
            named(IdentifierKind::Personal, "999099000002", &["tax.tax_code"]),
        ),
    ];
    let mut all = pin!(join_all(
        asked.iter().map(|(call, it)| gate.lookup(call, it))
    ));
    assert!(poll!(&mut all).is_pending());
    assert_eq!(scene.asked(), asked.len());
    for _ in &asked {
        scene.release.notify_one();
        assert!(poll!(&mut all).is_pending());
    }
    drop(all.await);
    assert_eq!(scene.world.seen.joined(), []);
    assert!(!accesses(scene.world).await.iter().any(joined));
}

#[tokio::test]
async fn what_is_asked_after_the_answer_is_asked_anew() {
    let scene = Scene::new();
    for _ in 0..2 {
        scene.release.notify_one();
        scene
            .world
            .gate
            .lookup(&call(), &tax_alone())
            .await
            .unwrap();
    }
    assert_eq!(scene.asked(), 2);
    scene.world.close().await;
}

#[tokio::test]
async fn the_leaving_of_who_asked_first_costs_the_others_nothing() {
    let scene = Scene::new();
    let (call, first, second) = (call(), tax_alone(), tax_alone());
    let gate = Arc::clone(&scene.world.gate);
    let [leaving, mut staying] = under_way(&gate, [(&call, &first), (&call, &second)]);
    drop(leaving);
    scene.release.notify_one();
    assert_eq!(tax_attempts(&staying.as_mut().await), 0);
    drop(staying);
    assert_eq!(scene.asked(), 1);
    let leaves = accesses(scene.world).await;
    let told: Vec<_> = leaves.iter().map(|it| (&it["dec"], &it["rid"])).collect();
    let (first, second) = (json!(first.id.to_string()), json!(second.id.to_string()));
    let expected = [(&json!("ABANDONED"), &first), (&json!("ALLOW"), &second)];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn who_has_more_time_than_who_asked_first_is_not_cut_by_that() {
    let scene = Scene::new();
    let (short, long) = (within(300), within(60_000));
    let (first, second) = (tax_alone(), tax_alone());
    let gate = Arc::clone(&scene.world.gate);
    let [mut hasty, mut patient] = under_way(&gate, [(&short, &first), (&long, &second)]);
    let fault = hasty.as_mut().await.unwrap_err();
    assert!(fault.metadata.contains(&("tax", "TIMEOUT".to_owned())));
    assert!(poll!(&mut patient).is_pending());
    assert_eq!(scene.asked(), 2, "again, with its own time");
    scene.release.notify_one();
    let told = patient.as_mut().await;
    assert_eq!(tax_attempts(&told), 1);
    drop((hasty, patient));
    let deadlines = scene.tax.lock().unwrap().clone();
    assert!(deadlines[0] < short.deadline && deadlines[1] > short.deadline);
    assert!(deadlines[1] < long.deadline);
    scene.world.close().await;
}

#[tokio::test]
async fn who_has_less_time_than_who_asked_first_leaves_in_time() {
    let scene = Scene::new();
    let (long, short) = (within(60_000), within(300));
    let (first, second) = (tax_alone(), tax_alone());
    let gate = Arc::clone(&scene.world.gate);
    let [mut patient, mut hasty] = under_way(&gate, [(&long, &first), (&short, &second)]);
    let fault = hasty.as_mut().await.unwrap_err();
    assert!(fault.metadata.contains(&("tax", "TIMEOUT".to_owned())));
    scene.release.notify_one();
    assert_eq!(tax_attempts(&patient.as_mut().await), 1);
    assert_eq!(scene.asked(), 1);
    drop((hasty, patient));
    scene.world.close().await;
}

#[tokio::test]
async fn with_the_last_who_leaves_the_agency_is_left_alone() {
    let scene = Scene::new();
    let gate = Arc::clone(&scene.world.gate);
    let (call, first, second) = (call(), tax_alone(), tax_alone());
    let [first, second] = under_way(&gate, [(&call, &first), (&call, &second)]);
    let guard = &gate.deps.agencies[0].guard;
    assert_eq!(guard.view().in_flight, 1);
    drop(second);
    assert_eq!(guard.view().in_flight, 1);
    drop(first);
    assert_eq!(guard.view().in_flight, 0);
    let leaves = accesses(scene.world).await;
    assert!(leaves.iter().all(|it| it["dec"] == "ABANDONED"));
    assert_eq!(leaves.len(), 2);
}

#[tokio::test]
async fn a_stream_and_a_lookup_share_a_source() {
    let scene = Scene::new();
    let events = scene.world.gate.stream(call(), tax_alone()).await.unwrap();
    while scene.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let (call, question) = (call(), tax_alone());
    let mut lookup = Box::pin(scene.world.gate.lookup(&call, &question));
    assert!(poll!(&mut lookup).is_pending());
    scene.release.notify_one();
    lookup.as_mut().await.unwrap();
    drop(lookup);
    assert!(events.collect::<Vec<_>>().await.iter().all(Result::is_ok));
    assert_eq!(scene.asked(), 1);
    scene.world.close().await;
}

#[tokio::test]
async fn who_is_stopped_is_told_nothing_of_what_another_has_asked() {
    let scene = Scene::new();
    let gate = Arc::clone(&scene.world.gate);
    let (call, first, second) = (call(), tax_alone(), tax_alone());
    let mut asking = under_way(&gate, [(&call, &first), (&call, &second)]);
    scene.world.switches.replace([switch("source:tax")]);
    scene.release.notify_one();
    for asking in &mut asking {
        let fault = asking.as_mut().await.unwrap_err();
        assert_eq!(fault.reason, exchange::Reason::SourceSuspended);
    }
    drop(asking);
    scene.world.close().await;
}

#[tokio::test]
async fn a_number_is_resolved_once_for_all_who_ask_at_once() {
    let found = || {
        Ok(Resolution::Current(
            CitizenId::from_agency("999099000001").unwrap(),
        ))
    };
    let population = Office::waits(Source::Population).resolving(found);
    let (release, resolved) = (population.released(), population.heard());
    let world = World::new([population]);
    let gate = Arc::clone(&world.gate);
    let asked = [(); 3].map(|()| {
        let mut asked = named(IdentifierKind::Legacy, "012345678", &[]);
        Arc::make_mut(&mut asked).mask = resolution_mask();
        asked
    });
    let call = call();
    let mut all = pin!(join_all(asked.iter().map(|it| gate.resolve(&call, it))));
    assert!(poll!(&mut all).is_pending());
    release.notify_one();
    for told in all.await {
        let told = told.unwrap().message;
        assert_eq!(told.current_personal_id, "999099000001");
    }
    assert_eq!(resolved.lock().unwrap().len(), 1);
    let leaves = accesses(world).await;
    assert_eq!(leaves.iter().filter(|it| joined(it)).count(), 2);
}

#[tokio::test]
async fn claims_are_put_once_and_the_record_does_not_show_it() {
    let scene = Scene::new();
    let claim = || Verification {
        request: with(|it| {
            it.context.id = RequestId::fresh();
            it.mask = [StatusKind::TaxRegistered.field()].into_iter().collect();
        }),
        claims: vec![Claim {
            id: ClaimId::parse("c").unwrap(),
            predicate: Predicate::Status(StatusKind::TaxRegistered),
        }],
        disclosure: Disclosure::AllOrNothing,
    };
    let (call, asked) = (call(), [(); 3].map(|()| claim()));
    let gate = Arc::clone(&scene.world.gate);
    let mut all = pin!(join_all(asked.iter().map(|it| gate.verify(&call, it))));
    assert!(poll!(&mut all).is_pending());
    assert_eq!(scene.asked(), 1);
    scene.release.notify_one();
    assert!(all.await.iter().all(Result::is_ok));
    assert_eq!(scene.world.seen.joined().len(), 2);
    let leaves = accesses(scene.world).await;
    assert_eq!(leaves.len(), 3);
    assert!(leaves.iter().all(|it| it["flag"].is_null()), "{leaves:?}");
}
