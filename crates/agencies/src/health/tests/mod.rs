//! The adapter against its own simulator over real sockets, and against answers made by hand.

mod faults;
mod hand;
mod town;
mod wire;

use exchange::{Field, FieldSet, Source, SourceState};

use town::{Town, all, id};

/// A persona without a fault of which every list has an item.
const COMPLETE: &str = "999099000001";

#[tokio::test]
async fn a_whole_record_is_read() {
    let town = Town::new().await;
    let answer = town.ask(COMPLETE, all()).await.unwrap();
    let missing: Vec<_> = all().minus(&answer.record.present()).iter().collect();
    // Only minors have a representative.
    assert_eq!(missing, [Field::HealthRepresentative]);
    assert!(answer.in_force.is_none());
    assert_eq!(answer.attempts, 1);
    assert_eq!(answer.as_of, Some("2026-10-01T01:00:00Z".parse().unwrap()));
    assert!(
        answer
            .upstream_request_id
            .unwrap()
            .starts_with("9990000000001261001")
    );
}

#[tokio::test]
async fn what_the_ministry_holds_is_what_is_read() {
    let town = Town::new().await;
    for serial in (1_000..200_000).step_by(9_973) {
        let subject = format!("999099{serial:06}");
        let Some(person) = town.world.view(&id(&subject), Source::Health) else {
            continue;
        };
        let record = town.record(&subject, all()).await;
        assert_eq!(record.name.unwrap().full, person.name.full(), "{subject}");
        assert_eq!(
            record.birth_date,
            Some(person.birth_date.into()),
            "{subject}"
        );
        assert_eq!(record.phone, person.phone.unwrap_or_default(), "{subject}");
        let address = record.address.unwrap();
        assert_eq!(address.detail, person.residence.current.detail, "{subject}");
        let cards = record
            .insurance_cards
            .iter()
            .map(|card| card.card_no.as_str());
        let held = person
            .social
            .health_cards
            .iter()
            .map(|card| card.number.as_str());
        assert!(cards.eq(held), "{subject}");
        let visits = record
            .encounters
            .iter()
            .map(|visit| visit.encounter_id.as_str());
        let held = person
            .health
            .encounters
            .iter()
            .map(|visit| visit.id.as_str());
        assert!(visits.eq(held), "{subject}");
        assert_eq!(record.medications.len(), person.health.medications.len());
        assert_eq!(record.procedures.len(), person.health.procedures.len());
        assert_eq!(record.observations.len(), person.health.observations.len());
        assert_eq!(record.summaries.len(), person.health.summaries.len());
        assert_eq!(
            record.immunisations.len(),
            person.health.immunisations.len()
        );
        assert_eq!(record.conditions.len(), person.health.conditions.len());
    }
}

#[tokio::test]
async fn only_what_is_asked_for_is_asked_and_answered() {
    let town = Town::new().await;
    for field in all().iter() {
        town.handle.journal().clear();
        let asked = FieldSet::from_iter([field]);
        let answer = town.ask(COMPLETE, asked).await.unwrap();
        assert!(
            answer.record.present().minus(&asked).is_empty(),
            "{field:?}"
        );
        // The number is always asked for, to check whose answer it is.
        let noted = asked.or(&FieldSet::from_iter([Field::HealthPersonalId]));
        let noted: Vec<_> = noted.iter().map(|field| field.path().to_owned()).collect();
        assert_eq!(town.asked().last().unwrap().fields, noted);
    }
}

#[tokio::test]
async fn hiv_tuberculosis_and_costs_are_sent_and_never_pass() {
    let town = Town::new().await;
    let person = town.world.view(&id(COMPLETE), Source::Health).unwrap();
    assert!(!person.health.hiv.is_empty() && !person.health.tb.is_empty());
    let record = town.record(COMPLETE, all()).await;
    let text = serde_json::to_string(&record).unwrap();
    let regimens = [person.health.hiv[0].regimen, person.health.tb[0].regimen];
    for sealed in regimens.into_iter().chain(["385000", "308000", "42000"]) {
        assert!(!text.contains(sealed), "{sealed}");
    }
}

#[tokio::test]
async fn a_replaced_number_finds_the_book_under_the_number_in_force() {
    let town = Town::new().await;
    let answer = town.ask("999099000004", all()).await.unwrap();
    assert!(answer.in_force.is_some());
    let api::Record::Health(record) = answer.record else {
        panic!("another source");
    };
    let current = town.world.person(&id("999099000004")).unwrap().personal_id;
    assert_eq!(record.personal_id, current.reveal());
    let answer = town.ask(current.reveal(), all()).await.unwrap();
    assert!(answer.in_force.is_none());
}

#[tokio::test]
async fn a_decomposed_name_arrives_composed() {
    let town = Town::new().await;
    let record = town.record("999099000008", all()).await;
    let person = town.world.person(&id("999099000008")).unwrap();
    assert_eq!(record.name.unwrap().full, person.name.full());
}

#[tokio::test]
async fn a_year_of_birth_alone_stays_one() {
    let town = Town::new().await;
    let date = town.record("999099000007", all()).await.birth_date.unwrap();
    assert_eq!((date.month, date.day), (0, 0));
}

#[tokio::test]
async fn a_minor_has_a_representative() {
    let town = Town::new().await;
    let record = town.record("999215000003", all()).await;
    let representative = record.representative.unwrap();
    assert!(!representative.personal_id.is_empty());
    assert!(!representative.relation_code.is_empty());
}

#[tokio::test]
async fn nobody_outside_the_world_is_found() {
    let town = Town::new().await;
    let miss = town.ask("001099000001", all()).await.unwrap_err();
    assert_eq!(miss.state, SourceState::NotFound);
}

#[tokio::test]
async fn the_trace_goes_along() {
    let town = Town::new().await;
    town.ask(COMPLETE, all()).await.unwrap();
    assert_eq!(town.asked()[0].traceparent.as_deref(), Some(town::TRACE));
}

#[tokio::test]
async fn kept_answers_are_the_answers() {
    let town = Town::with(|site| site.prepared = 64).await;
    let first = town.record(COMPLETE, all()).await;
    let asked = FieldSet::from_iter([Field::HealthName]);
    let other = town.record(COMPLETE, asked).await;
    assert_eq!(other.name, first.name);
    assert!(other.encounters.is_empty());
    assert_eq!(town.record(COMPLETE, all()).await, first);
}
