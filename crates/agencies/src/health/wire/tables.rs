//! The answer: the tables of QĐ 130/4750, one struct per table, one member per column that is
//! read.
//!
//! *Invariant:* XML6 (HIV), XML15 (tuberculosis) and every cost column have no struct and no
//! member here: they are passed over unread, like everything unknown.

use std::borrow::Cow;

use super::Wrong;
use super::xml::Xml;

/// The root of an answer.
const ROOT: &str = "DANH_SACH_HO_SO";

/// The most rows of all tables of one answer: far more than a life holds, and little memory.
const MAX_ROWS: usize = 5_000;

/// One row of a table.
pub(crate) trait Row<'a>: Default {
    /// The columns that are read.
    #[cfg(test)]
    const COLUMNS: &'static [&'static str];

    /// The place of a column, or none if it is not read.
    fn column(&mut self, name: &str) -> Option<&mut Cow<'a, str>>;
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident { $($member:ident: $column:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name<'a> {
            $(#[doc = concat!("`", $column, "`.")] pub(crate) $member: Cow<'a, str>,)*
        }

        impl<'a> Row<'a> for $name<'a> {
            #[cfg(test)]
            const COLUMNS: &'static [&'static str] = &[$($column),*];

            fn column(&mut self, name: &str) -> Option<&mut Cow<'a, str>> {
                match name {
                    $($column => Some(&mut self.$member),)*
                    _ => None,
                }
            }
        }
    )*};
}

tables! {
    /// `XML1`: the person as a facility wrote them down, and the visit if `MA_LK` is there.
    Visit {
        so_cccd: "SO_CCCD", ho_ten: "HO_TEN", ngay_sinh: "NGAY_SINH", gioi_tinh: "GIOI_TINH",
        ma_dantoc: "MA_DANTOC", ma_quoctich: "MA_QUOCTICH", ma_nghe_nghiep: "MA_NGHE_NGHIEP",
        dia_chi: "DIA_CHI", matinh_cu_tru: "MATINH_CU_TRU", mahuyen_cu_tru: "MAHUYEN_CU_TRU",
        maxa_cu_tru: "MAXA_CU_TRU", dien_thoai: "DIEN_THOAI", ma_the_bhyt: "MA_THE_BHYT",
        ma_dkbd: "MA_DKBD", gt_the_tu: "GT_THE_TU", gt_the_den: "GT_THE_DEN",
        ngay_mien_cct: "NGAY_MIEN_CCT", ho_ten_dai_dien: "HO_TEN_DAI_DIEN",
        so_cccd_dai_dien: "SO_CCCD_DAI_DIEN", quan_he_dai_dien: "QUAN_HE_DAI_DIEN",
        nhom_mau: "NHOM_MAU", can_nang: "CAN_NANG", ma_lk: "MA_LK", ma_cskcb: "MA_CSKCB",
        ma_loai_kcb: "MA_LOAI_KCB", ngay_vao: "NGAY_VAO", ngay_ra: "NGAY_RA",
        ly_do_vv: "LY_DO_VV", chan_doan_vao: "CHAN_DOAN_VAO", chan_doan_rv: "CHAN_DOAN_RV",
        ma_benh_chinh: "MA_BENH_CHINH", ma_benh_kt: "MA_BENH_KT", ket_qua_dtri: "KET_QUA_DTRI",
        ma_loai_rv: "MA_LOAI_RV",
    }
    /// `XML2`: a medicine.
    Item {
        ma_lk: "MA_LK", ma_thuoc: "MA_THUOC", ten_thuoc: "TEN_THUOC", ham_luong: "HAM_LUONG",
        lieu_dung: "LIEU_DUNG", so_luong: "SO_LUONG",
    }
    /// `XML3`: a technical service.
    Service {
        ma_lk: "MA_LK", ma_dich_vu: "MA_DICH_VU", ten_dich_vu: "TEN_DICH_VU", ngay_yl: "NGAY_YL",
    }
    /// `XML4`: a laboratory or imaging result.
    Lab {
        ma_lk: "MA_LK", ma_chi_so: "MA_CHI_SO", ten_chi_so: "TEN_CHI_SO", gia_tri: "GIA_TRI",
        don_vi_do: "DON_VI_DO", ngay_kq: "NGAY_KQ",
    }
    /// `XML8`: the summary of a stay.
    Summary {
        ma_lk: "MA_LK", qt_benhly: "QT_BENHLY", tomtat_kq: "TOMTAT_KQ",
        pp_dieutri: "PP_DIEUTRI", ngay_tai_kham: "NGAY_TAI_KHAM", ma_bs: "MA_BS",
    }
    /// `DI_UNG`: an allergy.
    Allergy { ten_di_ung: "TEN_DI_UNG" }
    /// `TIEN_SU`: a known condition.
    History { ma_benh: "MA_BENH", ten_benh: "TEN_BENH", tu_ngay: "TU_NGAY" }
    /// `TIEM_CHUNG`: a vaccination.
    Vaccination {
        ten_vac_xin: "TEN_VAC_XIN", mui_so: "MUI_SO", ngay_tiem: "NGAY_TIEM",
        ma_cskcb: "MA_CSKCB",
    }
}

/// One `HO_SO`: the health book of one person.
#[derive(Default)]
pub(crate) struct HealthBook<'a> {
    /// `SO_CCCD`: the number in force.
    pub(crate) so_cccd: Cow<'a, str>,
    /// `SO_CCCD_CU`: the numbers it replaces.
    pub(crate) so_cccd_cu: Vec<Cow<'a, str>>,
    /// `NGAY_DU_LIEU`: for when the ministry vouches.
    pub(crate) ngay_du_lieu: Cow<'a, str>,
    /// `XML1`.
    pub(crate) visits: Vec<Visit<'a>>,
    /// `XML2`.
    pub(crate) items: Vec<Item<'a>>,
    /// `XML3`.
    pub(crate) services: Vec<Service<'a>>,
    /// `XML4`.
    pub(crate) labs: Vec<Lab<'a>>,
    /// `XML8`.
    pub(crate) summaries: Vec<Summary<'a>>,
    /// `DI_UNG`.
    pub(crate) allergies: Vec<Allergy<'a>>,
    /// `TIEN_SU`.
    pub(crate) history: Vec<History<'a>>,
    /// `TIEM_CHUNG`.
    pub(crate) vaccinations: Vec<Vaccination<'a>>,
}

/// What an answer holds.
pub(crate) enum Found<'a> {
    /// No health book.
    Nobody,
    /// One.
    One(Box<HealthBook<'a>>),
    /// More than one.
    Several,
}

impl<'a> Found<'a> {
    /// Reads an answer.
    pub(crate) fn read<T: AsRef<[u8]> + ?Sized>(text: &'a T) -> Result<Self, Wrong> {
        let mut xml = Xml::open(text, ROOT)?;
        let mut found = Self::Nobody;
        let mut rows_left = MAX_ROWS;
        while let Some(child) = xml.child()? {
            if child.name() != "HO_SO" {
                xml.skip()?;
                continue;
            }
            found = match found {
                Self::Nobody => Self::One(Box::new(HealthBook::read(&mut xml, &mut rows_left)?)),
                Self::One(_) | Self::Several => {
                    xml.skip()?;
                    Self::Several
                }
            };
        }
        xml.finish()?;
        Ok(found)
    }
}

impl<'a> HealthBook<'a> {
    fn read(xml: &mut Xml<'a>, left: &mut usize) -> Result<Self, Wrong> {
        let mut book = Self::default();
        while let Some(child) = xml.child()? {
            match child.name() {
                "SO_CCCD" if book.so_cccd.is_empty() => book.so_cccd = xml.text()?,
                "SO_CCCD" => return Err(Wrong::Subject),
                "SO_CCCD_CU" => book.so_cccd_cu.push(xml.text()?),
                "NGAY_DU_LIEU" => book.ngay_du_lieu = xml.text()?,
                "XML1" => rows(xml, &mut book.visits, left)?,
                "XML2" => rows(xml, &mut book.items, left)?,
                "XML3" => rows(xml, &mut book.services, left)?,
                "XML4" => rows(xml, &mut book.labs, left)?,
                "XML8" => rows(xml, &mut book.summaries, left)?,
                "DI_UNG" => rows(xml, &mut book.allergies, left)?,
                "TIEN_SU" => rows(xml, &mut book.history, left)?,
                "TIEM_CHUNG" => rows(xml, &mut book.vaccinations, left)?,
                _ => xml.skip()?,
            }
        }
        match book.so_cccd.trim() {
            "" => Err(Wrong::Subject),
            _ => Ok(book),
        }
    }
}

/// Reads the `DONG` elements of a table.
fn rows<'a, R: Row<'a>>(
    xml: &mut Xml<'a>,
    rows: &mut Vec<R>,
    left: &mut usize,
) -> Result<(), Wrong> {
    while let Some(child) = xml.child()? {
        if child.name() != "DONG" {
            xml.skip()?;
            continue;
        }
        *left = left.checked_sub(1).ok_or(Wrong::Rows)?;
        let mut row = R::default();
        while let Some(cell) = xml.child()? {
            match row.column(cell.name()) {
                Some(place) => *place = xml.text()?,
                None => xml.skip()?,
            }
        }
        rows.push(row);
    }
    Ok(())
}
