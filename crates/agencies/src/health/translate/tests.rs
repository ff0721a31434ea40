//! The traps of their wire, one sample each, and what must hold for any of them.

use exchange::{FieldSet, Source};
use proptest::prelude::*;

use super::*;
use crate::health::wire::{Found, Wrong};

/// The sample of that name.
macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("../fixtures/", $name, ".xml"))
    };
}

fn book(xml: &str) -> HealthBook<'_> {
    match Found::read(xml) {
        Ok(Found::One(book)) => *book,
        Ok(_) => panic!("not one health book"),
        Err(wrong) => panic!("{wrong}"),
    }
}

fn read(xml: &str) -> v1::HealthRecord {
    record(&book(xml))
}

fn wrong(xml: &str) -> Wrong {
    Found::read(xml).map(|_| ()).unwrap_err()
}

fn ymd(year: i32, month: i32, day: i32) -> Option<v1::PartialDate> {
    Some(v1::PartialDate { year, month, day })
}

#[test]
fn every_field_of_the_source_has_one_code() {
    let fields: FieldSet = CODES.iter().map(|(field, _)| *field).collect();
    assert_eq!(fields, FieldSet::of(Source::Health));
    for (known, code) in CODES {
        assert_eq!(field(code), Some(known));
    }
    assert_eq!(field("XML6"), None);
}

#[test]
fn zeros_are_unknown_parts_and_nonsense_is_no_date() {
    let record = read(sample!("partial_dates"));
    assert_eq!(record.birth_date, ymd(1999, 0, 0));
    assert_eq!(record.sex(), v1::Sex::Unspecified);
    assert_eq!(record.name.unwrap().full, "NGUYỄN VĂN THỬ");
    assert_eq!(record.encounters[0].admitted_on, ymd(2026, 3, 0));
    assert_eq!(record.encounters[0].discharged_on, None);
    assert_eq!(record.immunisations[0].given_on, ymd(1999, 0, 0));
    let doses = record.immunisations.iter().map(|given| given.dose);
    assert_eq!(doses.collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn decomposed_text_is_composed() {
    let record = read(sample!("decomposed"));
    assert_eq!(record.name.unwrap().full, "Lương Đức Ơn");
    assert_eq!(record.address.unwrap().detail, "Thôn Đường Thử");
    assert_eq!(record.allergies, ["Tôm, cua, ghẹ"]);
}

#[test]
fn the_latest_visit_says_where_the_person_lives() {
    let address = read(sample!("two_address_schemes")).address.unwrap();
    assert_eq!(address.scheme(), v1::AddressScheme::Gso2025);
    assert_eq!(address.detail, "Tổ 2");
    assert_eq!(
        [
            address.province_code,
            address.district_code,
            address.commune_code
        ],
        ["04", "", "01273"]
    );
}

#[test]
fn an_address_with_a_district_is_of_2004() {
    let address = read(sample!("old_address")).address.unwrap();
    assert_eq!(address.scheme(), v1::AddressScheme::Gso2004);
    assert_eq!(address.district_code, "040");
}

#[test]
fn lists_within_a_cell_come_apart() {
    let record = read(sample!("lists"));
    let [old, new] = record.insurance_cards.as_slice() else {
        panic!("{} cards", record.insurance_cards.len());
    };
    assert_eq!(
        (old.benefit_code.as_str(), new.benefit_code.as_str()),
        ("4", "")
    );
    assert_eq!(new.registered_facility, "01002");
    assert_eq!(
        new.valid,
        Some(v1::Period {
            from: ymd(2026, 1, 1),
            to: None
        })
    );
    assert_eq!(
        (old.copay_exempt_from, new.copay_exempt_from),
        (None, ymd(2026, 3, 1))
    );
    let visit = &record.encounters[0];
    assert_eq!(visit.main_icd10, "J18.9");
    assert_eq!(visit.other_icd10, ["I10", "E11", "K29"]);
    assert_eq!(visit.kind_code, "03");
    assert_eq!(record.blood_group(), v1::BloodGroup::Ab);
    assert_eq!(record.weight_kg, "61.50");
    assert_eq!(record.ethnicity.unwrap().code, "01");
}

#[test]
fn an_older_row_under_an_older_number_is_history() {
    let book = book(sample!("superseded"));
    assert_eq!(record(&book).name.unwrap().full, "Tên Mới");
    assert_eq!(book.so_cccd_cu, ["999099000004"]);
    assert_eq!(as_of(&book), Some("2026-10-01T01:00:00Z".parse().unwrap()));
}

#[test]
fn sealed_tables_and_costs_pass_nowhere() {
    let record = read(sample!("sealed_tables"));
    assert_eq!(record.medications[0].name, "Paracetamol");
    let text = serde_json::to_string(&record).unwrap();
    for sealed in ["TDF", "RHZE", "385000", "42000"] {
        assert!(!text.contains(sealed), "{sealed}");
    }
}

#[test]
fn what_is_unknown_is_skipped_and_what_is_escaped_is_read() {
    let record = read(sample!("unknown_and_escaped"));
    assert_eq!(record.personal_id, "999099000001");
    let summary = &record.summaries[0];
    assert_eq!(summary.course, "Sốt > 38 & ho");
    assert_eq!(summary.key_tests, "CRP < 5 & BC 10 G/L");
    assert_eq!(summary.treatment, "Hạ sốt");
}

#[test]
fn no_book_and_two_books_are_told_apart() {
    assert!(matches!(Found::read(sample!("nobody")), Ok(Found::Nobody)));
    assert!(matches!(
        Found::read(sample!("several")),
        Ok(Found::Several)
    ));
}

#[test]
fn attacks_and_torn_texts_are_refused() {
    let deep = format!("<DANH_SACH_HO_SO>{}", "<a>".repeat(100_000));
    let rows = "<DONG/>".repeat(5_001);
    let rows = format!("<DANH_SACH_HO_SO><HO_SO><XML1>{rows}</XML1></HO_SO></DANH_SACH_HO_SO>");
    let after = format!("{}<x/>", sample!("nobody"));
    let cases = [
        (sample!("entity_bomb"), Wrong::Doctype),
        (sample!("external_entity"), Wrong::Doctype),
        (sample!("unknown_entity"), Wrong::Entity),
        (sample!("truncated"), Wrong::Malformed),
        (sample!("two_numbers"), Wrong::Subject),
        (
            "<DANH_SACH_HO_SO><HO_SO/></DANH_SACH_HO_SO>",
            Wrong::Subject,
        ),
        ("<html></html>", Wrong::Root),
        ("", Wrong::Malformed),
        (deep.as_str(), Wrong::Depth),
        (rows.as_str(), Wrong::Rows),
        (after.as_str(), Wrong::Malformed),
    ];
    for (xml, expected) in cases {
        assert_eq!(wrong(xml), expected, "{}", xml.get(..60).unwrap_or(xml));
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(xml in "[<>/&;a-zA-Z0-9_ \"=!\\[\\]-]{0,200}") {
        if let Ok(Found::One(book)) = Found::read(&xml) {
            record(&book);
        }
    }

    #[test]
    fn no_cell_makes_the_translation_panic(cell in ".{0,40}") {
        let visit = || Visit {
            ho_ten: cell.as_str().into(),
            ngay_sinh: cell.as_str().into(),
            ma_dantoc: cell.as_str().into(),
            matinh_cu_tru: cell.as_str().into(),
            ma_the_bhyt: cell.as_str().into(),
            gt_the_tu: cell.as_str().into(),
            can_nang: cell.as_str().into(),
            nhom_mau: cell.as_str().into(),
            ma_lk: cell.as_str().into(),
            ma_benh_chinh: cell.as_str().into(),
            ..Visit::default()
        };
        let book = HealthBook {
            ngay_du_lieu: cell.as_str().into(),
            visits: vec![visit(), visit()],
            ..HealthBook::default()
        };
        let record = record(&book);
        prop_assert!(record.encounters.len() <= 2);
        prop_assert!(is_nfc(&record.name.unwrap_or_default().full));
        prop_assert_eq!(as_of(&book), None);
    }

    #[test]
    fn a_whole_date_is_read_as_written(year in 1900..2100i32, month in 1..=12i32, day in 1..=28i32) {
        let text = format!("{year:04}{month:02}{day:02}1530");
        prop_assert_eq!(date(&text), ymd(year, month, day));
    }
}
