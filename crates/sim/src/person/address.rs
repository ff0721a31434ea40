//! Addresses in both schemes of administrative units. Codes of districts and communes are
//! synthetic: they have the right form and lie in the right province, but come from no list.

use super::redacted;

/// An address in the units of before and after 1 July 2025.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Units of QĐ 124/2004: province, district, commune.
    pub old: OldUnits,
    /// Units of QĐ 19/2025: province, commune.
    pub new: NewUnits,
    /// House and street, or hamlet.
    pub detail: String,
    /// Country, ISO 3166 alpha-2.
    pub country: &'static str,
}

/// Administrative units under QĐ 124/2004/QĐ-TTg (scheme GSO2004).
#[derive(Clone, PartialEq, Eq)]
pub struct OldUnits {
    /// Two digits.
    pub province: &'static str,
    /// Name of the province.
    pub province_name: &'static str,
    /// Three digits.
    pub district: String,
    /// Name of the district.
    pub district_name: String,
    /// Five digits.
    pub commune: String,
    /// Name of the commune.
    pub commune_name: String,
}

/// Administrative units under QĐ 19/2025/QĐ-TTg (scheme GSO2025), which knows no district.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUnits {
    /// Two digits.
    pub province: &'static str,
    /// Name of the province.
    pub province_name: &'static str,
    /// Five digits.
    pub commune: String,
    /// Name of the commune.
    pub commune_name: String,
}

impl Address {
    /// The address on one line, in the units of 2004.
    #[must_use]
    pub fn line_2004(&self) -> String {
        let units = &self.old;
        let parts = [
            self.detail.as_str(),
            &units.commune_name,
            &units.district_name,
            units.province_name,
        ];
        parts.join(", ")
    }

    /// The address on one line, in the units of 2025.
    #[must_use]
    pub fn line_2025(&self) -> String {
        let units = &self.new;
        let parts = [
            self.detail.as_str(),
            &units.commune_name,
            units.province_name,
        ];
        parts.join(", ")
    }
}

redacted!(Address, OldUnits, NewUnits);
