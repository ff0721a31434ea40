//! Their words into ours: elements into fields and back, a citizen into a record.
//!
//! Pure. Texts become NFC; an unknown code becomes "not said" and a malformed date no date, never
//! an error: a record is not lost for one odd value in it.

use adapter::is_nfc;
use api::v1;
use exchange::{Field, FieldSet, PartialDate};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, offset};
use unicode_normalization::UnicodeNormalization as _;

use super::wire::{Address, Card, Citizen, Death, Name, Person, Stay};

/// Every field and the element of `CongDan` that holds it.
const ELEMENTS: [(Field, &str); 29] = [
    (Field::PopulationPersonalId, "SoDinhDanh"),
    (Field::PopulationPreviousIds, "SoDinhDanhCu"),
    (Field::PopulationLegacyIds, "SoCMND"),
    (Field::PopulationName, "HoVaTen"),
    (Field::PopulationOtherNames, "TenGoiKhac"),
    (Field::PopulationSex, "GioiTinh"),
    (Field::PopulationBirthDate, "NgayThangNamSinh"),
    (Field::PopulationEthnicity, "DanToc"),
    (Field::PopulationReligion, "TonGiao"),
    (Field::PopulationNationality, "QuocTich"),
    (Field::PopulationMaritalStatus, "TinhTrangHonNhan"),
    (Field::PopulationBloodGroup, "NhomMau"),
    (Field::PopulationBirthRegistrationPlace, "NoiDangKyKhaiSinh"),
    (Field::PopulationNativePlace, "QueQuan"),
    (Field::PopulationPermanentResidence, "ThuongTru"),
    (Field::PopulationCurrentResidence, "NoiOHienTai"),
    (Field::PopulationTemporaryResidence, "NoiTamTru"),
    (Field::PopulationFather, "Cha"),
    (Field::PopulationMother, "Me"),
    (Field::PopulationSpouse, "VoChong"),
    (Field::PopulationRepresentative, "NguoiDaiDien"),
    (Field::PopulationHouseholdHead, "ChuHo"),
    (Field::PopulationHouseholdBookNo, "SoSoHoKhau"),
    (Field::PopulationCard, "TheCanCuoc"),
    (Field::PopulationTemporaryAbsence, "TamVang"),
    (Field::PopulationResidenceFileNo, "SoHoSoCuTru"),
    (Field::PopulationDeath, "ChetMatTich"),
    (Field::PopulationPhone, "SoDienThoai"),
    (Field::PopulationEmail, "ThuDienTu"),
];

/// The list of ethnic groups whose codes the wire uses.
const ETHNIC_LIST: &str = "121-TCTK/PPCD-1979";

/// The list of religions whose codes the wire uses.
const RELIGION_LIST: &str = "1019/QD-TCTK-2008";

/// The elements to ask for: those of the fields, and always the number, for the subject check.
pub(super) fn elements(fields: &FieldSet) -> Vec<&'static str> {
    let wanted = ELEMENTS
        .iter()
        .filter(|(field, _)| *field == Field::PopulationPersonalId || fields.contains(*field));
    wanted.map(|(_, element)| *element).collect()
}

/// The field that an element holds.
#[cfg(feature = "sim")]
pub(super) fn field(element: &str) -> Option<Field> {
    let found = ELEMENTS.iter().find(|(_, name)| *name == element);
    found.map(|(field, _)| *field)
}

/// A citizen as the record of the contract.
pub(super) fn record(citizen: Citizen) -> v1::PopulationRecord {
    v1::PopulationRecord {
        personal_id: citizen.id,
        previous_ids: citizen.previous_ids,
        legacy_ids: citizen.legacy_ids,
        name: name(citizen.name),
        other_names: citizen.other_names.into_iter().map(text).collect(),
        sex: sex(&citizen.sex).into(),
        birth_date: date(&citizen.birth_date),
        ethnicity: coded(&citizen.ethnicity, ETHNIC_LIST),
        religion: coded(&citizen.religion, RELIGION_LIST),
        nationality: citizen.nationality,
        marital_status: marital_status(&citizen.marital_status).into(),
        blood_group: blood_group(&citizen.blood_group).into(),
        birth_registration_place: address(citizen.birth_registration_place),
        native_place: address(citizen.native_place),
        permanent_residence: address(citizen.permanent_residence),
        current_residence: address(citizen.current_residence),
        temporary_residence: address(citizen.temporary_residence),
        father: person(citizen.father),
        mother: person(citizen.mother),
        spouse: person(citizen.spouse),
        representative: person(citizen.representative),
        household_head: person(citizen.household_head),
        household_book_no: text(citizen.household_book_no),
        card: card(citizen.card),
        temporary_absence: absence(citizen.absence),
        residence_file_no: text(citizen.residence_file_no),
        death: death(&citizen.death),
        phone: citizen.phone,
        email: text(citizen.email),
    }
}

/// `ThoiDiemDuLieu`; a time without a zone is Vietnam's.
pub(super) fn as_of(stamp: &str) -> Option<Timestamp> {
    let stamp = stamp.trim();
    stamp.parse().ok().or_else(|| {
        let local: DateTime = stamp.parse().ok()?;
        let zoned = local.to_zoned(TimeZone::fixed(offset(7))).ok()?;
        Some(zoned.timestamp())
    })
}

/// A text in NFC; nothing is copied when it already is.
fn text(text: String) -> String {
    if is_nfc(&text) {
        text
    } else {
        text.nfc().collect()
    }
}

/// The wire sends the whole name in `Ten`; the standard splits it.
fn name(name: Name) -> Option<v1::PersonName> {
    let [family, middle, given] = [name.family, name.middle, name.given].map(text);
    if family.is_empty() && middle.is_empty() {
        return (!given.is_empty()).then(|| v1::PersonName {
            full: given,
            ..Default::default()
        });
    }
    let parts = [&family, &middle, &given].map(String::as_str);
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Some(v1::PersonName {
        full: parts.join(" "),
        family,
        middle,
        given,
    })
}

fn date(text: &str) -> Option<v1::PartialDate> {
    PartialDate::parse(text).map(Into::into)
}

fn sex(code: &str) -> v1::Sex {
    match number(code) {
        Some(1) => v1::Sex::Male,
        Some(2) => v1::Sex::Female,
        _ => v1::Sex::Unspecified,
    }
}

fn marital_status(code: &str) -> v1::MaritalStatus {
    match number(code) {
        Some(1) => v1::MaritalStatus::Single,
        Some(2) => v1::MaritalStatus::Married,
        Some(3) => v1::MaritalStatus::DivorcedOrWidowed,
        _ => v1::MaritalStatus::Unspecified,
    }
}

fn blood_group(code: &str) -> v1::BloodGroup {
    match number(code) {
        Some(1) => v1::BloodGroup::A,
        Some(2) => v1::BloodGroup::B,
        Some(3) => v1::BloodGroup::Ab,
        Some(4) => v1::BloodGroup::O,
        _ => v1::BloodGroup::Unspecified,
    }
}

fn coded(code: &str, list: &str) -> Option<v1::CodedValue> {
    (!code.is_empty()).then(|| v1::CodedValue {
        code: padded(code, 2),
        list: list.to_owned(),
    })
}

/// Units with a district are those of 2004; a commune without one is of 2025.
fn address(address: Address) -> Option<v1::Address> {
    let mut units = [address.province, address.district, address.commune];
    let place = match address.unit.len() {
        1 | 2 => Some(0),
        3 => Some(1),
        4 | 5 => Some(2),
        _ => None,
    };
    if let Some(unit) = place.and_then(|place| units.get_mut(place))
        && unit.is_empty()
    {
        *unit = address.unit;
    }
    let [province, district, commune] = units;
    let scheme = match (district.is_empty(), commune.is_empty()) {
        (false, _) => v1::AddressScheme::Gso2004,
        // A single code of the standard does not say its list.
        (true, false) if !province.is_empty() => v1::AddressScheme::Gso2025,
        (true, _) => v1::AddressScheme::Unspecified,
    };
    let address = v1::Address {
        scheme: scheme.into(),
        province_code: padded(&province, 2),
        district_code: padded(&district, 3),
        commune_code: padded(&commune, 5),
        detail: text(address.detail),
        country: address.country,
    };
    (address != v1::Address::default()).then_some(address)
}

fn person(person: Person) -> Option<v1::RelatedPerson> {
    let person = v1::RelatedPerson {
        name: name(person.name),
        nationality: person.nationality,
        personal_id: person.id,
        legacy_id: person.legacy_id,
        relation_code: text(person.relation),
    };
    (person != v1::RelatedPerson::default()).then_some(person)
}

fn card(card: Card) -> Option<v1::IdentityCard> {
    let card = v1::IdentityCard {
        issued_on: date(&card.issued_on),
        issuer: text(card.issuer),
        expires_on: date(&card.expires_on),
    };
    (card != v1::IdentityCard::default()).then_some(card)
}

fn absence(absence: Stay) -> Option<v1::TemporaryAbsence> {
    let period = v1::Period {
        from: date(&absence.from),
        to: date(&absence.to),
    };
    let absence = v1::TemporaryAbsence {
        period: (period != v1::Period::default()).then_some(period),
        destination: text(absence.destination),
    };
    (absence != v1::TemporaryAbsence::default()).then_some(absence)
}

fn death(death: &Death) -> Option<v1::DeathOrMissing> {
    let kind = match number(&death.kind) {
        Some(1) => v1::DeathKind::Died,
        Some(2) => v1::DeathKind::Missing,
        _ => v1::DeathKind::Unspecified,
    };
    let death = v1::DeathOrMissing {
        kind: kind.into(),
        date: date(&death.date),
    };
    (death != v1::DeathOrMissing::default()).then_some(death)
}

/// A code as a number, with or without leading zeros.
fn number(code: &str) -> Option<u8> {
    code.trim().parse().ok()
}

/// A code of digits with the leading zeros that some senders drop.
fn padded(code: &str, width: usize) -> String {
    if code.is_empty() || !code.bytes().all(|b| b.is_ascii_digit()) {
        return code.to_owned();
    }
    format!("{code:0>width$}")
}
