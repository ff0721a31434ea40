//! The wire as written down for a stranger agrees with the code.

use exchange::FieldSet;
use serde_json::Value;

use crate::social_security::wire::{
    CheDo, Column, FIXED, HoNgheo, KhuyetTat, QuaTrinh, Select, TheBhyt, TroGiup,
};

const WIRE: &str = include_str!("../WIRE.md");
const VIEW: &str = include_str!("../view.sql");

/// What stands in the fenced blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let open = format!("```{language}\n");
    let parts = WIRE.split(open.as_str()).skip(1);
    parts.filter_map(|part| part.split("```").next()).collect()
}

/// The columns of `person_v1` with their types, as the page lists them.
fn listed() -> Vec<(&'static str, &'static str, &'static str)> {
    let (_, section) = WIRE.split_once("## Columns of").unwrap();
    let (section, _) = section.split_once("### ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        (
            cells[1].trim_matches('`'),
            cells[2],
            cells[3].trim_matches('`'),
        )
    })
    .collect()
}

#[test]
fn the_page_lists_the_columns_in_the_order_in_which_they_are_selected() {
    let fixed = FIXED.iter().map(|name| (*name).to_owned());
    let columns = Column::ALL.iter().map(|column| column.name().to_owned());
    let names: Vec<String> = listed().iter().map(|row| row.0.to_owned()).collect();
    assert_eq!(names, fixed.chain(columns).collect::<Vec<_>>());
}

#[test]
fn the_page_names_the_field_of_every_column() {
    for column in Column::ALL {
        let row = listed().into_iter().find(|row| row.0 == column.name());
        assert_eq!(row.unwrap().2, column.field().path());
    }
}

#[test]
fn the_statements_of_the_page_are_those_that_are_asked() {
    let [lookup, resolve] = blocks("sql")[..] else {
        panic!("two statements");
    };
    let fields = FieldSet::from_iter([Column::HoTen.field(), Column::NgaySinh.field()]);
    assert_eq!(lookup.trim(), Select::Person(fields).sql());
    assert_eq!(resolve.trim(), Select::Resolve.sql());
}

#[test]
fn the_example_of_the_page_is_read() {
    let example = blocks("json");
    let list: Vec<QuaTrinh> = serde_json::from_str(example[0]).unwrap();
    assert_eq!(list[0].muc_luong, Some(7_500_000));
}

#[test]
fn page_and_view_name_every_element_of_every_list() {
    let whole: Value = serde_json::from_str(include_str!("../fixtures/complete.json")).unwrap();
    let elements = [
        ("qua_trinh", serde_json::to_value(QuaTrinh::default())),
        ("che_do", serde_json::to_value(CheDo::default())),
        ("the_bhyt", serde_json::to_value(TheBhyt::default())),
        ("tro_giup", serde_json::to_value(TroGiup::default())),
        ("khuyet_tat", serde_json::to_value(KhuyetTat::default())),
        ("ho_ngheo", serde_json::to_value(HoNgheo::default())),
    ];
    for (list, element) in elements {
        let element = element.unwrap();
        let sample = whole[list].get(0).unwrap_or(&whole[list]);
        assert_eq!(
            sample.as_object().unwrap().len(),
            element.as_object().unwrap().len(),
            "{list}"
        );
        for name in element.as_object().unwrap().keys() {
            assert!(WIRE.contains(&format!("`{name}`")), "{list}.{name}");
            assert!(VIEW.contains(&format!("'{name}'")), "{list}.{name}");
            assert!(sample.get(name).is_some(), "{list}.{name}");
        }
    }
}

#[test]
fn the_stanza_of_the_page_is_one() {
    let stanza: toml::Table = blocks("toml")[0].parse().unwrap();
    let own = stanza["agency"]["social_security"].as_table().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("social_security")).unwrap();
    std::fs::write(folder.path().join("social_security/password"), "x").unwrap();
    let settings = crate::Settings::new(own.clone(), folder.path()).unwrap();
    let deps = crate::Deps::of(std::sync::Arc::new(exchange::SystemClock));
    assert!((crate::social_security::ENTRY.connect)(settings, &deps).is_ok());
}
