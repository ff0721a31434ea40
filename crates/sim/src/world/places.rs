//! Provinces, and addresses in them. Districts and communes are made up: the form of their codes
//! is right, and the 2025 commune is a function of the old one, but no list stands behind them.

use std::sync::LazyLock;

use super::World;
use super::being::Being;
use super::draw::{Draw, Topic, digits};
use crate::person::{Address, NewUnits, OldUnits};

/// A province of before July 2025 and the one that it belongs to since.
#[derive(Debug)]
pub(crate) struct Province {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    new_code: &'static str,
    new_name: &'static str,
}

impl World {
    /// The native province of a family: that of its oldest known father.
    pub(crate) fn native_province(&self, root: &Being) -> &'static Province {
        let mut draw = self.draw(Topic::Native, root.key());
        province(&mut draw)
    }

    /// The native place: the same commune for a whole family.
    pub(crate) fn native_place(&self, root: &Being) -> Address {
        let mut draw = self.draw(Topic::Native, root.key() | APART);
        address(&mut draw, self.native_province(root))
    }

    /// The address of the household that this person holds.
    pub(crate) fn home(&self, owner: &Being) -> Address {
        let mut draw = self.draw(Topic::Home, owner.key());
        let stays = draw.chance(700);
        let province = if stays {
            self.native_province(&self.lineage_root(owner))
        } else {
            city(&mut draw)
        };
        address(&mut draw, province)
    }

    /// Where somebody was born: where the parents live, or would have.
    pub(crate) fn birth_place(&self, being: &Being) -> Address {
        let parents = self.parents(being);
        self.home(&parents.map_or(*being, |couple| couple.husband))
    }
}

/// An address in that province.
pub(crate) fn address(draw: &mut Draw, province: &'static Province) -> Address {
    let number: u64 = province.code.parse().unwrap_or_default();
    let (district, ward) = (draw.below(9), draw.below(30));
    let urban = district < 3;
    let commune = number * 1000 + district * 30 + ward;
    // Three communes of before became one.
    let merged = commune / 3 * 3;
    let (old_kind, district_kind) = if urban {
        ("Phường", "Quận")
    } else {
        ("Xã", "Huyện")
    };
    let detail = if urban {
        ["Số ", &draw.digits(3), " ", draw.pick(&STREETS)].concat()
    } else {
        ["Thôn ", &digits(draw.below(15) + 1, 2)].concat()
    };
    Address {
        old: OldUnits {
            province: province.code,
            province_name: province.name,
            district: digits(number * 10 + district, 3),
            district_name: named(district_kind, number * 10 + district),
            commune: digits(commune, 5),
            commune_name: named(old_kind, commune),
        },
        new: NewUnits {
            province: province.new_code,
            province_name: province.new_name,
            commune: digits(merged, 5),
            commune_name: named(old_kind, merged),
        },
        detail,
        country: "VN",
    }
}

/// Any province; the two largest cities more often.
pub(crate) fn province(draw: &mut Draw) -> &'static Province {
    if draw.chance(150) {
        return city(draw);
    }
    let place = draw.place(PROVINCES.len());
    PROVINCES.get(place).unwrap_or(&UNKNOWN)
}

/// Hà Nội or Thành phố Hồ Chí Minh.
fn city(draw: &mut Draw) -> &'static Province {
    let code = draw.pick(&["01", "79"]);
    let found = PROVINCES.iter().find(|province| province.code == code);
    found.unwrap_or(&UNKNOWN)
}

/// A unit of that kind, such as `Phường Tân An`.
fn named(kind: &str, number: u64) -> String {
    let mixed = super::mix(number);
    let pick = |list: &'static [&'static str], n: u64| {
        let place = usize::try_from(n % list.len() as u64).unwrap_or_default();
        list.get(place).copied().unwrap_or_default()
    };
    [
        kind,
        " ",
        pick(&FIRST, mixed),
        " ",
        pick(&SECOND, mixed >> 32),
    ]
    .concat()
}

/// `province_map_2025.csv`: prefix, old code, old name, new code, new name, note.
static PROVINCES: LazyLock<Vec<Province>> = LazyLock::new(|| {
    include_str!("../../data/province_map_2025.csv")
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.split(',').skip(1);
            Some(Province {
                code: cells.next()?,
                name: cells.next()?,
                new_code: cells.next()?,
                new_name: cells.next()?,
            })
        })
        .collect()
});

static UNKNOWN: Province = Province {
    code: "01",
    name: "Hà Nội",
    new_code: "01",
    new_name: "Thành phố Hà Nội",
};

/// Keeps a second stream of one topic apart from the first.
const APART: u64 = 1 << 60;

const FIRST: [&str; 16] = [
    "Tân", "Phú", "An", "Bình", "Long", "Vĩnh", "Hòa", "Thạnh", "Đông", "Minh", "Quảng", "Xuân",
    "Thanh", "Yên", "Kim", "Đại",
];
const SECOND: [&str; 20] = [
    "An", "Bình", "Thành", "Hưng", "Lộc", "Phước", "Thọ", "Sơn", "Thủy", "Lâm", "Hải", "Giang",
    "Mỹ", "Trung", "Tiến", "Thịnh", "Lạc", "Khê", "Đức", "Hậu",
];
const STREETS: [&str; 16] = [
    "Trần Phú",
    "Lê Lợi",
    "Nguyễn Huệ",
    "Hai Bà Trưng",
    "Quang Trung",
    "Lý Thường Kiệt",
    "Ngô Quyền",
    "Phan Bội Châu",
    "Hùng Vương",
    "Trần Hưng Đạo",
    "Nguyễn Trãi",
    "Lê Duẩn",
    "Điện Biên Phủ",
    "Bạch Đằng",
    "Hoàng Hoa Thám",
    "Võ Thị Sáu",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_the_63_provinces_and_their_34_successors() {
        let mut new: Vec<&str> = PROVINCES.iter().map(|p| p.new_code).collect();
        new.sort_unstable();
        new.dedup();
        assert_eq!((PROVINCES.len(), new.len()), (63, 34));
    }

    #[test]
    fn the_provinces_of_both_lists_are_the_same() {
        let prefixes = include_str!("../../data/province_codes.csv")
            .lines()
            .skip(1);
        let listed = prefixes.filter_map(|line| line.split(',').next()?.get(1..));
        assert!(listed.eq(PROVINCES.iter().map(|province| province.code)));
    }

    #[test]
    fn codes_have_the_digits_of_both_schemes() {
        for subject in 0..500 {
            let mut draw = Draw::new(1, Topic::Home, subject);
            let chosen = province(&mut draw);
            let Address { old, new, .. } = address(&mut draw, chosen);
            let lengths = [
                old.province.len(),
                old.district.len(),
                old.commune.len(),
                new.province.len(),
                new.commune.len(),
            ];
            assert_eq!(lengths, [2, 3, 5, 2, 5]);
        }
    }
}
