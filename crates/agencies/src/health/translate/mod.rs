//! Their words to ours, and our fields to their codes. Pure.
//!
//! Texts become NFC without outer spaces; a code or date that is none of ours is left out, never
//! an error. Not here: which fields may be released (`Record::retain` clears the rest).

use adapter::is_nfc;
use api::convert::partial_date;
use api::v1;
use exchange::{Field, PartialDate};
use jiff::Timestamp;
use jiff::civil::DateTime;
use unicode_normalization::UnicodeNormalization as _;

use super::wire::{Allergy, HealthBook, History, Item, Lab, Service, Summary, Vaccination, Visit};

mod person;

/// What each field is called in a question (`MA_TRUONG`).
pub(crate) const CODES: [(Field, &str); 21] = [
    (Field::HealthPersonalId, "SO_CCCD"),
    (Field::HealthName, "HO_TEN"),
    (Field::HealthBirthDate, "NGAY_SINH"),
    (Field::HealthSex, "GIOI_TINH"),
    (Field::HealthEthnicity, "MA_DANTOC"),
    (Field::HealthNationality, "MA_QUOCTICH"),
    (Field::HealthOccupation, "MA_NGHE_NGHIEP"),
    (Field::HealthAddress, "DIA_CHI"),
    (Field::HealthPhone, "DIEN_THOAI"),
    (Field::HealthInsuranceCards, "MA_THE_BHYT"),
    (Field::HealthRepresentative, "NGUOI_DAI_DIEN"),
    (Field::HealthAllergies, "DI_UNG"),
    (Field::HealthConditions, "TIEN_SU"),
    (Field::HealthImmunisations, "TIEM_CHUNG"),
    (Field::HealthEncounters, "XML1"),
    (Field::HealthMedications, "XML2"),
    (Field::HealthProcedures, "XML3"),
    (Field::HealthObservations, "XML4"),
    (Field::HealthSummaries, "XML8"),
    (Field::HealthBloodGroup, "NHOM_MAU"),
    (Field::HealthWeightKg, "CAN_NANG"),
];

/// The field of a code.
#[cfg(any(test, feature = "sim"))]
pub(crate) fn field(code: &str) -> Option<Field> {
    let found = CODES.iter().find(|(_, known)| *known == code);
    found.map(|(field, _)| *field)
}

/// The record of a health book.
pub(crate) fn record(book: &HealthBook<'_>) -> v1::HealthRecord {
    let mut record = v1::HealthRecord {
        personal_id: text(&book.so_cccd),
        allergies: book.allergies.iter().filter_map(allergy).collect(),
        conditions: book.history.iter().map(condition).collect(),
        immunisations: book.vaccinations.iter().map(immunisation).collect(),
        encounters: book.visits.iter().filter_map(encounter).collect(),
        medications: book.items.iter().map(medication).collect(),
        procedures: book.services.iter().map(procedure).collect(),
        observations: book.labs.iter().map(observation).collect(),
        summaries: book.summaries.iter().map(summary).collect(),
        ..Default::default()
    };
    if let Some(latest) = latest(&book.visits) {
        person::describe(latest, &mut record);
    }
    record
}

/// The time for which the ministry vouches: `NGAY_DU_LIEU`, in `Asia/Ho_Chi_Minh`.
pub(crate) fn as_of(book: &HealthBook<'_>) -> Option<Timestamp> {
    let text = book.ngay_du_lieu.trim();
    let local = DateTime::strptime("%Y%m%d%H%M", text).ok()?;
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(7));
    local.to_zoned(zone).ok().map(|zoned| zoned.timestamp())
}

/// The row of the latest visit: what it says of the person counts. Among rows of one time, and
/// among rows without a time, the last.
fn latest<'b, 'a>(visits: &'b [Visit<'a>]) -> Option<&'b Visit<'a>> {
    visits.iter().max_by_key(|row| row.ngay_vao.trim())
}

/// A row without `MA_LK` says who the person is, and is no visit.
fn encounter(row: &Visit<'_>) -> Option<v1::Encounter> {
    let encounter_id = text(&row.ma_lk);
    if encounter_id.is_empty() {
        return None;
    }
    let mut codes = list(&row.ma_benh_chinh);
    Some(v1::Encounter {
        encounter_id,
        facility_code: text(&row.ma_cskcb),
        kind_code: digits(&row.ma_loai_kcb, 2),
        admitted_on: date(&row.ngay_vao),
        discharged_on: date(&row.ngay_ra),
        reason: text(&row.ly_do_vv),
        admission_diagnosis: text(&row.chan_doan_vao),
        discharge_diagnosis: text(&row.chan_doan_rv),
        main_icd10: codes.next().unwrap_or_default(),
        other_icd10: codes.chain(list(&row.ma_benh_kt)).collect(),
        outcome_code: text(&row.ket_qua_dtri),
        discharge_code: text(&row.ma_loai_rv),
    })
}

fn medication(row: &Item<'_>) -> v1::Medication {
    v1::Medication {
        encounter_id: text(&row.ma_lk),
        drug_code: text(&row.ma_thuoc),
        name: text(&row.ten_thuoc),
        strength: text(&row.ham_luong),
        dosage: text(&row.lieu_dung),
        quantity: text(&row.so_luong),
    }
}

fn procedure(row: &Service<'_>) -> v1::MedicalProcedure {
    v1::MedicalProcedure {
        encounter_id: text(&row.ma_lk),
        service_code: text(&row.ma_dich_vu),
        name: text(&row.ten_dich_vu),
        done_on: date(&row.ngay_yl),
    }
}

fn observation(row: &Lab<'_>) -> v1::Observation {
    v1::Observation {
        encounter_id: text(&row.ma_lk),
        code: text(&row.ma_chi_so),
        name: text(&row.ten_chi_so),
        value: text(&row.gia_tri),
        unit: text(&row.don_vi_do),
        observed_on: date(&row.ngay_kq),
    }
}

fn summary(row: &Summary<'_>) -> v1::DischargeSummary {
    v1::DischargeSummary {
        encounter_id: text(&row.ma_lk),
        course: text(&row.qt_benhly),
        key_tests: text(&row.tomtat_kq),
        treatment: text(&row.pp_dieutri),
        follow_up_on: date(&row.ngay_tai_kham),
        doctor_code: text(&row.ma_bs),
    }
}

fn allergy(row: &Allergy<'_>) -> Option<String> {
    Some(text(&row.ten_di_ung)).filter(|name| !name.is_empty())
}

fn condition(row: &History<'_>) -> v1::Condition {
    v1::Condition {
        icd10: text(&row.ma_benh),
        description: text(&row.ten_benh),
        since: date(&row.tu_ngay),
    }
}

fn immunisation(row: &Vaccination<'_>) -> v1::Immunisation {
    v1::Immunisation {
        vaccine: text(&row.ten_vac_xin),
        dose: row.mui_so.trim().parse().unwrap_or_default(),
        given_on: date(&row.ngay_tiem),
        facility_code: text(&row.ma_cskcb),
    }
}

/// A text in NFC, without spaces around it.
fn text(raw: &str) -> String {
    let raw = raw.trim();
    if is_nfc(raw) {
        raw.to_owned()
    } else {
        raw.nfc().collect()
    }
}

/// A date; the time of day is left out, zeros are unknown parts.
fn date(raw: &str) -> Option<v1::PartialDate> {
    PartialDate::parse(raw).map(partial_date)
}

/// The items of a list.
fn list(raw: &str) -> impl Iterator<Item = String> {
    raw.split(';').map(text).filter(|item| !item.is_empty())
}

/// A code of digits, with the zeros in front that some facilities leave out.
fn digits(raw: &str, width: usize) -> String {
    let code = raw.trim();
    if code.is_empty() || !code.bytes().all(|b| b.is_ascii_digit()) {
        return text(code);
    }
    format!("{code:0>width$}")
}

#[cfg(test)]
mod tests;
