//! What a row of `XML1` says of the person.

use api::v1;

use super::super::wire::Visit;
use super::{date, digits, text};

/// The list of ethnic groups.
const ETHNICITIES: &str = "121-TCTK/PPCD-1979";
/// The health sector's own list of nationalities.
const NATIONALITIES: &str = "BYT-QUOCTICH";
/// The health sector's own list of occupations.
const OCCUPATIONS: &str = "BYT-NGHENGHIEP";

/// Fills in what a row says of the person.
pub(super) fn describe(row: &Visit<'_>, record: &mut v1::HealthRecord) {
    record.name = name(&row.ho_ten);
    record.birth_date = date(&row.ngay_sinh);
    record.sex = sex(&row.gioi_tinh).into();
    record.ethnicity = coded(digits(&row.ma_dantoc, 2), ETHNICITIES);
    record.nationality = coded(digits(&row.ma_quoctich, 3), NATIONALITIES);
    record.occupation = coded(digits(&row.ma_nghe_nghiep, 5), OCCUPATIONS);
    record.address = address(row);
    record.phone = text(&row.dien_thoai);
    record.insurance_cards = cards(row).collect();
    record.representative = representative(row);
    record.blood_group = blood_group(&row.nhom_mau).into();
    record.weight_kg = weight(&row.can_nang);
}

fn name(raw: &str) -> Option<v1::PersonName> {
    let full = text(raw);
    (!full.is_empty()).then(|| v1::PersonName {
        full,
        ..Default::default()
    })
}

fn sex(raw: &str) -> v1::Sex {
    match raw.trim() {
        "1" => v1::Sex::Male,
        "2" => v1::Sex::Female,
        _ => v1::Sex::Unspecified,
    }
}

fn coded(code: String, list: &str) -> Option<v1::CodedValue> {
    (!code.is_empty()).then(|| v1::CodedValue {
        code,
        list: list.to_owned(),
    })
}

/// Units with a district are those of 2004; units without one, those of 2025.
fn address(row: &Visit<'_>) -> Option<v1::Address> {
    let address = v1::Address {
        province_code: digits(&row.matinh_cu_tru, 2),
        district_code: digits(&row.mahuyen_cu_tru, 3),
        commune_code: digits(&row.maxa_cu_tru, 5),
        detail: text(&row.dia_chi),
        ..Default::default()
    };
    let units = !address.province_code.is_empty() && !address.commune_code.is_empty();
    let scheme = if !address.district_code.is_empty() {
        v1::AddressScheme::Gso2004
    } else if units {
        v1::AddressScheme::Gso2025
    } else {
        v1::AddressScheme::Unspecified
    };
    (address != v1::Address::default()).then(|| v1::Address {
        scheme: scheme.into(),
        ..address
    })
}

/// The cards: five lists of which the items at one place belong together.
fn cards(row: &Visit<'_>) -> impl Iterator<Item = v1::HealthInsuranceCard> {
    let mut facilities = row.ma_dkbd.split(';');
    let mut from = row.gt_the_tu.split(';');
    let mut to = row.gt_the_den.split(';');
    let mut exempt = row.ngay_mien_cct.split(';');
    let cards = row.ma_the_bhyt.split(';').map(move |number| {
        let valid = v1::Period {
            from: from.next().and_then(date),
            to: to.next().and_then(date),
        };
        let card_no = text(number);
        v1::HealthInsuranceCard {
            benefit_code: benefit(&card_no),
            card_no,
            registered_facility: facilities.next().map(text).unwrap_or_default(),
            valid: (valid != v1::Period::default()).then_some(valid),
            copay_exempt_from: exempt.next().and_then(date),
            five_years_since: None,
        }
    });
    cards.filter(|card| !card.card_no.is_empty())
}

/// The third character of a card of fifteen: the benefit, 1 to 5.
fn benefit(card_no: &str) -> String {
    let digit = card_no.get(2..3).filter(|_| card_no.len() == 15);
    digit
        .filter(|digit| ("1"..="5").contains(digit))
        .map(str::to_owned)
        .unwrap_or_default()
}

fn representative(row: &Visit<'_>) -> Option<v1::RelatedPerson> {
    let person = v1::RelatedPerson {
        name: name(&row.ho_ten_dai_dien),
        personal_id: text(&row.so_cccd_dai_dien),
        relation_code: text(&row.quan_he_dai_dien),
        ..Default::default()
    };
    (person != v1::RelatedPerson::default()).then_some(person)
}

/// The group in the ABO system; a rhesus factor may follow.
fn blood_group(raw: &str) -> v1::BloodGroup {
    let group = raw.trim().trim_end_matches(['+', '-']).trim_end();
    match group.strip_suffix("Rh").unwrap_or(group).trim_end() {
        "A" => v1::BloodGroup::A,
        "B" => v1::BloodGroup::B,
        "AB" => v1::BloodGroup::Ab,
        "O" => v1::BloodGroup::O,
        _ => v1::BloodGroup::Unspecified,
    }
}

/// A weight with the digits given; a decimal comma becomes a point.
fn weight(raw: &str) -> String {
    let weight = text(raw).replace(',', ".");
    match weight.parse::<f32>() {
        Ok(kilograms) if kilograms > 0.0 && kilograms < 1_000.0 => weight,
        _ => String::new(),
    }
}
