//! What social security and social assistance hold. Money is in đồng.

use jiff::civil::Date;

use super::redacted;

/// The social-security record.
#[derive(Clone, PartialEq, Eq)]
pub struct SocialSecurity {
    /// Insurance code: ten digits from before August 2025.
    pub insurance_code: String,
    /// Number of the old book (soSoCu).
    pub old_book_no: String,
    /// Household code.
    pub household_code: String,
    /// Periods of participation, oldest first.
    pub participation: Vec<Participation>,
    /// Benefits, oldest first.
    pub benefits: Vec<Benefit>,
    /// Health-insurance cards, oldest first.
    pub health_cards: Vec<HealthCard>,
    /// Social assistance.
    pub assistance: Vec<Assistance>,
    /// Disability.
    pub disability: Option<Disability>,
    /// Poor or near-poor household, per year.
    pub poverty: Vec<Poverty>,
}

/// A month of a year.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct YearMonth {
    /// Year.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: i8,
}

/// A period of participation.
#[derive(Clone, PartialEq, Eq)]
pub struct Participation {
    /// First month.
    pub from: YearMonth,
    /// Last month; none while it runs.
    pub to: Option<YearMonth>,
    /// Code of the employer or collecting point.
    pub employer_code: String,
    /// Name of the employer or collecting point.
    pub employer: String,
    /// `BB` compulsory, `TN` voluntary, `BHTN` unemployment.
    pub kind: &'static str,
    /// Salary that is the base.
    pub salary: i64,
    /// Job title.
    pub title: &'static str,
    /// `DANG_DONG` paying, `NGHI_THAI_SAN` maternity leave, `CHOT_SO` book closed.
    pub status: &'static str,
}

/// A benefit.
#[derive(Clone, PartialEq, Eq)]
pub struct Benefit {
    /// `OM_DAU` sickness, `THAI_SAN` maternity, `TNLD` accident, `HUU_TRI` pension, `TU_TUAT`
    /// survivors, `MOT_LAN` lump sum, `BHTN` unemployment.
    pub kind: &'static str,
    /// Number of the decision.
    pub decision_no: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Option<Date>,
    /// Amount.
    pub amount: i64,
    /// `DANG_CHI_TRA` being paid, `DA_CHI_TRA` paid, `DUNG` stopped.
    pub status: &'static str,
}

/// A health-insurance card.
#[derive(Clone, PartialEq, Eq)]
pub struct HealthCard {
    /// Fifteen characters: object, benefit level, province, insurance code.
    pub number: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Code of the facility of registration, five characters.
    pub facility: String,
    /// Its name.
    pub facility_name: String,
    /// Benefit level, 1 to 5.
    pub level: u8,
    /// The day from which five years are continuous.
    pub five_years_on: Option<Date>,
    /// The day from which the co-payment is waived.
    pub copay_exempt_from: Option<Date>,
}

/// Social assistance under Decree 20/2021.
#[derive(Clone, PartialEq, Eq)]
pub struct Assistance {
    /// Group of Article 5, 1 to 8.
    pub group: u8,
    /// Number of the decision.
    pub decision_no: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Option<Date>,
    /// Coefficient, in tenths.
    pub coefficient_tenths: u8,
    /// Amount per month.
    pub amount: i64,
    /// `TAI_KHOAN` account or `TIEN_MAT` cash.
    pub payment: &'static str,
    /// Account, if paid to one.
    pub account: Option<String>,
}

/// A certified disability: sensitive.
#[derive(Clone, PartialEq, Eq)]
pub struct Disability {
    /// Form: `VAN_DONG`, `NGHE_NOI`, `NHIN`, `THAN_KINH`, `TRI_TUE`, `KHAC`.
    pub form: &'static str,
    /// Level: 1 especially severe, 2 severe, 3 light.
    pub level: u8,
    /// Number of the certificate.
    pub certificate_no: String,
    /// Day of the certificate.
    pub certified_on: Date,
}

/// The poverty status of a household in one year.
#[derive(Clone, PartialEq, Eq)]
pub struct Poverty {
    /// Year.
    pub year: i16,
    /// Household code.
    pub household_code: String,
    /// `HO_NGHEO` poor or `HO_CAN_NGHEO` near-poor.
    pub kind: &'static str,
}

redacted!(
    SocialSecurity,
    YearMonth,
    Participation,
    Benefit,
    HealthCard,
    Assistance,
    Disability,
    Poverty,
);
