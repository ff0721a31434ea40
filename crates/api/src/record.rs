//! The record of one source, whichever source it is.

use bytes::Bytes;
use exchange::{FieldSet, Source};
use prost::Message as _;

use crate::{Kept, v1};

/// What one source holds of a person.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// From the national population database.
    Population(Box<v1::PopulationRecord>),
    /// From the electronic health book.
    Health(Box<v1::HealthRecord>),
    /// From the civil-status register.
    CivilStatus(Box<v1::CivilStatusRecord>),
    /// From the tax register.
    Tax(Box<v1::TaxRecord>),
    /// From social security and social assistance.
    SocialSecurity(Box<v1::SocialSecurityRecord>),
}

/// Evaluates one expression for whichever record it is.
macro_rules! each {
    ($record:expr, $name:ident => $then:expr) => {
        match $record {
            Record::Population($name) => $then,
            Record::Health($name) => $then,
            Record::CivilStatus($name) => $then,
            Record::Tax($name) => $then,
            Record::SocialSecurity($name) => $then,
        }
    };
}

impl Record {
    /// The source it comes from.
    #[must_use]
    pub const fn source(&self) -> Source {
        match self {
            Self::Population(_) => Source::Population,
            Self::Health(_) => Source::Health,
            Self::CivilStatus(_) => Source::CivilStatus,
            Self::Tax(_) => Source::Tax,
            Self::SocialSecurity(_) => Source::SocialSecurity,
        }
    }

    /// Clears every field outside `granted`.
    pub fn retain(&mut self, granted: &FieldSet) {
        each!(self, record => record.retain(granted));
    }

    /// Leaves of each field in `masked` only what its mask leaves.
    pub fn mask(&mut self, masked: &FieldSet) {
        each!(self, record => record.mask(masked));
    }

    /// The fields that hold a value.
    #[must_use]
    pub fn present(&self) -> FieldSet {
        each!(self, record => record.present())
    }

    /// Computes the deterministic protobuf bytes: the same through both doors, and what the record
    /// of the exchange commits to.
    #[must_use]
    pub fn encode(self) -> Encoded {
        let bytes: Bytes = each!(&self, record => record.encode_to_vec()).into();
        Encoded {
            record: self,
            bytes,
        }
    }
}

/// A record that changes no more, beside its bytes.
#[derive(Clone, Debug)]
pub struct Encoded {
    record: Record,
    bytes: Bytes,
}

impl Encoded {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Puts the record into its place in the answer, which is then made of these bytes.
    pub fn put_into(self, view: &mut v1::CitizenView) {
        let bytes = self.bytes;
        match self.record {
            Record::Population(record) => view.population = Some(Kept::new(record, bytes)),
            Record::Health(record) => view.health = Some(Kept::new(record, bytes)),
            Record::CivilStatus(record) => view.civil_status = Some(Kept::new(record, bytes)),
            Record::Tax(record) => view.tax = Some(Kept::new(record, bytes)),
            Record::SocialSecurity(record) => {
                view.social_security = Some(Kept::new(record, bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exchange::Field;

    #[test]
    fn what_is_not_granted_is_cleared() {
        let mut record = Record::Tax(Box::new(v1::TaxRecord {
            personal_id: "999099000001".into(),
            tax_code: "999099000001".into(),
            status: v1::TaxpayerStatus::Active.into(),
            ..Default::default()
        }));
        let granted = FieldSet::from_iter([Field::TaxStatus]);
        record.retain(&granted);
        assert_eq!(record.present(), granted);
    }

    #[test]
    fn debug_shows_no_value() {
        let record = v1::TaxRecord {
            personal_id: "999099000001".into(),
            ..Default::default()
        };
        assert_eq!(format!("{record:?}"), "v1::TaxRecord(…)");
    }
}
