//! What holds for every input.

use std::hint::black_box;

use exchange::{Field, FieldSet, Source};
use proptest::prelude::*;

use crate::population::translate;
use crate::population::wire::{Said, element};

#[test]
fn every_field_has_one_element_and_every_element_one_field() {
    let all = FieldSet::of(Source::Population);
    let elements = translate::elements(&all);
    assert_eq!(elements.len(), all.len());
    for name in &elements {
        let only = FieldSet::from_iter([translate::field(name).unwrap()]);
        assert!(translate::elements(&only).contains(name), "{name}");
    }
    assert_eq!(translate::elements(&FieldSet::EMPTY), ["SoDinhDanh"]);
    assert_eq!(translate::field("VanTay"), None);
}

/// An answer of which every text is the given one.
fn answer(text: &str) -> String {
    let mut out = String::from("<x:CongdanCollection xmlns:x='y'><x:CongDan>");
    for name in translate::elements(&FieldSet::of(Source::Population)) {
        element(&mut out, "x", name, text);
    }
    out.push_str("<x:ThuongTru>");
    for name in [
        "MaTinhThanh",
        "MaQuanHuyen",
        "MaPhuongXa",
        "MaDonViHanhChinh",
        "ChiTiet",
    ] {
        element(&mut out, "x", name, text);
    }
    out.push_str("</x:ThuongTru></x:CongDan></x:CongdanCollection>");
    out
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        black_box(Said::from_xml(&bytes).is_ok());
        black_box(Said::from_json(&bytes).is_ok());
    }

    #[test]
    fn no_markup_makes_the_reader_panic(text in "[<>/&;!\\[\\]a-c\"'= ?-]{0,200}") {
        black_box(Said::from_xml(text.as_bytes()).is_ok());
        black_box(Said::from_xml(format!("<CongdanCollection>{text}</CongdanCollection>").as_bytes()).is_ok());
    }

    #[test]
    fn odd_values_never_lose_a_record(text in "\\PC{0,40}") {
        if let Ok(Said::Citizens(it)) = Said::from_xml(answer(&text).as_bytes()) {
            let record = translate::record(*it.first.unwrap());
            prop_assert_eq!(record.personal_id, text.trim());
        } else {
            prop_assert!(text.chars().any(char::is_control));
        }
    }

    #[test]
    fn digits_of_any_length_make_no_error(text in "[0-9]{0,16}") {
        let said = Said::from_xml(answer(&text).as_bytes());
        let Ok(Said::Citizens(it)) = said else { panic!("{said:?}") };
        let mut record = api::Record::Population(Box::new(translate::record(*it.first.unwrap())));
        let asked = FieldSet::from_iter([Field::PopulationName]);
        record.retain(&asked);
        prop_assert!(record.present().minus(&asked).is_empty());
    }
}
