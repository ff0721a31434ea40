//! Of whom nothing is told, and what that looks like from outside.

use std::sync::Arc;

use exchange::{Closed, IdentifierKind, Source, SourceState};

use super::world::PROTECTED;
use super::*;

fn question(number: &str) -> Arc<exchange::Request> {
    named(IdentifierKind::Personal, number, &["population.sex"])
}

#[tokio::test]
async fn a_protected_person_is_withheld_by_their_own_number_and_by_an_old_one() {
    let office = Office::answers(Source::Population).moved("999099000087", PROTECTED);
    let world = World::new([office]);
    for number in [PROTECTED, "999099000087"] {
        let asked = question(number);
        let answer = world.gate.lookup(&call(), &asked).await.unwrap().message;
        let [status] = &answer.sources[..] else {
            panic!("{answer:?}");
        };
        assert_eq!(status.state(), api::v1::SourceState::Withheld);
        assert_eq!((&*status.reason, status.attempts), ("", 1));
        assert!(answer.citizen.unwrap().population.is_none());
    }
    let other = question("999099000089");
    assert!(world.gate.lookup(&call(), &other).await.is_ok());
    let seen = [(Source::Population, Closed::Protected); 2];
    assert_eq!(world.seen.closed(), seen);
    let leaves = world.close().await;
    let states = leaves
        .iter()
        .filter_map(|leaf| leaf["src"][0]["st"].as_str());
    assert_eq!(states.collect::<Vec<_>>(), ["WITHHELD", "WITHHELD", "OK"]);
}

#[tokio::test]
async fn of_a_minor_no_source_is_asked() {
    let office = Office::answers(Source::Population);
    let asked = office.asked();
    let world = World::new([office]);
    let answer = world.gate.lookup(&call(), &question("999215000003")).await;
    let status = answer.unwrap().message.sources.remove(0);
    assert_eq!(status.state(), api::v1::SourceState::Withheld);
    assert_eq!(world.seen.closed(), [(Source::Population, Closed::Minor)]);
    assert_eq!(
        world.seen.all(),
        [(Source::Population, SourceState::Withheld)]
    );
    let ring = tokio::time::timeout(std::time::Duration::ZERO, asked.notified());
    assert!(ring.await.is_err(), "the office was asked");
}

#[tokio::test]
async fn a_number_of_a_protected_person_resolves_to_nobody() {
    let resolving = || Ok(adapter::Resolution::Current(protected()));
    let world = World::new([Office::answers(Source::Population).resolving(resolving)]);
    let mut asked = named(IdentifierKind::Legacy, "012345678", &[]);
    Arc::make_mut(&mut asked).mask = admission::resolution_mask();
    let answer = world.gate.resolve(&call(), &asked).await.unwrap().message;
    assert_eq!(answer.outcome(), api::v1::ResolveOutcome::NotFound);
    assert_eq!(answer.current_personal_id, "");
    assert_eq!(
        world.seen.closed(),
        [(Source::Population, Closed::Protected)]
    );
    let leaves = world.close().await;
    assert!(!leaves.iter().any(|leaf| leaf["src"][0]["st"] == "OK"));
    assert!(
        leaves
            .iter()
            .any(|leaf| leaf["src"][0]["st"] == "NOT_FOUND")
    );
}

fn protected() -> exchange::CitizenId {
    exchange::CitizenId::from_agency(PROTECTED).unwrap()
}
