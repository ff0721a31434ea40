//! The shape of the records: one citizen, and what the books say about them.
//!
//! *Invariant:* no type of this file has a `Debug` that could show a value.

use serde::Deserialize;

use super::{Code, Object};

/// What a dossier that is done holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Records {
    /// Everybody whom the number names; more than one is a defect of the register.
    pub(crate) danh_sach: Vec<Object<Citizen>>,
}

/// One citizen; `nks` is the person whose birth is registered (người được khai sinh).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Citizen {
    pub(crate) so_dinh_danh: Option<String>,
    pub(crate) so_dinh_danh_cu: Option<Vec<String>>,
    /// Whether they are somebody's adopted child; comes without being asked for.
    pub(crate) nuoi_con_nuoi: Option<bool>,
    pub(crate) nks_ho_ten: Option<String>,
    pub(crate) nks_ngay_sinh: Option<Code>,
    pub(crate) nks_gioi_tinh: Option<Code>,
    pub(crate) nks_noi_sinh: Option<Place>,
    pub(crate) nks_que_quan: Option<Place>,
    pub(crate) nks_dan_toc: Option<Code>,
    pub(crate) nks_quoc_tich: Option<String>,
    pub(crate) khai_sinh: Option<Entry>,
    pub(crate) me: Option<Person>,
    pub(crate) cha: Option<Person>,
    pub(crate) khai_tu: Option<Death>,
    pub(crate) nguyen_nhan_chet: Option<String>,
    pub(crate) ket_hon: Option<Vec<Marriage>>,
    pub(crate) nhan_cha_me_con: Option<Vec<Parentage>>,
    pub(crate) tinh_trang_hon_nhan: Option<Code>,
}

/// An entry of a book.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Entry {
    pub(crate) so: Option<Code>,
    pub(crate) quyen_so: Option<Code>,
    pub(crate) trang_so: Option<Code>,
    pub(crate) ngay_dang_ky: Option<Code>,
    pub(crate) noi_dang_ky: Option<String>,
    pub(crate) loai_dang_ky: Option<Code>,
}

/// Another person in a record.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Person {
    pub(crate) ho_ten: Option<String>,
    pub(crate) quoc_tich: Option<String>,
    pub(crate) so_dinh_danh: Option<String>,
    #[serde(rename = "soCMND")]
    pub(crate) so_cmnd: Option<Code>,
    pub(crate) ngay_sinh: Option<Code>,
}

/// A place: in units of a list, or in the words of an old book.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Place {
    /// In words.
    Words(String),
    /// In units.
    Units(Units),
}

/// A place in administrative units.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Units {
    pub(crate) danh_muc: Option<Code>,
    pub(crate) ma_tinh: Option<Code>,
    pub(crate) ma_huyen: Option<Code>,
    pub(crate) ma_xa: Option<Code>,
    pub(crate) chi_tiet: Option<String>,
    pub(crate) quoc_gia: Option<String>,
}

/// A registered death.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Death {
    pub(crate) ngay_chet: Option<Code>,
    pub(crate) noi_chet: Option<String>,
    pub(crate) gbt_loai: Option<Code>,
    pub(crate) dang_ky: Option<Entry>,
}

/// A registered marriage.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Marriage {
    pub(crate) vo_chong: Option<Person>,
    pub(crate) tinh_trang_ket_hon: Option<Code>,
    pub(crate) ngay_cham_dut: Option<Code>,
    pub(crate) dang_ky: Option<Entry>,
}

/// A recognised parent or child.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Parentage {
    pub(crate) loai: Option<Code>,
    pub(crate) nguoi_kia: Option<Person>,
    pub(crate) dang_ky: Option<Entry>,
}
