//! The register's words, made ours: fields to element names and back, a citizen to a record.
//!
//! Pure. A code that is unknown becomes "not said", a date that is none is left out, and nothing
//! here fails. Not here: whose record it is, and which fields may leave.

mod text;

use api::v1;
use exchange::{Field, FieldSet};

#[cfg(feature = "sim")]
pub(crate) use self::text::date as read_date;
use self::text::{date, digits, text};
use super::wire::{self, Code};

/// Every field and the element that asks for it, in the order of the catalogue.
const ELEMENTS: [(Field, &str); 16] = [
    (Field::CivilStatusPersonalId, "soDinhDanh"),
    (Field::CivilStatusName, "nksHoTen"),
    (Field::CivilStatusBirthDate, "nksNgaySinh"),
    (Field::CivilStatusSex, "nksGioiTinh"),
    (Field::CivilStatusBirthPlace, "nksNoiSinh"),
    (Field::CivilStatusNativePlace, "nksQueQuan"),
    (Field::CivilStatusEthnicity, "nksDanToc"),
    (Field::CivilStatusNationality, "nksQuocTich"),
    (Field::CivilStatusBirthCertificate, "khaiSinh"),
    (Field::CivilStatusMother, "me"),
    (Field::CivilStatusFather, "cha"),
    (Field::CivilStatusDeath, "khaiTu"),
    (Field::CivilStatusDeathCause, "nguyenNhanChet"),
    (Field::CivilStatusMarriages, "ketHon"),
    (Field::CivilStatusParentage, "nhanChaMeCon"),
    (Field::CivilStatusMaritalStatus, "tinhTrangHonNhan"),
];

/// The list of ethnic groups that the register uses.
const ETHNICITIES: &str = "121-TCTK/PPCD-1979";

/// The elements that ask for these fields. The number is always among them: without it nobody
/// could tell whose record came back.
pub(crate) fn elements(fields: &FieldSet) -> Vec<&'static str> {
    let asked = |field| field == Field::CivilStatusPersonalId || fields.contains(field);
    ELEMENTS
        .iter()
        .filter(|(field, _)| asked(*field))
        .map(|(_, element)| *element)
        .collect()
}

/// The field that an element asks for.
#[cfg(any(test, feature = "sim"))]
pub(crate) fn field(element: &str) -> Option<Field> {
    let found = ELEMENTS.iter().find(|(_, name)| *name == element);
    found.map(|(field, _)| *field)
}

/// Of an adopted child, those of the fields that would show whose child they were born: a book that
/// was written anew shows it by its date and its kind of registration.
pub(crate) fn adoption(citizen: &wire::Citizen, asked: &FieldSet) -> FieldSet {
    if citizen.nuoi_con_nuoi != Some(true) {
        return FieldSet::EMPTY;
    }
    let ties = [
        Field::CivilStatusMother,
        Field::CivilStatusFather,
        Field::CivilStatusBirthCertificate,
        Field::CivilStatusParentage,
    ];
    asked.and(&FieldSet::from_iter(ties))
}

/// The record of a citizen, with everything that the register sent.
pub(crate) fn record(citizen: wire::Citizen) -> v1::CivilStatusRecord {
    v1::CivilStatusRecord {
        personal_id: words(citizen.so_dinh_danh),
        name: name(citizen.nks_ho_ten),
        birth_date: dated(citizen.nks_ngay_sinh.as_ref()),
        sex: sex(citizen.nks_gioi_tinh.as_ref()).into(),
        birth_place: citizen.nks_noi_sinh.and_then(place),
        native_place: citizen.nks_que_quan.and_then(place),
        ethnicity: ethnicity(citizen.nks_dan_toc.as_ref()),
        nationality: words(citizen.nks_quoc_tich),
        birth_certificate: citizen.khai_sinh.and_then(entry),
        mother: citizen.me.and_then(person),
        father: citizen.cha.and_then(person),
        death: citizen.khai_tu.and_then(death),
        death_cause: words(citizen.nguyen_nhan_chet),
        marriages: marriages(citizen.ket_hon.unwrap_or_default()),
        parentage: parentage(citizen.nhan_cha_me_con.unwrap_or_default()),
        marital_status: marital_status(citizen.tinh_trang_hon_nhan.as_ref()).into(),
    }
}

/// The latest first; those without a day last, in the order they came.
fn marriages(all: Vec<wire::Marriage>) -> Vec<v1::Marriage> {
    let mut all: Vec<_> = all.into_iter().filter_map(marriage).collect();
    let day = |marriage: &v1::Marriage| {
        let entry = marriage.entry.as_ref()?;
        let day = entry.registered_on.as_ref()?;
        Some((day.year, day.month, day.day))
    };
    all.sort_by_key(|marriage| std::cmp::Reverse(day(marriage)));
    all
}

fn marriage(marriage: wire::Marriage) -> Option<v1::Marriage> {
    let spouse = marriage.vo_chong.unwrap_or_default();
    let state = match code(marriage.tinh_trang_ket_hon.as_ref()) {
        "1" => v1::MarriageState::InForce,
        "2" => v1::MarriageState::Divorced,
        "3" => v1::MarriageState::Annulled,
        "4" => v1::MarriageState::Widowed,
        _ => v1::MarriageState::Unspecified,
    };
    unless_empty(v1::Marriage {
        spouse_birth_date: dated(spouse.ngay_sinh.as_ref()),
        spouse: person(spouse),
        entry: marriage.dang_ky.and_then(entry),
        state: state.into(),
        ended_on: dated(marriage.ngay_cham_dut.as_ref()),
    })
}

fn parentage(all: Vec<wire::Parentage>) -> Vec<v1::Parentage> {
    let one = |one: wire::Parentage| {
        unless_empty(v1::Parentage {
            kind_code: coded(one.loai),
            other: one.nguoi_kia.and_then(person),
            entry: one.dang_ky.and_then(entry),
        })
    };
    all.into_iter().filter_map(one).collect()
}

fn death(death: wire::Death) -> Option<v1::DeathRegistration> {
    unless_empty(v1::DeathRegistration {
        date: dated(death.ngay_chet.as_ref()),
        place: words(death.noi_chet),
        entry: death.dang_ky.and_then(entry),
        notice_kind_code: coded(death.gbt_loai),
    })
}

fn entry(entry: wire::Entry) -> Option<v1::RegisterEntry> {
    let kind = match code(entry.loai_dang_ky.as_ref()) {
        "1" => v1::RegistrationKind::OnTime,
        "2" => v1::RegistrationKind::Again,
        "3" => v1::RegistrationKind::FromAbroad,
        "4" => v1::RegistrationKind::Late,
        _ => v1::RegistrationKind::Unspecified,
    };
    unless_empty(v1::RegisterEntry {
        number: coded(entry.so),
        book_no: coded(entry.quyen_so),
        page_no: coded(entry.trang_so),
        registered_on: dated(entry.ngay_dang_ky.as_ref()),
        office: words(entry.noi_dang_ky),
        kind: kind.into(),
    })
}

/// Old books say "không có" where a number is missing: only what has its form is a number.
fn person(person: wire::Person) -> Option<v1::RelatedPerson> {
    let number = |text: &str, length: usize| {
        let fits = text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        if fits { text.to_owned() } else { String::new() }
    };
    let personal_id = person.so_dinh_danh.unwrap_or_default();
    unless_empty(v1::RelatedPerson {
        name: name(person.ho_ten),
        nationality: words(person.quoc_tich),
        personal_id: number(personal_id.trim(), 12),
        legacy_id: number(code(person.so_cmnd.as_ref()), 9),
        relation_code: String::new(),
    })
}

fn place(place: wire::Place) -> Option<v1::Address> {
    let units = match place {
        wire::Place::Units(units) => units,
        wire::Place::Words(detail) => {
            let detail = text(detail);
            return unless_empty(v1::Address {
                detail,
                ..Default::default()
            });
        }
    };
    let scheme = match code(units.danh_muc.as_ref()) {
        "2004" => v1::AddressScheme::Gso2004,
        "2025" => v1::AddressScheme::Gso2025,
        _ => v1::AddressScheme::Unspecified,
    };
    unless_empty(v1::Address {
        scheme: scheme.into(),
        province_code: digits(code(units.ma_tinh.as_ref()), 2),
        district_code: digits(code(units.ma_huyen.as_ref()), 3),
        commune_code: digits(code(units.ma_xa.as_ref()), 5),
        detail: words(units.chi_tiet),
        country: words(units.quoc_gia),
    })
}

fn ethnicity(raw: Option<&Code>) -> Option<v1::CodedValue> {
    let code = digits(code(raw), 2);
    (!code.is_empty()).then(|| v1::CodedValue {
        code,
        list: ETHNICITIES.to_owned(),
    })
}

fn sex(raw: Option<&Code>) -> v1::Sex {
    match code(raw) {
        "1" => v1::Sex::Male,
        "2" => v1::Sex::Female,
        _ => v1::Sex::Unspecified,
    }
}

/// The register tells divorced (3) and widowed (4) apart, the contract does not.
fn marital_status(raw: Option<&Code>) -> v1::MaritalStatus {
    match code(raw) {
        "1" => v1::MaritalStatus::Single,
        "2" => v1::MaritalStatus::Married,
        "3" | "4" => v1::MaritalStatus::DivorcedOrWidowed,
        _ => v1::MaritalStatus::Unspecified,
    }
}

/// The register holds whole names, as they were written.
fn name(raw: Option<String>) -> Option<v1::PersonName> {
    let full = words(raw);
    (!full.is_empty()).then(|| v1::PersonName {
        full,
        ..Default::default()
    })
}

fn words(raw: Option<String>) -> String {
    raw.map_or_else(String::new, text)
}

fn coded(raw: Option<Code>) -> String {
    raw.map_or_else(String::new, |code| text(code.into_string()))
}

fn code(raw: Option<&Code>) -> &str {
    raw.map_or("", Code::as_str)
}

fn dated(raw: Option<&Code>) -> Option<v1::PartialDate> {
    date(code(raw))
}

/// An element that is there with nothing in it says as much as one that is not.
fn unless_empty<T: Default + PartialEq>(message: T) -> Option<T> {
    (message != T::default()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use exchange::Source;
    use proptest::prelude::*;

    #[test]
    fn every_field_of_the_source_has_its_element() {
        let all = FieldSet::of(Source::CivilStatus);
        let mapped: FieldSet = ELEMENTS.iter().map(|(field, _)| *field).collect();
        assert_eq!(mapped, all);
        assert_eq!(elements(&all).len(), ELEMENTS.len());
    }

    proptest! {
        #[test]
        fn fields_go_to_elements_and_back(picks in proptest::collection::vec(0..ELEMENTS.len(), 0..16)) {
            let asked: FieldSet = picks.iter().map(|pick| ELEMENTS[*pick].0).collect();
            let mut back: FieldSet = elements(&asked).into_iter().filter_map(field).collect();
            prop_assert!(back.contains(Field::CivilStatusPersonalId));
            if !asked.contains(Field::CivilStatusPersonalId) {
                back = back.minus(&FieldSet::from_iter([Field::CivilStatusPersonalId]));
            }
            prop_assert_eq!(back, asked);
        }

        #[test]
        fn unknown_codes_are_not_said_and_never_an_error(raw in "\\PC{0,6}") {
            let json = serde_json::json!({
                "nksGioiTinh": raw, "tinhTrangHonNhan": raw, "nksNgaySinh": raw,
                "nksNoiSinh": {"danhMuc": raw, "maTinh": raw},
                "khaiSinh": {"loaiDangKy": raw, "ngayDangKy": raw},
                "ketHon": [{"tinhTrangKetHon": raw}], "me": {"soDinhDanh": raw},
            });
            let known = ["1", "2", "3", "4"].contains(&raw.trim());
            let record = record(serde_json::from_value(json).unwrap());
            prop_assert!(known || record.sex == 0 && record.marital_status == 0);
            prop_assert!(known || record.marriages.is_empty());
            prop_assert!(record.mother.is_none() && record.birth_date.is_none_or(|d| d.year > 0));
        }
    }

    #[test]
    fn the_latest_marriage_comes_first_and_the_undated_last() {
        let on = |day: &str| serde_json::json!({"dangKy": {"so": 7, "ngayDangKy": day}});
        let days = ["không rõ", "02/2001", "01/05/2019", "2001"];
        let json = serde_json::json!({ "ketHon": days.map(on) });
        let record = record(serde_json::from_value(json).unwrap());
        let years = record.marriages.iter().map(|marriage| {
            let entry = marriage.entry.as_ref().unwrap();
            entry.registered_on.map(|day| (day.year, day.month))
        });
        let expected = [Some((2019, 5)), Some((2001, 2)), Some((2001, 0)), None];
        assert_eq!(years.collect::<Vec<_>>(), expected);
    }
}
