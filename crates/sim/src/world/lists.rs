//! Code lists and the lists that names are drawn from.

use std::sync::LazyLock;

use exchange::Sex;

/// The code of the ethnic group at that place of a thousand: 853 Kinh, as in the census.
pub(super) fn ethnic_group(place: u64) -> &'static str {
    if place < 853 {
        return "01";
    }
    let mut rest = place - 853;
    for (code, weight) in MINORITIES {
        if rest < weight {
            return code;
        }
        rest -= weight;
    }
    // The rest is spread evenly over the list.
    let even = usize::try_from(place).unwrap_or_default() % ETHNIC_CODES.len().max(1);
    ETHNIC_CODES.get(even).copied().unwrap_or("01")
}

/// `ethnic_groups.csv`: the codes of 1979, but 55, which is contested.
static ETHNIC_CODES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    include_str!("../../data/ethnic_groups.csv")
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .filter(|code| *code != "55")
        .collect()
});

/// Per mille of the largest minorities: Tày, Thái, Mường, Khmer, Hoa, Nùng, Hmông, Dao, Gia-rai,
/// Ê-đê, Cơ-ho.
const MINORITIES: [(&str, u64); 11] = [
    ("02", 19),
    ("03", 19),
    ("06", 15),
    ("05", 14),
    ("04", 8),
    ("07", 11),
    ("08", 14),
    ("09", 9),
    ("10", 5),
    ("12", 4),
    ("16", 3),
];

/// Family names of groups that have their own.
pub(super) const ETHNIC_FAMILIES: [(&str, [&str; 6]); 8] = [
    ("02", ["Nông", "Hoàng", "Lương", "Ma", "Bế", "Hà"]),
    ("03", ["Lò", "Quàng", "Cầm", "Tòng", "Lường", "Vi"]),
    ("06", ["Bùi", "Quách", "Đinh", "Hà", "Bạch", "Phạm"]),
    ("05", ["Thạch", "Sơn", "Kim", "Danh", "Châu", "Lý"]),
    ("04", ["Trần", "Lâm", "Quách", "Huỳnh", "Lý", "Vương"]),
    ("07", ["Nông", "Hoàng", "Lý", "Vi", "Mông", "Lương"]),
    ("08", ["Vàng", "Giàng", "Sùng", "Thào", "Mùa", "Lý"]),
    (
        "16",
        ["Cil", "Liêng", "Kơ Să", "Rơ Ông", "Bon Dâng", "Lơ Mu"],
    ),
];

/// Family names of everybody else, per mille.
pub(super) const FAMILIES: [(&str, u64); 36] = [
    ("Nguyễn", 318),
    ("Trần", 109),
    ("Lê", 89),
    ("Phạm", 60),
    ("Huỳnh", 38),
    ("Hoàng", 37),
    ("Võ", 32),
    ("Vũ", 29),
    ("Phan", 28),
    ("Trương", 22),
    ("Bùi", 21),
    ("Đặng", 19),
    ("Đỗ", 19),
    ("Ngô", 17),
    ("Hồ", 15),
    ("Dương", 14),
    ("Đinh", 10),
    ("Đoàn", 9),
    ("Lâm", 8),
    ("Mai", 8),
    ("Trịnh", 8),
    ("Đào", 8),
    ("Cao", 7),
    ("Lý", 7),
    ("Hà", 6),
    ("Lưu", 6),
    ("Lương", 6),
    ("Thái", 5),
    ("Châu", 5),
    ("Tạ", 5),
    ("Phùng", 5),
    ("Tô", 5),
    ("Vương", 5),
    ("Tăng", 4),
    ("Quách", 4),
    ("Kiều", 4),
];

/// What given names are drawn from.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) middles: &'static [&'static str; 12],
    pub(super) names: &'static [&'static str; 32],
    /// `Văn` or `Thị`, once nearly everybody's.
    pub(super) plain_middle: &'static str,
    pub(super) plain_per_mille: u64,
}

/// Given names by sex and era.
pub(super) struct Eras {
    men: [Given; 3],
    women: [Given; 3],
}

impl Eras {
    /// The names of a sex and a year of birth: before 1970, before 1995, since.
    pub(super) const fn of(&self, sex: Sex, year: i16) -> &Given {
        let [old, middle, new] = match sex {
            Sex::Male => &self.men,
            Sex::Female => &self.women,
        };
        match year {
            ..1970 => old,
            1970..1995 => middle,
            1995.. => new,
        }
    }
}

/// Given names by sex and era.
pub(super) const GIVEN: Eras = Eras {
    men: [
        men(&MEN_OLD, 750),
        men(&MEN_MIDDLE, 500),
        men(&MEN_NEW, 180),
    ],
    women: [
        women(&WOMEN_OLD, 900),
        women(&WOMEN_MIDDLE, 700),
        women(&WOMEN_NEW, 280),
    ],
};

const fn men(names: &'static [&'static str; 32], plain_per_mille: u64) -> Given {
    Given {
        middles: &MEN_BETWEEN,
        names,
        plain_middle: "Văn",
        plain_per_mille,
    }
}

const fn women(names: &'static [&'static str; 32], plain_per_mille: u64) -> Given {
    Given {
        middles: &WOMEN_BETWEEN,
        names,
        plain_middle: "Thị",
        plain_per_mille,
    }
}

const MEN_BETWEEN: [&str; 12] = [
    "Hữu", "Đức", "Công", "Quang", "Minh", "Gia", "Quốc", "Xuân", "Thanh", "Đình", "Ngọc", "Tuấn",
];
const WOMEN_BETWEEN: [&str; 12] = [
    "Ngọc", "Thu", "Thanh", "Bảo", "Khánh", "Phương", "Minh", "Kim", "Mỹ", "Hồng", "Thùy", "Diệu",
];
const MEN_OLD: [&str; 32] = [
    "Hùng",
    "Dũng",
    "Sơn",
    "Hải",
    "Hòa",
    "Bình",
    "Thành",
    "Tâm",
    "Lợi",
    "Phúc",
    "Thọ",
    "Khánh",
    "Tư",
    "Năm",
    "Bảy",
    "Chiến",
    "Thắng",
    "Quý",
    "Mạnh",
    "Cường",
    "Đông",
    "Tài",
    "Nghĩa",
    "Nhân",
    "Lộc",
    "Ba",
    "Sáu",
    "Tám",
    "Cảnh",
    "Thơ",
    "Xuyên",
    "Đường",
];
const MEN_MIDDLE: [&str; 32] = [
    "Hùng", "Dũng", "Tuấn", "Cường", "Hải", "Nam", "Trung", "Thành", "Minh", "Hiếu", "Long",
    "Tùng", "Kiên", "Quân", "Việt", "Đạt", "Hoàng", "Phong", "Thắng", "Tiến", "Vinh", "Duy",
    "Hưng", "Khoa", "Linh", "Nghĩa", "Phương", "Sang", "Toàn", "Hòa", "Thủy", "Đức",
];
const MEN_NEW: [&str; 32] = [
    "Huy", "Khang", "Bảo", "Minh", "Phúc", "Anh", "Khoa", "Phát", "Đạt", "Khôi", "Long", "Nam",
    "Duy", "Quân", "Kiệt", "Thịnh", "Tuấn", "Hưng", "Hoàng", "Nhân", "Trí", "Tài", "Phong",
    "Nguyên", "Lâm", "Thành", "Sơn", "Tú", "Vũ", "Quốc", "Thiện", "Hòa",
];
const WOMEN_OLD: [&str; 32] = [
    "Lan",
    "Hoa",
    "Hồng",
    "Cúc",
    "Mai",
    "Nga",
    "Liên",
    "Tuyết",
    "Nhung",
    "Loan",
    "Sen",
    "Bé",
    "Hai",
    "Ba",
    "Tư",
    "Sáu",
    "Chín",
    "Gái",
    "Lý",
    "Thơm",
    "Hòa",
    "Thủy",
    "Xuân",
    "Thu",
    "Đào",
    "Mận",
    "Hường",
    "Phượng",
    "Nhàn",
    "Lành",
    "Thoa",
    "Tí",
];
const WOMEN_MIDDLE: [&str; 32] = [
    "Hương", "Lan", "Hà", "Hằng", "Hạnh", "Hiền", "Hoa", "Huệ", "Huyền", "Linh", "Loan", "Mai",
    "Nga", "Ngân", "Nhung", "Oanh", "Phương", "Quyên", "Tâm", "Thảo", "Thu", "Thúy", "Thủy",
    "Trang", "Tuyết", "Vân", "Yến", "Hòa", "Dung", "Đào", "Ánh", "Xuân",
];
const WOMEN_NEW: [&str; 32] = [
    "Anh", "Linh", "Trang", "Ngọc", "Hân", "Nhi", "My", "Vy", "Thảo", "Châu", "Trân", "Quỳnh",
    "Như", "Hà", "Uyên", "Thư", "Chi", "Mai", "Giang", "Ngân", "Yến", "Phương", "Tiên", "Trâm",
    "Vân", "Hương", "Thúy", "Diệp", "Khuê", "An", "Đan", "Lam",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_names_and_groups_add_up() {
        let families: u64 = FAMILIES.iter().map(|(_, weight)| weight).sum();
        let minorities: u64 = MINORITIES.iter().map(|(_, weight)| weight).sum();
        assert!(families <= 1000, "{families}");
        assert!(853 + minorities <= 1000, "{minorities}");
    }

    #[test]
    fn ethnic_codes_are_those_of_1979() {
        assert_eq!(ETHNIC_CODES.len(), 54);
        assert!((0..1000).all(|place| ETHNIC_CODES.contains(&ethnic_group(place))));
    }
}
