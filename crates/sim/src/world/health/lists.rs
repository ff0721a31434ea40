//! What people of the sandbox suffer from, and what is done about it.

/// A reason to see a doctor, and all that follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) icd10: &'static str,
    pub(super) others: &'static [&'static str],
    pub(super) reason: &'static str,
    pub(super) title: &'static str,
    pub(super) inpatient: bool,
    /// 1 commune, 2 district, 3 province.
    pub(super) level: u8,
    /// Code, name, unit, dosage.
    pub(super) drugs: &'static [(&'static str, &'static str, &'static str, &'static str)],
    /// Code, name.
    pub(super) services: &'static [(&'static str, &'static str)],
    /// Service, index, name, unit, least and most in tenths.
    pub(super) labs: &'static [Lab],
    pub(super) course: &'static str,
    pub(super) key_tests: &'static str,
    pub(super) treatment: &'static str,
}

type Lab = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    i64,
    i64,
);

const GLUCOSE: Lab = (
    "23.0075.1494",
    "GLU",
    "Định lượng Glucose",
    "mmol/L",
    40,
    140,
);
const WHITE: Lab = ("22.0121.1369", "WBC", "Số lượng bạch cầu", "G/L", 40, 180);
const RED: Lab = ("22.0121.1369", "RBC", "Số lượng hồng cầu", "T/L", 35, 58);
const CREATININE: Lab = (
    "23.0051.1494",
    "CRE",
    "Định lượng Creatinin",
    "µmol/L",
    450,
    1400,
);
const CHOLESTEROL: Lab = (
    "23.0041.1506",
    "CHO",
    "Định lượng Cholesterol",
    "mmol/L",
    30,
    75,
);

const EXAMINATION: (&str, &str) = ("02.1897", "Khám Nội");
const BLOOD_COUNT: (&str, &str) = ("22.0121.1369", "Tổng phân tích tế bào máu ngoại vi");
const X_RAY: (&str, &str) = ("18.0119.0028", "Chụp X-quang ngực thẳng");

/// A stay in hospital, with rows in every table.
pub(super) const STAY: Case = Case {
    icd10: "J18.9",
    others: &["J44.9"],
    reason: "Sốt cao, khó thở",
    title: "Viêm phổi",
    inpatient: true,
    level: 3,
    drugs: &[
        (
            "40.184",
            "Ceftriaxon 1 g",
            "Lọ",
            "Ngày 2 lần, tiêm tĩnh mạch",
        ),
        (
            "40.48",
            "Paracetamol 500 mg",
            "Viên",
            "Khi sốt trên 38,5 độ",
        ),
    ],
    services: &[EXAMINATION, BLOOD_COUNT, X_RAY],
    labs: &[WHITE, RED, GLUCOSE],
    course: "Sốt cao 3 ngày, ho đờm, khó thở tăng dần",
    key_tests: "Bạch cầu tăng, X-quang thâm nhiễm đáy phổi",
    treatment: "Kháng sinh, hạ sốt, thở oxy",
};

/// The cases that encounters are drawn from.
pub(super) const CASES: [Case; 8] = [
    Case {
        icd10: "J06.9",
        others: &[],
        reason: "Sốt, ho, đau họng",
        title: "Nhiễm trùng đường hô hấp trên cấp",
        inpatient: false,
        level: 1,
        drugs: &[
            (
                "40.48",
                "Paracetamol 500 mg",
                "Viên",
                "Ngày 3 lần, mỗi lần 1 viên",
            ),
            (
                "40.998",
                "N-acetylcystein 200 mg",
                "Gói",
                "Ngày 2 lần, mỗi lần 1 gói",
            ),
        ],
        services: &[EXAMINATION],
        labs: &[WHITE],
        course: "",
        key_tests: "",
        treatment: "",
    },
    Case {
        icd10: "I10",
        others: &["E78.5"],
        reason: "Đau đầu, chóng mặt",
        title: "Tăng huyết áp vô căn",
        inpatient: false,
        level: 2,
        drugs: &[(
            "40.491",
            "Amlodipin 5 mg",
            "Viên",
            "Ngày 1 lần, mỗi lần 1 viên",
        )],
        services: &[EXAMINATION],
        labs: &[CHOLESTEROL, CREATININE],
        course: "",
        key_tests: "",
        treatment: "",
    },
    Case {
        icd10: "E11.9",
        others: &["I10"],
        reason: "Khát nhiều, mệt mỏi",
        title: "Đái tháo đường týp 2 không biến chứng",
        inpatient: false,
        level: 2,
        drugs: &[(
            "40.807",
            "Metformin 850 mg",
            "Viên",
            "Ngày 2 lần, mỗi lần 1 viên",
        )],
        services: &[EXAMINATION],
        labs: &[GLUCOSE, CREATININE],
        course: "",
        key_tests: "",
        treatment: "",
    },
    Case {
        icd10: "K29.7",
        others: &[],
        reason: "Đau thượng vị",
        title: "Viêm dạ dày",
        inpatient: false,
        level: 1,
        drugs: &[(
            "40.677",
            "Omeprazol 20 mg",
            "Viên",
            "Ngày 1 lần trước ăn sáng",
        )],
        services: &[EXAMINATION],
        labs: &[RED],
        course: "",
        key_tests: "",
        treatment: "",
    },
    STAY,
    Case {
        icd10: "K35.8",
        others: &[],
        reason: "Đau hố chậu phải",
        title: "Viêm ruột thừa cấp",
        inpatient: true,
        level: 2,
        drugs: &[(
            "40.184",
            "Ceftriaxon 1 g",
            "Lọ",
            "Ngày 2 lần, tiêm tĩnh mạch",
        )],
        services: &[
            BLOOD_COUNT,
            ("27.0187.2039", "Phẫu thuật nội soi cắt ruột thừa"),
        ],
        labs: &[WHITE, RED],
        course: "Đau bụng 12 giờ, khu trú hố chậu phải",
        key_tests: "Bạch cầu tăng, siêu âm ruột thừa 9 mm",
        treatment: "Cắt ruột thừa nội soi, kháng sinh",
    },
    Case {
        icd10: "A97.0",
        others: &[],
        reason: "Sốt cao liên tục",
        title: "Sốt xuất huyết Dengue",
        inpatient: true,
        level: 2,
        drugs: &[(
            "40.1028",
            "Natri clorid 0,9 % 500 ml",
            "Chai",
            "Truyền tĩnh mạch",
        )],
        services: &[EXAMINATION, BLOOD_COUNT],
        labs: &[WHITE, RED],
        course: "Sốt cao 4 ngày, chấm xuất huyết dưới da",
        key_tests: "NS1 dương tính, tiểu cầu giảm",
        treatment: "Bù dịch, theo dõi tiểu cầu",
    },
    Case {
        icd10: "M54.5",
        others: &[],
        reason: "Đau lưng",
        title: "Đau vùng thắt lưng",
        inpatient: false,
        level: 1,
        drugs: &[("40.37", "Meloxicam 7,5 mg", "Viên", "Ngày 1 lần sau ăn")],
        services: &[EXAMINATION],
        labs: &[CREATININE],
        course: "",
        key_tests: "",
        treatment: "",
    },
];

/// Long-standing conditions.
pub(super) const CONDITIONS: [(&str, &str); 5] = [
    ("I10", "Tăng huyết áp vô căn"),
    ("E11.9", "Đái tháo đường týp 2"),
    ("J45.9", "Hen"),
    ("K29.7", "Viêm dạ dày"),
    ("M17.9", "Thoái hóa khớp gối"),
];

/// What people are allergic to.
pub(super) const ALLERGENS: [&str; 6] = [
    "Penicillin",
    "Tôm, cua",
    "Đậu phộng",
    "Phấn hoa",
    "Aspirin",
    "Trứng",
];

/// Vaccine, dose, days after birth or (with a year) after its first day.
pub(super) const VACCINES: [(&str, u8, i64, i16); 10] = [
    ("BCG", 1, 5, 0),
    ("Viêm gan B", 1, 1, 0),
    ("DPT-VGB-Hib", 1, 60, 0),
    ("DPT-VGB-Hib", 2, 90, 0),
    ("DPT-VGB-Hib", 3, 120, 0),
    ("Sởi", 1, 270, 0),
    ("Sởi - Rubella", 2, 545, 0),
    ("COVID-19", 1, 240, 2021),
    ("COVID-19", 2, 280, 2021),
    ("COVID-19", 3, 60, 2022),
];
