//! What the health book holds: the rows of the XML tables of QĐ 130/4750, one struct per table.
//!
//! The HIV and TB tables are in the raw data, so that stripping them can be tested.

use jiff::civil::{Date, DateTime};

use super::redacted;

/// The health record. Insurance cards stand in
/// [`SocialSecurity::health_cards`](super::SocialSecurity).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Occupation, five digits (`MA_NGHE_NGHIEP`).
    pub occupation: &'static str,
    /// Allergies.
    pub allergies: Vec<Allergy>,
    /// Long-standing conditions.
    pub conditions: Vec<Condition>,
    /// Vaccinations, oldest first.
    pub immunisations: Vec<Immunisation>,
    /// Encounters, oldest first (XML1).
    pub encounters: Vec<Encounter>,
    /// Drugs (XML2).
    pub medications: Vec<Medication>,
    /// Services (XML3).
    pub procedures: Vec<Procedure>,
    /// Laboratory results (XML4).
    pub observations: Vec<Observation>,
    /// Summaries (XML8).
    pub summaries: Vec<Summary>,
    /// HIV treatment (XML6): never to leave.
    pub hiv: Vec<HivRow>,
    /// TB treatment (XML15): never to leave.
    pub tb: Vec<TbRow>,
    /// Body weight in tenths of a kilogram.
    pub weight_tenths_kg: u16,
}

/// An allergy.
#[derive(Clone, PartialEq, Eq)]
pub struct Allergy {
    /// To what.
    pub substance: &'static str,
    /// 1 light, 2 moderate, 3 severe.
    pub severity: u8,
    /// Day of record.
    pub recorded_on: Date,
}

/// A long-standing condition.
#[derive(Clone, PartialEq, Eq)]
pub struct Condition {
    /// ICD-10.
    pub icd10: &'static str,
    /// In words.
    pub title: &'static str,
    /// Since.
    pub since: Date,
}

/// A vaccination.
#[derive(Clone, PartialEq, Eq)]
pub struct Immunisation {
    /// Vaccine.
    pub vaccine: &'static str,
    /// Number of the dose.
    pub dose: u8,
    /// Day.
    pub given_on: Date,
    /// Code of the facility.
    pub facility: String,
}

/// An encounter (XML1).
#[derive(Clone, PartialEq, Eq)]
pub struct Encounter {
    /// `MA_LK`, by which the rows of other tables point here.
    pub id: String,
    /// `MA_CSKCB`, five characters.
    pub facility: String,
    /// Name of the facility.
    pub facility_name: String,
    /// `MA_LOAI_KCB`, `01` to `10`.
    pub kind: &'static str,
    /// `NGAY_VAO`.
    pub admitted: DateTime,
    /// `NGAY_RA`.
    pub discharged: DateTime,
    /// `LY_DO_VV`.
    pub reason: &'static str,
    /// `CHAN_DOAN_VAO`.
    pub diagnosis_in: &'static str,
    /// `CHAN_DOAN_RV`.
    pub diagnosis_out: &'static str,
    /// `MA_BENH_CHINH`, ICD-10.
    pub main_icd10: &'static str,
    /// `MA_BENH_KT`, ICD-10.
    pub other_icd10: Vec<&'static str>,
    /// `KET_QUA_DTRI`, 1 to 5.
    pub outcome: u8,
    /// `MA_LOAI_RV`, 1 to 4.
    pub discharge_kind: u8,
    /// `MA_BS`.
    pub doctor: String,
}

/// A drug (XML2).
#[derive(Clone, PartialEq, Eq)]
pub struct Medication {
    /// `MA_LK`.
    pub encounter_id: String,
    /// `MA_THUOC`.
    pub code: &'static str,
    /// `TEN_THUOC`.
    pub title: &'static str,
    /// `DON_VI_TINH`.
    pub unit: &'static str,
    /// `SO_LUONG`.
    pub quantity: u16,
    /// `LIEU_DUNG`.
    pub dosage: &'static str,
    /// `NGAY_YL`.
    pub ordered: DateTime,
}

/// A service (XML3).
#[derive(Clone, PartialEq, Eq)]
pub struct Procedure {
    /// `MA_LK`.
    pub encounter_id: String,
    /// `MA_DICH_VU`.
    pub code: &'static str,
    /// `TEN_DICH_VU`.
    pub title: &'static str,
    /// `SO_LUONG`.
    pub quantity: u16,
    /// `NGAY_YL`.
    pub ordered: DateTime,
}

/// A laboratory result (XML4).
#[derive(Clone, PartialEq, Eq)]
pub struct Observation {
    /// `MA_LK`.
    pub encounter_id: String,
    /// `MA_DICH_VU`.
    pub code: &'static str,
    /// `MA_CHI_SO`.
    pub index: &'static str,
    /// `TEN_CHI_SO`.
    pub title: &'static str,
    /// `GIA_TRI`.
    pub value: String,
    /// `DON_VI_DO`.
    pub unit: &'static str,
    /// `NGAY_KQ`.
    pub resulted: DateTime,
}

/// A summary of a stay (XML8).
#[derive(Clone, PartialEq, Eq)]
pub struct Summary {
    /// `MA_LK`.
    pub encounter_id: String,
    /// `QT_BENHLY`: course.
    pub course: &'static str,
    /// `TOMTAT_KQ`: key tests.
    pub key_tests: &'static str,
    /// `PP_DIEUTRI`: treatment.
    pub treatment: &'static str,
    /// `NGAY_TAI_KHAM`.
    pub follow_up_on: Option<Date>,
    /// `MA_BS`.
    pub doctor: String,
}

/// A row of HIV treatment (XML6).
#[derive(Clone, PartialEq, Eq)]
pub struct HivRow {
    /// `MA_LK`.
    pub encounter_id: String,
    /// `NGAYKD_HIV`: day of confirmation.
    pub confirmed_on: Date,
    /// `BDDT_ARV`: start of treatment.
    pub treated_from: Date,
    /// `MA_PHAC_DO_DIEU_TRI`.
    pub regimen: &'static str,
}

/// A row of TB treatment (XML15).
#[derive(Clone, PartialEq, Eq)]
pub struct TbRow {
    /// `MA_LK`.
    pub encounter_id: String,
    /// `PHANLOAI_LAO_VITRI`: 1 lung, 2 elsewhere.
    pub site: u8,
    /// `NGAYBD_TRI_LAO`.
    pub treated_from: Date,
    /// `PHACDO_TRI_LAO`.
    pub regimen: &'static str,
}

redacted!(
    Health,
    Allergy,
    Condition,
    Immunisation,
    Encounter,
    Medication,
    Procedure,
    Observation,
    Summary,
    HivRow,
    TbRow,
);
