//! Answers: complete, minimised, about the right person.

use api::Record;
use exchange::{Field, FieldSet, Source, SourceState, name_key};
use tests::{Ask, Bench};

/// A person with something in every list.
const COMPLETE: &str = "999099000001";

#[tokio::test]
async fn a_complete_person_has_a_record_with_nearly_every_field() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let answer = bench.ask(COMPLETE, Ask::default()).await;
        let answer = answer.unwrap_or_else(|miss| panic!("{}: {miss}", entry.source));
        assert_eq!(answer.record.source(), entry.source);
        assert!(
            answer.as_of.is_some(),
            "{} vouches for no time",
            entry.source
        );
        let missing = bench.agency.serves().minus(&answer.record.present());
        let missing: Vec<_> = missing.iter().map(Field::path).collect();
        let allowed = answer.record.present().len() / 2;
        assert!(missing.len() <= allowed, "{}: {missing:?}", entry.source);
        assert_eq!(answer.attempts, 1, "{}", entry.source);
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn a_mask_is_pushed_down_and_nothing_else_comes_back() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let full = bench.ask(COMPLETE, Ask::default()).await.unwrap();
        for field in &full.record.present() {
            bench.sim.journal().clear();
            let only = FieldSet::from_iter([field]);
            let ask = Ask {
                fields: Some(only),
                ..Ask::default()
            };
            let answer = bench.ask(COMPLETE, ask).await;
            let answer = answer.unwrap_or_else(|miss| panic!("{}: {miss}", field.path()));
            assert_eq!(answer.record.present(), only, "{}", field.path());
            for asked in bench.sim.journal().entries() {
                for path in &asked.fields {
                    let known = Field::from_path(path)
                        .unwrap_or_else(|| panic!("{}: journal names {path}", entry.source));
                    let own_id = path.ends_with(".personal_id");
                    assert!(
                        known == field || own_id,
                        "{} asked for {path}",
                        field.path()
                    );
                }
            }
        }
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn people_who_do_not_exist_are_not_found() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let persona = format!("99909900001{}", entry.source as u8);
        for id in ["001099000001", persona.as_str()] {
            let miss = bench.ask(id, Ask::default()).await.unwrap_err();
            assert_eq!(
                miss.state,
                SourceState::NotFound,
                "{}: {miss}",
                entry.source
            );
        }
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn a_superseded_number_is_answered_and_said_where_another_is_in_force() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let old = "999099000004";
        let answer = bench.ask(old, Ask::default()).await;
        let answer = answer.unwrap_or_else(|miss| panic!("{}: {miss}", entry.source));
        let says_so = personal_id(&answer.record) != old;
        assert_eq!(answer.in_force.is_some(), says_so, "{}", entry.source);
        let always = entry.source == Source::Population;
        assert!(says_so || !always, "{}", entry.source);
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn names_come_in_nfc_whatever_the_wire_carries() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let answer = bench.ask("999099000008", Ask::default()).await;
        let answer = answer.unwrap_or_else(|miss| panic!("{}: {miss}", entry.source));
        let name = full_name(&answer.record).expect("a name");
        let decomposed = name.chars().any(|c| ('\u{300}'..='\u{36f}').contains(&c));
        assert!(!decomposed, "{}: NFD left the adapter", entry.source);
        let folded = name_key(&name);
        assert!(folded.contains([
            'Ơ', 'Ư', 'Đ', 'Ờ', 'Ớ', 'Ừ', 'Ứ', 'Ợ', 'Ự', 'Ở', 'Ử', 'Ỡ', 'Ữ'
        ]));
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn a_birth_year_alone_stays_a_birth_year() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        let answer = bench.ask("999099000007", Ask::default()).await;
        let answer = answer.unwrap_or_else(|miss| panic!("{}: {miss}", entry.source));
        let date = match &answer.record {
            Record::Population(record) => record.birth_date,
            Record::Health(record) => record.birth_date,
            Record::CivilStatus(record) => record.birth_date,
            Record::SocialSecurity(record) => record.birth_date,
            Record::Tax(_) => continue,
        };
        let date = date.unwrap_or_else(|| panic!("{}: no birth date", entry.source));
        assert_eq!(
            (date.year, date.month, date.day),
            (1999, 0, 0),
            "{}",
            entry.source
        );
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn the_trace_is_passed_on_by_every_wire_that_can_carry_it() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for entry in agencies::ALL {
        if entry.source == Source::SocialSecurity {
            continue; // SQL carries no trace
        }
        let bench = Bench::start(entry).await;
        let ask = Ask {
            traceparent: Some(parent),
            ..Ask::default()
        };
        bench.ask(COMPLETE, ask).await.unwrap();
        let entries = bench.sim.journal().entries();
        let seen = entries
            .iter()
            .any(|asked| asked.traceparent.as_deref() == Some(parent));
        assert!(seen, "{}: {entries:?}", entry.source);
        bench.sim.stop().await;
    }
}

fn personal_id(record: &Record) -> &str {
    match record {
        Record::Population(record) => &record.personal_id,
        Record::Health(record) => &record.personal_id,
        Record::CivilStatus(record) => &record.personal_id,
        Record::Tax(record) => &record.personal_id,
        Record::SocialSecurity(record) => &record.personal_id,
    }
}

fn full_name(record: &Record) -> Option<String> {
    let name = match record {
        Record::Population(record) => record.name.as_ref(),
        Record::Health(record) => record.name.as_ref(),
        Record::CivilStatus(record) => record.name.as_ref(),
        Record::Tax(record) => record.taxpayer_name.as_ref(),
        Record::SocialSecurity(record) => record.name.as_ref(),
    };
    name.map(|name| name.full.clone())
}
