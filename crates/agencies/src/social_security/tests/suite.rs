//! What holds whoever stands behind the wire: asked of the simulator here, and of a real
//! PostgreSQL in `postgres`.

use adapter::Resolution;
use exchange::{Field, FieldSet, Identifier, IdentifierKind, Source, SourceState};
use sim::Person;
use sim::person::YearMonth;

use super::rig::{Rig, citizen, everything, record, world};

/// The citizens that are asked about; a real database holds these and no other.
pub(super) const ASKED: [&str; 5] = [COMPLETE, SUPERSEDED, YEAR_ONLY, DECOMPOSED, SOMEBODY];

/// Somebody without a persona, whom the agency knows.
pub(super) const SOMEBODY: &str = "999099001234";

pub(super) const COMPLETE: &str = "999099000001";
const SUPERSEDED: &str = "999099000004";
const YEAR_ONLY: &str = "999099000007";
const DECOMPOSED: &str = "999099000008";
const UNKNOWN: &str = "999099000015";

/// Asks everything of the suite.
pub(super) async fn run(rig: &Rig) {
    a_complete_person_is_a_full_record(rig).await;
    money_and_months_arrive_as_they_are(rig).await;
    only_what_is_asked_is_answered(rig).await;
    nobody_is_not_found(rig).await;
    a_superseded_number_finds_the_record_in_force(rig).await;
    partial_dates_and_decomposed_names_are_read(rig).await;
    an_insurance_code_is_resolved(rig).await;
}

fn held(id: &str) -> Person {
    world().view(&citizen(id), Source::SocialSecurity).unwrap()
}

fn code(digits: &str) -> Identifier {
    Identifier::parse(IdentifierKind::InsuranceCode, digits, 2026).unwrap()
}

async fn a_complete_person_is_a_full_record(rig: &Rig) {
    let answer = rig.ask(COMPLETE, everything()).await.unwrap();
    assert_eq!(answer.record.present(), everything());
    assert_eq!((answer.in_force.is_some(), answer.attempts), (false, 1));
    assert!(answer.as_of.is_some());
    let (record, person) = (record(&answer), held(COMPLETE));
    assert_eq!(record.personal_id, COMPLETE);
    assert_eq!(record.insurance_code, person.social.insurance_code);
    assert_eq!(record.name.as_ref().unwrap().full, person.name.full());
    let social = &person.social;
    assert_eq!(record.participation.len(), social.participation.len());
    assert_eq!(record.benefits.len(), social.benefits.len());
    assert_eq!(record.health_cards.len(), social.health_cards.len());
    assert_eq!(record.assistance.len(), social.assistance.len());
    assert_eq!(record.poverty_status.len(), social.poverty.len());
}

async fn money_and_months_arrive_as_they_are(rig: &Rig) {
    let fields = FieldSet::from_iter([
        Field::SocialSecurityParticipation,
        Field::SocialSecurityAssistance,
    ]);
    let answer = rig.ask(COMPLETE, fields).await.unwrap();
    let (record, social) = (record(&answer), held(COMPLETE).social);
    let (got, job) = (&record.participation[0], &social.participation[0]);
    let YearMonth { year, month } = job.from;
    let from = got.period.as_ref().unwrap().from.as_ref().unwrap();
    let expected = (year.into(), month.into(), 0);
    assert_eq!((from.year, from.month, from.day), expected);
    assert_eq!(got.salary_vnd, job.salary);
    assert_eq!(got.unit, job.employer);
    let (got, aid) = (&record.assistance[0], &social.assistance[0]);
    let tenths = aid.coefficient_tenths;
    assert_eq!(got.coefficient, format!("{}.{}", tenths / 10, tenths % 10));
    assert_eq!(got.amount_vnd, aid.amount);
}

async fn only_what_is_asked_is_answered(rig: &Rig) {
    for field in &everything() {
        let fields = FieldSet::from_iter([field]);
        let answer = rig.ask(COMPLETE, fields).await.unwrap();
        assert_eq!(answer.record.present(), fields, "{}", field.path());
    }
}

async fn nobody_is_not_found(rig: &Rig) {
    for id in [UNKNOWN, "001099000001"] {
        let miss = rig.ask(id, everything()).await.unwrap_err();
        assert_eq!((miss.state, miss.attempts), (SourceState::NotFound, 1));
    }
}

async fn a_superseded_number_finds_the_record_in_force(rig: &Rig) {
    let current = world().current_id(&citizen(SUPERSEDED)).unwrap();
    assert_ne!(current.reveal(), SUPERSEDED);
    let answer = rig.ask(SUPERSEDED, everything()).await.unwrap();
    assert!(answer.in_force.is_some());
    assert_eq!(record(&answer).personal_id, current.reveal());
    let answer = rig.ask(current.reveal(), everything()).await.unwrap();
    assert!(answer.in_force.is_none());
}

async fn partial_dates_and_decomposed_names_are_read(rig: &Rig) {
    let birth = FieldSet::from_iter([Field::SocialSecurityBirthDate]);
    let answer = rig.ask(YEAR_ONLY, birth).await.unwrap();
    let date = record(&answer).birth_date.as_ref().unwrap();
    assert_eq!((date.year, date.month, date.day), (1999, 0, 0));
    let name = FieldSet::from_iter([Field::SocialSecurityName]);
    let answer = rig.ask(DECOMPOSED, name).await.unwrap();
    let person = held(DECOMPOSED);
    let composed = person.name.full();
    assert_ne!(
        person.wire_text(&composed),
        composed,
        "decomposed on the wire"
    );
    assert_eq!(record(&answer).name.as_ref().unwrap().full, composed);
}

async fn an_insurance_code_is_resolved(rig: &Rig) {
    let theirs = code(&held(COMPLETE).social.insurance_code);
    let found = rig.resolve(&theirs).await.unwrap();
    assert_eq!(found, Resolution::Current(citizen(COMPLETE)));
    let found = rig.resolve(&code("0000000000")).await.unwrap();
    assert_eq!(found, Resolution::NotFound);
}

#[tokio::test]
async fn the_simulator_answers_as_agreed() {
    run(&Rig::simulated().await).await;
}

#[tokio::test]
async fn only_the_columns_asked_for_reach_the_agency() {
    let rig = Rig::simulated().await;
    for field in &everything() {
        let fields = FieldSet::from_iter([field]);
        rig.ask(COMPLETE, fields).await.unwrap();
        // The number itself is always asked for: the check of the subject needs it.
        let asked = FieldSet::from_iter([field, Field::SocialSecurityPersonalId]);
        let paths = asked.iter().map(|field| field.path().to_owned());
        assert_eq!(rig.last_fields(), paths.collect());
    }
}

#[tokio::test]
async fn one_connection_serves_more_column_sets_than_it_holds_prepared() {
    let rig = Rig::simulated_with("pool_size = 1").await;
    for one in &everything() {
        for other in &everything() {
            let fields = FieldSet::from_iter([one, other]);
            let answer = rig.ask(COMPLETE, fields).await.unwrap();
            assert_eq!(answer.record.present(), fields);
        }
    }
}

#[tokio::test]
async fn numbers_that_are_not_theirs_are_not_asked() {
    let rig = Rig::simulated().await;
    let legacy = Identifier::parse(IdentifierKind::Legacy, "123456789", 2026).unwrap();
    let miss = rig.resolve(&legacy).await.unwrap_err();
    assert_eq!((miss.state, miss.attempts), (SourceState::Skipped, 0));
    assert_eq!(rig.simulator().journal().total(), 0);
}
