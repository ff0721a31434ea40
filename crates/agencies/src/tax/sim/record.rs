//! A synthetic citizen as a record of the tax register.

use api::v1::{
    self, Address, AddressScheme, PersonName, PopulationMatch, RelatedPerson, TaxObligation,
    TaxOffice, TaxRecord, TaxpayerKind, TaxpayerStatus,
};
use exchange::FieldSet;
use jiff::civil::Date;
use sim::Person;
use sim::person;

/// The record, with the fields asked for and no other. Obligations come by their own call.
pub(super) fn record(person: &Person, asked: &FieldSet) -> TaxRecord {
    let tax = &person.tax;
    let mut record = TaxRecord {
        personal_id: person.personal_id.reveal().to_owned(),
        tax_code: tax.tax_code.clone(),
        old_tax_codes: tax.old_tax_codes.clone(),
        taxpayer_name: Some(PersonName {
            full: person.wire_text(&tax.taxpayer_name).into_owned(),
            ..Default::default()
        }),
        taxpayer_kind: kind(tax.kind).into(),
        status: status(tax.status).into(),
        tax_office: Some(TaxOffice {
            code: tax.office.code.clone(),
            name: tax.office.name.clone(),
        }),
        head_address: Some(address(&tax.head_address)),
        registered_on: Some(date(tax.registered_on)),
        closed_on: tax.closed_on.map(date),
        dependants: tax.dependants.iter().map(dependant).collect(),
        obligations: Vec::new(),
        population_match: population_match(tax.population_match).into(),
    };
    record.retain(asked);
    record
}

/// The obligations, the earliest first.
pub(super) fn obligations(person: &Person) -> Vec<TaxObligation> {
    let each = person.tax.obligations.iter();
    each.map(|obligation| TaxObligation {
        tax_kind_code: obligation.kind.to_owned(),
        period: obligation.period.clone(),
        due_vnd: obligation.amount,
        paid_vnd: obligation.paid,
        due_on: Some(date(obligation.due_on)),
    })
    .collect()
}

fn dependant(dependant: &person::Dependant) -> RelatedPerson {
    let relative = &dependant.person;
    let id = relative.personal_id.map(|id| id.reveal().to_owned());
    RelatedPerson {
        name: Some(PersonName {
            full: relative.name.full(),
            ..Default::default()
        }),
        nationality: relative.nationality.to_owned(),
        personal_id: id.unwrap_or_default(),
        legacy_id: String::new(),
        relation_code: dependant.relation.to_owned(),
    }
}

/// Since July 2025 the register spells addresses without districts.
fn address(address: &person::Address) -> Address {
    Address {
        scheme: AddressScheme::Gso2025.into(),
        province_code: address.new.province.to_owned(),
        district_code: String::new(),
        commune_code: address.new.commune.clone(),
        detail: address.detail.clone(),
        country: address.country.to_owned(),
    }
}

fn date(date: Date) -> v1::PartialDate {
    v1::PartialDate {
        year: date.year().into(),
        month: date.month().into(),
        day: date.day().into(),
    }
}

const fn kind(kind: person::TaxpayerKind) -> TaxpayerKind {
    match kind {
        person::TaxpayerKind::Individual => TaxpayerKind::Individual,
        person::TaxpayerKind::HouseholdBusiness => TaxpayerKind::HouseholdBusiness,
        person::TaxpayerKind::Dependant => TaxpayerKind::Dependant,
    }
}

/// The two digits of Circular 86/2024/TT-BTC.
fn status(code: &str) -> TaxpayerStatus {
    match code {
        "00" => TaxpayerStatus::ActiveOrganisation,
        "01" => TaxpayerStatus::Closed,
        "02" => TaxpayerStatus::Moved,
        "03" => TaxpayerStatus::Ceased,
        "04" => TaxpayerStatus::Active,
        "05" => TaxpayerStatus::Suspended,
        "06" => TaxpayerStatus::NotAtAddress,
        "07" => TaxpayerStatus::AwaitingBankruptcy,
        "09" => TaxpayerStatus::AwaitingAddressCheck,
        _ => TaxpayerStatus::Unspecified,
    }
}

const fn population_match(found: person::PopulationMatch) -> PopulationMatch {
    match found {
        person::PopulationMatch::Matched => PopulationMatch::Matched,
        person::PopulationMatch::MismatchName => PopulationMatch::MismatchName,
        person::PopulationMatch::MismatchBirthDate => PopulationMatch::MismatchBirthDate,
        person::PopulationMatch::MismatchId => PopulationMatch::MismatchId,
        person::PopulationMatch::NotFound => PopulationMatch::NotFound,
        person::PopulationMatch::Ambiguous => PopulationMatch::Ambiguous,
        person::PopulationMatch::Pending => PopulationMatch::Pending,
    }
}
