//! What the tax register holds.

use jiff::civil::Date;

use super::{Address, Relative, redacted};

/// The tax record.
#[derive(Clone, PartialEq, Eq)]
pub struct Tax {
    /// The tax code: since July 2025 the personal id.
    pub tax_code: String,
    /// Ten-digit codes from before, with valid check digits.
    pub old_tax_codes: Vec<String>,
    /// Name of the taxpayer, in capitals.
    pub taxpayer_name: String,
    /// Kind of taxpayer.
    pub kind: TaxpayerKind,
    /// Status, two digits (`00` active, `04` active household or individual, `01` closed …).
    pub status: &'static str,
    /// The office in charge.
    pub office: TaxOffice,
    /// Address of the head office, here the home.
    pub head_address: Address,
    /// Day of registration.
    pub registered_on: Date,
    /// Day of closing.
    pub closed_on: Option<Date>,
    /// Registered dependants.
    pub dependants: Vec<Dependant>,
    /// Obligations, newest first.
    pub obligations: Vec<Obligation>,
    /// What comparing with the population database gave.
    pub population_match: PopulationMatch,
}

/// Kind of taxpayer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaxpayerKind {
    /// An individual.
    Individual,
    /// A household business.
    HouseholdBusiness,
    /// Somebody's dependant.
    Dependant,
}

/// A tax office.
#[derive(Clone, PartialEq, Eq)]
pub struct TaxOffice {
    /// Its code, five digits.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// A dependant.
#[derive(Clone, PartialEq, Eq)]
pub struct Dependant {
    /// The person.
    pub person: Relative,
    /// What they are to the taxpayer: `Con`, `Cha`, `Mẹ`, `Vợ`, `Chồng`.
    pub relation: &'static str,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Option<Date>,
}

/// An obligation.
#[derive(Clone, PartialEq, Eq)]
pub struct Obligation {
    /// Its number.
    pub id: String,
    /// Kind of tax, the four digits of its budget chapter.
    pub kind: &'static str,
    /// Kind of tax in words.
    pub title: &'static str,
    /// Year or month it is for: `2025` or `2025-03`.
    pub period: String,
    /// Due day.
    pub due_on: Date,
    /// What is owed, in đồng.
    pub amount: i64,
    /// What has been paid, in đồng.
    pub paid: i64,
}

/// What comparing with the population database gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PopulationMatch {
    /// The same person.
    Matched,
    /// The name differs.
    MismatchName,
    /// The birth date differs.
    MismatchBirthDate,
    /// The number differs.
    MismatchId,
    /// Not found there.
    NotFound,
    /// Several found there.
    Ambiguous,
    /// Not compared yet.
    Pending,
}

redacted!(Tax, TaxOffice, Dependant, Obligation);
