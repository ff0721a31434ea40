//! Their spelling: the two statements they are asked, the columns of a row and the elements of
//! its lists.
//!
//! Not here: what any of it means (`translate`); how a row is read (`row`). `view.sql` and
//! `WIRE.md` say the same for the other side.

use std::time::SystemTime;

use exchange::{Field, FieldSet};
use serde::{Deserialize, Serialize};

/// Columns that every lookup selects before those asked for: the check of the subject needs them.
pub(super) const FIXED: [&str; 3] = ["personal_id", "previous_ids", "as_of"];

/// What stands behind `FROM` in a lookup.
pub(super) const PERSON: &str = "lienthong.person_v1 \
    WHERE personal_id = $1 OR previous_ids @> ARRAY[$1] LIMIT 2";

/// What stands behind `FROM` in a resolution.
pub(super) const RESOLVE: &str = "lienthong.resolve_v1 WHERE ma_so_bhxh = $1 LIMIT 20";

/// The columns of a resolution.
pub(super) const RESOLVED: [&str; 2] = ["ma_so_bhxh", "personal_id"];

/// A statement that they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Select {
    /// The columns of these fields, of one person.
    Person(FieldSet),
    /// Whose an insurance code is.
    Resolve,
}

impl Select {
    /// Its text; `$1` is the number asked for.
    pub(super) fn sql(self) -> String {
        match self {
            Self::Resolve => format!("SELECT {} FROM {RESOLVE}", RESOLVED.join(", ")),
            Self::Person(fields) => {
                let mut columns = FIXED.join(", ");
                for column in Column::of(&fields) {
                    columns.push_str(", ");
                    columns.push_str(column.name());
                }
                format!("SELECT {columns} FROM {PERSON}")
            }
        }
    }
}

macro_rules! columns {
    ($($variant:ident = $name:literal, $field:ident;)*) => {
        /// A column of `person_v1` that one field is read from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Column {
            $(
                #[doc = concat!("`", $name, "`.")]
                $variant,
            )*
        }

        impl Column {
            /// Every column, in the order in which they are selected.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The field that is read from it.
            pub(super) const fn field(self) -> Field {
                match self { $(Self::$variant => Field::$field,)* }
            }
        }
    };
}

columns! {
    MaSoBhxh = "ma_so_bhxh", SocialSecurityInsuranceCode;
    SoSoCu = "so_so_cu", SocialSecurityOldBookNo;
    MaHo = "ma_ho", SocialSecurityHouseholdCode;
    HoTen = "ho_ten", SocialSecurityName;
    NgaySinh = "ngay_sinh", SocialSecurityBirthDate;
    GioiTinh = "gioi_tinh", SocialSecuritySex;
    QuaTrinh = "qua_trinh", SocialSecurityParticipation;
    CheDo = "che_do", SocialSecurityBenefits;
    TheBhyt = "the_bhyt", SocialSecurityHealthCards;
    TroGiup = "tro_giup", SocialSecurityAssistance;
    KhuyetTat = "khuyet_tat", SocialSecurityDisability;
    HoNgheo = "ho_ngheo", SocialSecurityPovertyStatus;
}

impl Column {
    /// The columns of those fields, in the order in which they are selected.
    pub(super) fn of(fields: &FieldSet) -> impl Iterator<Item = Self> {
        let asked = Self::ALL.iter().copied();
        asked.filter(|column| fields.contains(column.field()))
    }

    /// The column of that name.
    #[cfg(feature = "sim")]
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|column| column.name() == name)
    }
}

/// A row of `person_v1`; what was not selected is empty.
#[derive(Clone, Default)]
#[cfg_attr(any(test, feature = "foreign"), derive(Deserialize))]
#[cfg_attr(any(test, feature = "foreign"), serde(default))]
pub(super) struct Person<'a> {
    /// The number in force.
    #[cfg_attr(any(test, feature = "foreign"), serde(borrow))]
    pub(super) personal_id: &'a str,
    /// Numbers that it replaced.
    #[cfg_attr(any(test, feature = "foreign"), serde(borrow))]
    pub(super) previous_ids: Vec<&'a str>,
    /// The time for which the agency vouches.
    #[cfg_attr(any(test, feature = "foreign"), serde(skip))]
    pub(super) as_of: Option<SystemTime>,
    /// Insurance code.
    pub(super) ma_so_bhxh: Option<&'a str>,
    /// Number of the old book.
    pub(super) so_so_cu: Option<&'a str>,
    /// Household code.
    pub(super) ma_ho: Option<&'a str>,
    /// Whole name.
    pub(super) ho_ten: Option<&'a str>,
    /// Birth date: `yyyy-MM-dd`, `yyyy-MM` or `yyyy`.
    pub(super) ngay_sinh: Option<&'a str>,
    /// 1 male, 2 female.
    pub(super) gioi_tinh: Option<i16>,
    /// Periods of participation.
    pub(super) qua_trinh: Vec<QuaTrinh>,
    /// Benefits.
    pub(super) che_do: Vec<CheDo>,
    /// Health-insurance cards.
    pub(super) the_bhyt: Vec<TheBhyt>,
    /// Social assistance.
    pub(super) tro_giup: Vec<TroGiup>,
    /// Disability.
    pub(super) khuyet_tat: Option<KhuyetTat>,
    /// Poverty status by year.
    pub(super) ho_ngheo: Vec<HoNgheo>,
}

/// A period of participation.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct QuaTrinh {
    /// First month, `yyyy-MM`.
    pub(super) tu_thang: Option<String>,
    /// Last month.
    pub(super) den_thang: Option<String>,
    /// Employer or collecting unit.
    pub(super) don_vi: Option<String>,
    /// `BB`, `TN` or `BHTN`.
    pub(super) loai: Option<String>,
    /// Salary per month, đồng.
    pub(super) muc_luong: Option<i64>,
    /// Job title.
    pub(super) chuc_danh: Option<String>,
    /// `DANG_DONG`, `NGHI_THAI_SAN` or `CHOT_SO`.
    pub(super) trang_thai: Option<String>,
}

/// A benefit.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct CheDo {
    /// `OM_DAU`, `THAI_SAN`, `TNLD`, `HUU_TRI`, `TU_TUAT`, `MOT_LAN` or `BHTN`.
    pub(super) loai: Option<String>,
    /// Number of the decision.
    pub(super) so_qd: Option<String>,
    /// First day.
    pub(super) tu_ngay: Option<String>,
    /// Last day.
    pub(super) den_ngay: Option<String>,
    /// Amount, đồng.
    pub(super) so_tien: Option<i64>,
    /// `DANG_CHI_TRA`, `DUNG` or `DA_CHI_TRA`.
    pub(super) trang_thai: Option<String>,
}

/// A health-insurance card.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct TheBhyt {
    /// Number: 15 characters, or 10.
    pub(super) so_the: Option<String>,
    /// First day.
    pub(super) tu_ngay: Option<String>,
    /// Last day.
    pub(super) den_ngay: Option<String>,
    /// Code of the facility of registration.
    pub(super) noi_dkkcb: Option<String>,
    /// Benefit digit, 1 to 5.
    pub(super) muc_huong: Option<String>,
    /// Day from which five years are continuous.
    pub(super) du_5_nam: Option<String>,
    /// Day from which the co-payment is waived.
    pub(super) mien_cct: Option<String>,
}

/// Social assistance.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct TroGiup {
    /// Group 1 to 8.
    pub(super) nhom: Option<u32>,
    /// Number of the decision.
    pub(super) so_qd: Option<String>,
    /// First day.
    pub(super) tu_ngay: Option<String>,
    /// Last day.
    pub(super) den_ngay: Option<String>,
    /// Coefficient, as text.
    pub(super) he_so: Option<String>,
    /// Amount per month, đồng.
    pub(super) muc: Option<i64>,
    /// `TAI_KHOAN` or `TIEN_MAT`.
    pub(super) hinh_thuc: Option<String>,
}

/// A disability.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct KhuyetTat {
    /// Kind, in their words.
    pub(super) dang: Option<String>,
    /// 1 especially severe, 2 severe, 3 light.
    pub(super) muc_do: Option<i16>,
    /// Number of the certificate.
    pub(super) so_giay: Option<String>,
}

/// The poverty status of one year.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct HoNgheo {
    /// Year.
    pub(super) nam: Option<i32>,
    /// Household code.
    pub(super) ma_ho: Option<String>,
    /// `HO_NGHEO` or `HO_CAN_NGHEO`.
    pub(super) loai: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_columns_of_the_fields_asked_for_are_selected() {
        let fields =
            FieldSet::from_iter([Field::SocialSecuritySex, Field::SocialSecurityPersonalId]);
        assert_eq!(
            Select::Person(fields).sql(),
            "SELECT personal_id, previous_ids, as_of, gioi_tinh FROM lienthong.person_v1 \
             WHERE personal_id = $1 OR previous_ids @> ARRAY[$1] LIMIT 2"
        );
    }

    #[test]
    fn every_field_of_the_source_has_a_column() {
        let source = FieldSet::of(exchange::Source::SocialSecurity);
        let mut read: FieldSet = Column::ALL.iter().map(|column| column.field()).collect();
        read.insert(Field::SocialSecurityPersonalId);
        assert_eq!(read, source);
    }
}
