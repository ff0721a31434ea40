//! What a mask leaves of a value. Which field has which mask is generated from the contract.
//!
//! *Invariant:* what is left is never the whole value of a number, a date or an address, unless the store
//! itself holds no more than that.

use crate::v1::{Address, PartialDate};

/// Leaves the last four characters of a number, and a star for each other one. Of a number too short to
/// hide anything in, nothing is left.
pub(crate) fn last_four(number: &mut String) {
    let len = number.chars().count();
    let hidden = if len < LEAST { len } else { len - SHOWN };
    let shown = number.chars().skip(hidden);
    *number = std::iter::repeat_n('*', hidden).chain(shown).collect();
}

/// Leaves the year.
pub(crate) const fn year(date: &mut PartialDate) {
    date.month = 0;
    date.day = 0;
}

/// Leaves the province, the list it is a unit of, and the country.
pub(crate) fn province(address: &mut Address) {
    *address = Address {
        scheme: address.scheme,
        province_code: std::mem::take(&mut address.province_code),
        country: std::mem::take(&mut address.country),
        ..Address::default()
    };
}

const SHOWN: usize = 4;
/// Half of a number stays hidden at least.
const LEAST: usize = 2 * SHOWN;

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(number: &str) -> String {
        let mut number = number.to_owned();
        last_four(&mut number);
        number
    }

    #[test]
    fn of_a_number_the_last_four_are_left_if_as_many_are_hidden() {
        assert_eq!(masked("999099000001"), "********0001");
        assert_eq!(masked("12345678"), "****5678");
        assert_eq!(masked("1234567"), "*******");
        assert_eq!(masked("số-đệ-nhị"), "*****-nhị");
        assert_eq!(masked(""), "");
    }

    #[test]
    fn of_a_date_the_year_is_left_and_of_an_address_the_province() {
        let mut date = PartialDate {
            year: 1999,
            month: 1,
            day: 31,
        };
        year(&mut date);
        assert_eq!((date.year, date.month, date.day), (1999, 0, 0));
        let mut address = Address {
            scheme: 1,
            province_code: "19".into(),
            district_code: "164".into(),
            commune_code: "05443".into(),
            detail: "12".into(),
            country: "VN".into(),
        };
        province(&mut address);
        let left = Address {
            scheme: 1,
            province_code: "19".into(),
            country: "VN".into(),
            ..Address::default()
        };
        assert_eq!(address, left);
    }
}
