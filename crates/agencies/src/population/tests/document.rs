//! The written wire against the code: what a stranger reads is what is spoken.

use exchange::{FIELDS, FieldSet, Source};

use crate::population::sim::Question;
use crate::population::translate;
use crate::population::wire::{Said, Trouble};

const WIRE: &str = include_str!("../WIRE.md");
const XSD: &str = include_str!("../congdan.xsd");
const WSDL: &str = include_str!("../population.wsdl");

/// The XML samples of the page, in order.
fn samples() -> Vec<&'static str> {
    let fenced = WIRE.split("```xml\n").skip(1);
    fenced.filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_field_stands_on_the_page_and_in_the_schema() {
    for info in FIELDS
        .iter()
        .filter(|info| info.source == Source::Population)
    {
        let only = FieldSet::from_iter([info.field]);
        let element = translate::elements(&only).pop().unwrap();
        let row = format!("| `{element}` | `{}` |", info.path);
        assert!(WIRE.contains(&row), "{row}");
        assert!(
            XSD.contains(&format!("<xs:element name=\"{element}\"")),
            "{element}"
        );
    }
}

#[test]
fn the_samples_of_the_page_are_spoken_by_both_sides() {
    let samples = samples();
    let [log_in, logged_in, look_up, citizens, fault] = samples.as_slice() else {
        panic!("{} samples", samples.len());
    };
    assert!(matches!(
        Question::read(log_in.as_bytes()),
        Ok(Question::LogIn { .. })
    ));
    assert!(matches!(
        Question::read(look_up.as_bytes()),
        Ok(Question::LookUp(_))
    ));
    assert!(matches!(
        Said::from_xml(logged_in.as_bytes()),
        Ok(Said::LoggedIn { .. })
    ));
    let Ok(Said::Citizens(collection)) = Said::from_xml(citizens.as_bytes()) else {
        panic!("no citizens");
    };
    assert_eq!((collection.count, collection.id.len()), (1, 36));
    let Ok(Said::Fault(fault)) = Said::from_xml(fault.as_bytes()) else {
        panic!("no fault");
    };
    assert_eq!(fault.trouble, Trouble::Maintenance);
    assert_eq!(fault.retry_after.unwrap().as_secs(), 30);
}

#[test]
fn every_operation_and_request_element_is_described() {
    let names = WIRE.split("| header `MaPhien`").nth(1).unwrap();
    let names = names.split("**Push-down.**").next().unwrap();
    let rows = names.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut described = 0;
    for name in rows.filter_map(|row| row.split('`').next()) {
        assert!(
            WSDL.contains(&format!("<xs:element name=\"{name}\"")),
            "{name}"
        );
        described += 1;
    }
    assert_eq!(described, 11);
    for operation in ["DangNhap", "TraCuuThongTinCongDan"] {
        assert!(WSDL.contains(&format!("<wsdl:operation name=\"{operation}\">")));
    }
}
