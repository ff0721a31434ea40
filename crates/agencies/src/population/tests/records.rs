//! The adapter against its own simulator: whole records, push-down, numbers, hints.

use exchange::{Field, IdentifierKind, PartialDate, SourceState, name_key};
use sim::person::IdStatus;

use super::*;

const COMPLETE: &str = "999099000001";

#[tokio::test]
async fn persona_1_is_whole() {
    let pair = Pair::start().await;
    let answer = pair.ask(COMPLETE, Ask::default()).await.unwrap();
    assert_eq!((answer.attempts, answer.in_force.is_some()), (1, false));
    assert!(answer.as_of.is_some() && answer.upstream_request_id.is_some());
    let missing = FieldSet::of(Source::Population).minus(&answer.record.present());
    let missing: Vec<Field> = missing.iter().collect();
    // She is alive, of age, and her number is her first.
    let expected = [
        Field::PopulationPreviousIds,
        Field::PopulationRepresentative,
        Field::PopulationDeath,
    ];
    assert!(
        missing.iter().all(|field| expected.contains(field)),
        "{missing:?}"
    );
    let record = population(answer.record);
    let person = pair.world.view(&id(COMPLETE), Source::Population).unwrap();
    assert_eq!(record.name.unwrap().full, person.name.full_upper());
    assert_eq!(record.legacy_ids, person.legacy_ids);
}

#[tokio::test]
async fn only_what_is_asked_travels() {
    let pair = Pair::start().await;
    let ask = Ask {
        fields: FieldSet::from_iter([Field::PopulationSex, Field::PopulationCard]),
        procedure: Some("2.000815.000.00.00.H55"),
        officer: Some("CB 17 & 18"),
        ..Ask::default()
    };
    let asked = ask.fields;
    let answer = pair.ask(COMPLETE, ask).await.unwrap();
    assert_eq!(answer.record.present(), asked);
    let entry = pair.handle.journal().entries().pop().unwrap();
    let paths = [
        "population.personal_id",
        "population.sex",
        "population.card",
    ];
    assert_eq!(
        entry.fields, paths,
        "the number, for the subject check, and no more"
    );
    assert_eq!(entry.subject.as_deref(), Some(COMPLETE));
    assert_eq!(entry.traceparent.as_deref(), Some(TRACEPARENT));
    let header = |name: &str| entry.headers.iter().find(|(it, _)| it == name).unwrap();
    assert_eq!(header("MaDVC").1, "2.000815.000.00.00.H55");
    assert_eq!(header("MaCanBo").1, "CB 17 & 18");
}

#[tokio::test]
async fn a_superseded_number_gives_the_record_in_force() {
    let pair = Pair::start().await;
    let ask = || Ask {
        fields: FieldSet::from_iter([Field::PopulationPersonalId]),
        ..Ask::default()
    };
    let answer = pair.ask("999099000004", ask()).await.unwrap();
    assert!(answer.in_force.is_some());
    let current = pair.world.current_id(&id("999099000004")).unwrap();
    let record = population(answer.record);
    assert_eq!(record.personal_id, current.reveal());
    assert!(
        record.previous_ids.is_empty(),
        "checked, and not returned: it was not asked"
    );
    let answer = pair.ask(current.reveal(), ask()).await.unwrap();
    assert!(answer.in_force.is_none());
}

#[tokio::test]
async fn a_cancelled_number_leads_to_nobody() {
    let pair = Pair::start().await;
    let cancelled = (1000..)
        .map(|n| format!("999099{n:06}"))
        .find(|text| pair.world.status(&id(text)) == Some(IdStatus::Cancelled));
    let cancelled = cancelled.unwrap();
    let miss = pair.ask(&cancelled, Ask::default()).await.unwrap_err();
    assert_eq!(
        (miss.state, miss.reason),
        (SourceState::NotFound, "IDENTIFIER_CANCELLED")
    );
    let resolution = pair.resolve(Identifier::Personal(id(&cancelled))).await;
    assert_eq!(resolution.unwrap(), Resolution::Cancelled);
}

#[tokio::test]
async fn numbers_resolve() {
    let pair = Pair::start().await;
    let kinds = [IdentifierKind::Personal, IdentifierKind::Legacy];
    assert_eq!(pair.agency.resolves(), kinds);
    let complete = pair.world.person(&id(COMPLETE)).unwrap();
    let legacy = |number: &str| Identifier::Legacy(number.into());
    let namesake = pair.world.person(&id("999099000005")).unwrap();
    let replaced = pair.world.current_id(&id("999099000004")).unwrap();
    for (asked, expected) in [
        (
            Identifier::Personal(id(COMPLETE)),
            Resolution::Current(id(COMPLETE)),
        ),
        (
            Identifier::Personal(id("999099000004")),
            Resolution::Superseded(replaced),
        ),
        (
            Identifier::Personal(id("001099000001")),
            Resolution::NotFound,
        ),
        (
            legacy(&complete.legacy_ids[0]),
            Resolution::Current(id(COMPLETE)),
        ),
        (
            legacy(&namesake.legacy_ids[0]),
            Resolution::Ambiguous { candidates: 2 },
        ),
        (legacy("000000000"), Resolution::NotFound),
    ] {
        assert_eq!(
            pair.resolve(asked.clone()).await.unwrap(),
            expected,
            "{asked:?}"
        );
    }
    pair.knob(FaultKind::WrongPerson);
    let miss = pair
        .resolve(legacy(&complete.legacy_ids[0]))
        .await
        .unwrap_err();
    assert_eq!(miss.reason, "WRONG_SUBJECT");
}

#[tokio::test]
async fn a_name_or_a_birth_date_that_differs_finds_nobody() {
    let pair = Pair::start().await;
    let person = pair.world.person(&id(COMPLETE)).unwrap();
    let other_day = PartialDate::parse("1850-01-01").unwrap();
    for (name, date, found) in [
        (person.name.full(), person.birth_date, true),
        ("Người Khác".to_owned(), person.birth_date, false),
        (person.name.full(), other_day, false),
    ] {
        let hints = MatchHints {
            full_name: Some(name),
            birth_date: Some(date),
        };
        let told = pair
            .ask(
                COMPLETE,
                Ask {
                    hints,
                    ..Ask::default()
                },
            )
            .await;
        match told {
            Ok(_) => assert!(found),
            Err(miss) => assert!(!found && miss.state == SourceState::NotFound),
        }
    }
}

#[tokio::test]
async fn traps_of_personas_arrive_as_they_should() {
    let pair = Pair::start().await;
    let year_only = population(
        pair.ask("999099000007", Ask::default())
            .await
            .unwrap()
            .record,
    );
    let birth = year_only.birth_date.unwrap();
    assert_eq!((birth.month, birth.day), (0, 0));
    let decomposed = population(
        pair.ask("999099000008", Ask::default())
            .await
            .unwrap()
            .record,
    );
    let person = pair.world.person(&id("999099000008")).unwrap();
    let full = decomposed.name.unwrap().full;
    assert_eq!(full, person.name.full_upper(), "NFC");
    assert_eq!(name_key(&full), name_key(&person.name.full()));
    let dead = population(
        pair.ask("999099000002", Ask::default())
            .await
            .unwrap()
            .record,
    );
    assert_eq!(dead.death.unwrap().kind(), v1::DeathKind::Died);
    let minor = population(
        pair.ask("999215000003", Ask::default())
            .await
            .unwrap()
            .record,
    );
    assert!(minor.representative.is_some());
    assert_eq!(
        minor.permanent_residence.unwrap().scheme(),
        v1::AddressScheme::Gso2025
    );
    assert_eq!(
        minor.native_place.unwrap().scheme(),
        v1::AddressScheme::Gso2004
    );
}
