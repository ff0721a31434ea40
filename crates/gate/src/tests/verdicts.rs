//! Verdicts that are remembered: which are, for whom, for how long, and what shows of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::convert::Erasure;
use api::v1::{self, VerifyAttributesResponse};
use exchange::{
    Claim, ClaimId, Disclosure, Fault, Field, Given, IdentifierKind, MatchMode, OfficerId,
    Predicate, Reason, RequestId, Source, StatusKind, Verification,
};
use serde_json::Value;
use tokio::time::Instant;

use super::world::PROTECTED;
use super::*;
use crate::{Call, Listed, Reply};

type Told = Result<Reply<VerifyAttributesResponse>, Fault>;

fn equals(code: &str) -> Predicate {
    Predicate::Equals {
        field: Field::TaxTaxCode,
        value: Given::Text(code.to_owned()),
        mode: MatchMode::Normalized,
    }
}

/// What the tax office holds.
fn so() -> Predicate {
    equals("0100233488")
}

/// What it does not.
fn not_so() -> Predicate {
    equals("0100233489")
}

fn of(number: &str, predicates: &[Predicate]) -> Verification {
    let mut request = named(IdentifierKind::Personal, number, &[]);
    let asked = Arc::make_mut(&mut request);
    asked.mask = predicates.iter().map(Predicate::field).collect();
    let claims = predicates.iter().map(|predicate| Claim {
        id: ClaimId::parse("c").unwrap(),
        predicate: predicate.clone(),
    });
    Verification {
        claims: claims.collect(),
        request,
        disclosure: Disclosure::AllOrNothing,
    }
}

fn claim(predicate: Predicate) -> Verification {
    of("999099000001", &[predicate])
}

fn by(agency: &str, system: &str) -> Call {
    let agency = exchange::AgencyCode::parse(agency).unwrap();
    let system = exchange::SystemId::parse(system).unwrap();
    Call {
        caller: exchange::Caller::new(agency, system, "ab"),
        ..call()
    }
}

/// A tax office, and what it hears.
struct Scene {
    world: World,
    tax: Arc<Mutex<Vec<Instant>>>,
    population: Arc<Mutex<Vec<Instant>>>,
}

impl Scene {
    fn with(tax: Office) -> Self {
        Self::keeping(tax, Duration::from_secs(60))
    }

    fn keeping(tax: Office, kept: Duration) -> Self {
        let population = Office::answers(Source::Population);
        Self {
            tax: tax.heard(),
            population: population.heard(),
            world: World::keeping([tax, population], kept),
        }
    }

    fn new() -> Self {
        Self::with(Office::answers(Source::Tax))
    }

    async fn ask(&self, asked: &Verification) -> Told {
        self.world.gate.verify(&call(), asked).await
    }

    /// What is told, and whether it was remembered.
    async fn told(&self, asked: &Verification) -> (v1::Verdict, bool) {
        let told = self.ask(asked).await.unwrap().message;
        (told.verdict(), told.as_of.is_some())
    }

    /// How often the tax office was asked.
    fn asked(&self) -> usize {
        self.tax.lock().unwrap().len()
    }

    async fn accesses(self) -> Vec<Value> {
        let leaves = self.world.close().await.into_iter();
        leaves.filter(|it| it["t"] == "ACCESS").collect()
    }
}

const FRESH: (v1::Verdict, bool) = (v1::Verdict::Match, false);
const KEPT: (v1::Verdict, bool) = (v1::Verdict::Match, true);

#[tokio::test]
async fn a_verdict_is_remembered_with_its_time_and_each_question_is_recorded_and_charged() {
    let scene = Scene::new();
    let before = scene.world.gate.deps.clock.now().as_millisecond();
    let first = scene.ask(&claim(so())).await.unwrap();
    let after = scene.world.gate.deps.clock.now().as_millisecond();
    let again = scene.ask(&claim(so())).await.unwrap();
    assert_eq!(scene.asked(), 1);
    assert_eq!(first.message.as_of, None);
    let as_of = again.message.as_of.unwrap();
    let as_of = as_of.seconds * 1_000 + i64::from(as_of.nanos / 1_000_000);
    assert!((before..=after).contains(&as_of));
    for told in [&first, &again] {
        assert_eq!(told.message.verdict(), v1::Verdict::Match);
        assert_eq!(told.message.sources.len(), 1);
    }
    assert_eq!(first.quota.remaining, again.quota.remaining + 1);
    assert_ne!(first.message.receipt, again.message.receipt);
    assert_eq!(scene.world.seen.remembered(), [Source::Tax]);
    let leaves = scene.accesses().await;
    let [fresh, kept] = &leaves[..] else {
        panic!("{leaves:?}");
    };
    assert!(fresh["src"][0]["asof"].is_null());
    assert_eq!(kept["src"][0]["asof"], as_of);
    assert!(kept["ver"].is_string() && kept["who"].is_string(), "{kept}");
}

#[tokio::test]
async fn who_is_nobody_who_is_closed_and_who_does_not_match_are_remembered_alike() {
    let nobody = Scene::with(Office::knows_nobody(Source::Tax));
    let somebody = Scene::new();
    let mut shown = Vec::new();
    for (scene, number, claimed) in [
        (&nobody, "999099000001", so()),
        (&somebody, "999099000001", not_so()),
        (&somebody, PROTECTED, so()),
        (&somebody, "999215000003", so()),
    ] {
        for is_kept in [false, true] {
            let asked = of(number, std::slice::from_ref(&claimed));
            let told = scene.ask(&asked).await.unwrap().message;
            assert_eq!(told.verdict(), v1::Verdict::NoMatch);
            assert_eq!(told.as_of.is_some(), is_kept, "{number}");
            shown.push(told.sources);
        }
    }
    shown.dedup();
    assert_eq!(shown.len(), 1);
    let closed = somebody.world.seen.closed();
    assert_eq!(
        closed.len(),
        4,
        "each is told of to those who watch: {closed:?}"
    );
    let mut keys = Vec::new();
    for leaf in nobody
        .accesses()
        .await
        .iter()
        .chain(&somebody.accesses().await)
    {
        let leaf = leaf.as_object().unwrap();
        let source = leaf["src"][0].as_object().unwrap();
        let is_kept = source.contains_key("asof");
        let both = leaf.keys().chain(source.keys());
        keys.push((is_kept, both.cloned().collect::<Vec<_>>()));
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 2, "{keys:?}");
}

#[tokio::test]
async fn whether_somebody_lives_is_never_remembered_nor_what_is_asked_beside_it() {
    let scene = Scene::new();
    for _ in 0..2 {
        assert_eq!(scene.told(&claim(Predicate::IsAlive)).await, FRESH);
        let both = of("999099000001", &[Predicate::IsAlive, so()]);
        assert_eq!(scene.told(&both).await, FRESH);
    }
    assert_eq!(scene.population.lock().unwrap().len(), 4);
    assert_eq!(scene.asked(), 2);
    assert_eq!(scene.world.gate.verdicts.len(), 0);
    scene.world.close().await;
}

#[tokio::test]
async fn what_a_source_did_not_answer_is_asked_anew() {
    let scene = Scene::with(Office::hangs(Source::Tax));
    for asked in 1..=2 {
        let hasty = Call {
            deadline: Instant::now() + Duration::from_millis(150),
            ..call()
        };
        let told = scene.world.gate.verify(&hasty, &claim(so())).await;
        let told = told.unwrap().message;
        assert_eq!(told.verdict(), v1::Verdict::Unknown);
        assert_eq!((told.as_of, scene.asked()), (None, asked));
    }
    assert_eq!(scene.world.gate.verdicts.len(), 0);
    scene.world.close().await;
}

#[tokio::test]
async fn whatever_is_not_the_same_is_asked_anew() {
    let scene = Scene::new();
    let with = |differ: fn(&mut Verification)| {
        let mut other = claim(so());
        differ(&mut other);
        other
    };
    let others = [
        claim(so()),
        claim(not_so()),
        of("999099000002", &[so()]),
        of("999099000001", &[so(), so()]),
        with(|it| Arc::make_mut(&mut it.request).context.officer = OfficerId::parse("CB").ok()),
        with(|it| {
            let Predicate::Equals { mode, .. } = &mut it.claims[0].predicate else {
                panic!("no comparison");
            };
            *mode = MatchMode::Exact;
        }),
        claim(Predicate::Status(StatusKind::TaxRegistered)),
    ];
    for asked in &others {
        assert!(!scene.told(asked).await.1, "{asked:?}");
    }
    let kiosk = by("H55", "kiosk");
    let told = scene.world.gate.verify(&kiosk, &claim(so())).await;
    assert_eq!(told.unwrap().message.as_of, None, "another system");
    assert_eq!(scene.asked(), others.len() + 1);
    assert_eq!(scene.told(&claim(so())).await, KEPT);
    scene.world.close().await;
}

#[tokio::test]
async fn a_mismatch_counts_as_often_as_it_is_told() {
    let scene = Scene::new();
    let mut asked = claim(not_so());
    for told in 1..=5 {
        Arc::make_mut(&mut asked.request).context.id = RequestId::fresh();
        assert_eq!(scene.told(&asked).await.0, v1::Verdict::NoMatch, "{told}");
    }
    let refused = scene.ask(&asked).await.unwrap_err();
    assert_eq!(refused.reason, Reason::EnumerationSuspected);
    assert_eq!(scene.asked(), 1);
    scene.world.close().await;
}

#[tokio::test]
async fn what_changes_who_may_be_told_what_makes_it_forgotten() {
    let scene = Scene::new();
    let gate = &scene.world.gate;
    let (mut asked, claim) = (1, claim(so()));
    assert_eq!(scene.told(&claim).await, FRESH);
    // As it is written again every few seconds, with nothing in it.
    scene.world.switches.replace([]);
    assert_eq!(scene.told(&claim).await, KEPT);
    scene.world.switches.replace([switch("agency:H5")]);
    scene.world.switches.replace([]);
    let erasure = Erasure {
        context: exchange::CallContext {
            purpose: exchange::PurposeCode::parse("TAX_AUDIT").unwrap(),
            ..claim.request.context.clone()
        },
        subject: claim.request.subject.identifier.clone(),
    };
    let auditor = by("G03", "auditor");
    let forget = async |place: usize| match place {
        0 => {}
        1 => drop(gate.erase(&auditor, &erasure).await.unwrap()),
        _ => {
            let policy = admission::Policy::parse(format!("{POLICY}\n#").as_bytes()).unwrap();
            gate.deps.admission.replace(policy);
        }
    };
    for place in 0..3 {
        forget(place).await;
        assert_eq!(scene.told(&claim).await, FRESH, "{place}");
        assert_eq!(scene.told(&claim).await, KEPT, "{place}");
        asked += 1;
        assert_eq!(scene.asked(), asked);
    }
    scene.world.close().await;
}

#[tokio::test]
async fn of_who_is_protected_since_nothing_is_told() {
    let scene = Scene::new();
    assert_eq!(scene.told(&claim(so())).await, FRESH);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "999099000001").unwrap();
    let protected = Listed::load(file.path()).unwrap();
    scene.world.gate.deps.protected.replace(protected);
    assert_eq!(scene.told(&claim(so())).await.0, v1::Verdict::NoMatch);
    assert_eq!(scene.world.seen.closed().len(), 1);
    scene.world.close().await;
}

#[tokio::test]
async fn no_verdict_is_remembered_for_longer_than_a_quarter_of_an_hour() {
    let scene = Scene::keeping(Office::answers(Source::Tax), Duration::from_secs(3_600));
    assert_eq!(scene.told(&claim(so())).await, FRESH);
    // Being told of it again makes it last no longer.
    for _ in 0..14 {
        pass(Duration::from_secs(60)).await;
        assert_eq!(scene.told(&claim(so())).await, KEPT);
    }
    pass(Duration::from_secs(61)).await;
    assert_eq!(scene.told(&claim(so())).await, FRESH);
    assert_eq!(scene.asked(), 2);
    scene.world.close().await;
}

/// Lets so much time pass at once.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_verdict_is_forgotten_in_time_and_none_is_kept_where_none_is_to_be() {
    let scene = Scene::keeping(Office::answers(Source::Tax), Duration::from_millis(500));
    assert_eq!(scene.told(&claim(so())).await, FRESH);
    let begun = Instant::now();
    while scene.told(&claim(so())).await == KEPT {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is kept");
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(300),
        "not kept at all"
    );
    assert_eq!(scene.asked(), 2);
    scene.world.close().await;
    let none = Scene::keeping(Office::answers(Source::Tax), Duration::ZERO);
    for asked in 1..=2 {
        assert_eq!(none.told(&claim(so())).await, FRESH);
        assert_eq!(none.asked(), asked);
    }
    none.world.close().await;
}
