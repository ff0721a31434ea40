//! placeholder
use super::{FieldInfo, Sensitivity};
use crate::Source;
/// Releasable fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Field {
    /// tax code
    TaxTaxCode,
}
/// Rows.
pub static FIELDS: [FieldInfo; 1] = [FieldInfo {
    field: Field::TaxTaxCode,
    path: "tax.tax_code",
    source: Source::Tax,
    authority: Source::Tax,
    sensitivity: Sensitivity::Basic,
    title_vi: "Mã số thuế",
    title_en: "Tax code",
    kind: "string",
    unconfirmed: false,
}];
