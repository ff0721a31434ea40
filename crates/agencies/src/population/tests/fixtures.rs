//! Samples of the traps, each redacted and synthetic.

use api::v1;
use exchange::{Identifier, SourceState};

use crate::population::translate;
use crate::population::wire::{Collection, Refused, Said};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/", $name)).as_slice()
    };
}

fn collection(said: Result<Said, Refused>) -> Collection {
    let Ok(Said::Citizens(collection)) = said else {
        panic!("{said:?}")
    };
    collection
}

fn record(said: Result<Said, Refused>) -> v1::PopulationRecord {
    translate::record(*collection(said).first.unwrap())
}

#[test]
fn the_wire_of_the_real_clients_is_read_with_all_its_quirks() {
    let said = collection(Said::from_xml(fixture!("wire.xml")));
    assert_eq!((said.count, said.id.as_str()), (1, "SYN-0001"));
    let as_of = translate::as_of(&said.as_of).unwrap();
    assert_eq!(as_of.to_string(), "2026-10-01T01:00:00Z");
    let it = translate::record(*said.first.unwrap());
    assert_eq!(
        it.personal_id, "999099000008",
        "not that of an unknown element"
    );
    let name = it.name.unwrap();
    assert_eq!(
        (name.full.as_str(), name.family.as_str()),
        ("LƯƠNG ĐỨC ƠN", "")
    );
    let birth = it.birth_date.unwrap();
    assert_eq!((birth.year, birth.month, birth.day), (1999, 0, 0));
    assert_eq!(it.ethnicity.unwrap().code, "01");
    assert_eq!(it.religion.unwrap().code, "00");
    assert_eq!(it.blood_group, i32::from(v1::BloodGroup::Unspecified));
    assert!(it.legacy_ids.is_empty());
}

#[test]
fn the_two_schemes_of_addresses_are_told_apart() {
    let it = record(Said::from_xml(fixture!("wire.xml")));
    let native = it.native_place.unwrap();
    assert_eq!(native.scheme(), v1::AddressScheme::Gso2004);
    let codes = [
        native.province_code,
        native.district_code,
        native.commune_code,
    ];
    assert_eq!(codes, ["01", "001", "00001"]);
    let permanent = it.permanent_residence.unwrap();
    assert_eq!(permanent.scheme(), v1::AddressScheme::Gso2025);
    assert_eq!(
        (
            permanent.district_code.as_str(),
            permanent.commune_code.as_str()
        ),
        ("", "00004")
    );
}

#[test]
fn the_spelling_of_the_standard_is_read_too() {
    let said = collection(Said::from_xml(fixture!("standard.xml")));
    assert_eq!(
        translate::as_of(&said.as_of).unwrap().to_string(),
        "2026-10-01T01:00:00Z",
        "a time without a zone is Vietnam's"
    );
    let it = translate::record(*said.first.unwrap());
    let name = it.name.unwrap();
    assert_eq!(
        [name.family, name.middle, name.given, name.full],
        ["Nguyễn", "Thị", "Thử", "Nguyễn Thị Thử"]
    );
    assert_eq!(it.legacy_ids, ["000000001", "000000002"]);
    let ethnicity = it.ethnicity.unwrap();
    assert_eq!(
        [ethnicity.code, ethnicity.list],
        ["05", "121-TCTK/PPCD-1979"]
    );
    assert_eq!(
        (it.nationality.as_str(), it.religion.unwrap().code.as_str()),
        ("VN", "01")
    );
    let place = it.birth_registration_place.unwrap();
    assert_eq!(place.scheme(), v1::AddressScheme::Unspecified);
    assert_eq!(place.commune_code, "00001");
    assert_eq!(it.temporary_residence.unwrap().country, "LA");
    assert_eq!(it.father.unwrap().name.unwrap().full, "NGUYỄN VĂN MẪU");
    assert_eq!(it.household_head.unwrap().relation_code, "CH02");
    let birth = it.birth_date.unwrap();
    assert_eq!((birth.year, birth.month, birth.day), (1985, 3, 9));
}

#[test]
fn additions_to_the_schema_of_2017_are_read() {
    let it = record(Said::from_xml(fixture!("standard.xml")));
    let card = it.card.unwrap();
    assert_eq!(
        (card.issuer.as_str(), card.expires_on),
        ("Bộ Công an", None)
    );
    let absence = it.temporary_absence.unwrap();
    assert_eq!(absence.destination, "Tỉnh Thử");
    assert_eq!(absence.period.unwrap().to, None);
    let death = it.death.unwrap();
    assert_eq!(death.kind(), v1::DeathKind::Missing);
    assert_eq!(death.date.unwrap().month, 5);
    assert_eq!(it.phone, "0900000000");
    assert_eq!(it.previous_ids, ["999184000004"]);
    assert!(it.mother.is_none() && it.representative.is_none());
}

#[test]
fn xml_inside_json_and_inside_text_is_unwrapped_once() {
    for said in [
        Said::from_json(fixture!("xml_in_json.json")),
        Said::from_json(fixture!("escaped_xml_in_json.json")),
        Said::from_json(fixture!("cdata_in_json.json")),
        Said::from_xml(fixture!("bom_cdata.xml")),
    ] {
        let it = record(said);
        assert_eq!(it.personal_id, "999099000001");
        assert_eq!(it.name.unwrap().full, "NGUYỄN VĂN A & B");
    }
    assert!(Said::from_xml(fixture!("escaped_twice.xml")).is_err());
}

#[test]
fn an_empty_collection_is_nobody_and_two_citizens_are_ambiguous() {
    assert_eq!(collection(Said::from_xml(fixture!("empty.xml"))).count, 0);
    let several = collection(Said::from_xml(fixture!("several.xml")));
    assert_eq!(several.count, 2, "whatever SoCongDan says");
    let asked = Identifier::Legacy("000000005".into());
    let resolution = crate::population::judge::resolution(&asked, &several).unwrap();
    assert_eq!(resolution, adapter::Resolution::Ambiguous { candidates: 2 });
    let miss = crate::population::judge::only(several).unwrap_err();
    assert_eq!(miss.state, SourceState::Ambiguous);
}

#[test]
fn what_is_hostile_or_broken_is_refused_as_a_whole() {
    for (bytes, why) in [
        (fixture!("entity_bomb.xml"), "has a document type"),
        (fixture!("external_entity.xml"), "has a document type"),
        (fixture!("legacy_encoding.xml"), "is not UTF-8"),
        (fixture!("cut_short.xml"), "is cut short"),
    ] {
        assert_eq!(Said::from_xml(bytes).unwrap_err(), Refused(why));
    }
}
