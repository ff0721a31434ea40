//! Rows as they arrive, traps included, and the translation of any row at all.

use api::v1;
use proptest::prelude::*;
use unicode_normalization::is_nfc;

use crate::social_security::translate;
use crate::social_security::wire::{CheDo, Person, QuaTrinh};

fn translated(json: &str) -> v1::SocialSecurityRecord {
    translate::record(serde_json::from_str(json).unwrap())
}

#[test]
fn a_whole_row_fills_a_whole_record() {
    let record = translated(include_str!("../fixtures/complete.json"));
    let whole = exchange::FieldSet::of(exchange::Source::SocialSecurity);
    assert_eq!(record.present(), whole);
    assert_eq!(record.sex(), v1::Sex::Male);
    let job = &record.participation[0];
    assert_eq!(job.kind(), v1::InsuranceKind::Compulsory);
    assert_eq!(job.state(), v1::ParticipationState::Contributing);
    assert_eq!(job.salary_vnd, 7_500_000);
    assert!(job.period.as_ref().unwrap().to.is_none());
    let benefit = &record.benefits[0];
    assert_eq!(benefit.kind(), v1::BenefitKind::Sickness);
    assert_eq!(benefit.payment(), v1::PaymentState::Completed);
    let disability = record.disability.as_ref().unwrap();
    assert_eq!(disability.level(), v1::DisabilityLevel::Severe);
    assert_eq!(record.poverty_status[0].kind(), v1::PovertyKind::NearPoor);
    assert_eq!(record.assistance[0].coefficient, "1.5");
}

#[test]
fn traps_are_survived_and_nothing_is_invented() {
    let record = translated(include_str!("../fixtures/traps.json"));
    assert_eq!(record.insurance_code, "7912345678");
    assert_eq!(record.name.as_ref().unwrap().full, "LƯƠNG ĐỨC ƠN");
    let birth = record.birth_date.as_ref().unwrap();
    assert_eq!((birth.year, birth.month, birth.day), (1999, 0, 0));
    assert_eq!(record.sex(), v1::Sex::Unspecified);
    let [odd, empty] = record.participation.as_slice() else {
        panic!("two periods");
    };
    assert_eq!(odd.kind(), v1::InsuranceKind::Unspecified);
    assert_eq!(empty, &v1::Participation::default());
    assert_eq!(record.benefits[0].kind(), v1::BenefitKind::Unspecified);
    assert!(record.benefits[0].period.is_none());
    let valid = record.health_cards[0].valid.as_ref().unwrap();
    assert!(valid.from.is_some() && valid.to.is_none());
    assert_eq!(record.assistance[0].amount_vnd, 9_007_199_254_740_993);
    assert_eq!(record.old_book_no, "");
}

#[test]
fn an_empty_row_is_an_empty_record() {
    assert_eq!(translated("{}"), v1::SocialSecurityRecord::default());
}

proptest! {
    #[test]
    fn any_text_is_translated_to_composed_text(
        name in any::<String>(),
        date in "[0-9-]{0,12}",
        unit in proptest::option::of(any::<String>()),
        salary in proptest::option::of(any::<i64>()),
        code in proptest::option::of("[A-Z_]{0,12}"),
    ) {
        let job = QuaTrinh {
            tu_thang: Some(date.clone()),
            don_vi: unit,
            muc_luong: salary,
            loai: code.clone(),
            ..QuaTrinh::default()
        };
        let benefit = CheDo { loai: code, ..CheDo::default() };
        let record = translate::record(Person {
            ho_ten: Some(&name),
            ngay_sinh: Some(&date),
            qua_trinh: vec![job],
            che_do: vec![benefit],
            ..Person::default()
        });
        let full = record.name.map(|name| name.full).unwrap_or_default();
        prop_assert!(is_nfc(&full) && full.trim() == full);
        let job = &record.participation[0];
        prop_assert!(is_nfc(&job.unit));
        prop_assert_eq!(job.salary_vnd, salary.unwrap_or_default());
    }
}
