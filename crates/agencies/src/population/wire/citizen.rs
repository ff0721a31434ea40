//! A citizen as QCVN 109 spells one (`CongDan`), with the additions of `congdan.xsd`.
//!
//! An empty text stands for a missing element. Both spellings are read: that of the standard
//! (codes in child elements) and that of the wire (codes as text). Not here: what the texts mean.

use std::fmt;

use super::parts::{Address, Card, Death, Name, Person, Stay, code, date};
use super::{Refused, Xml};

/// `CongDan`.
#[derive(Default)]
pub(in crate::population) struct Citizen {
    /// `SoDinhDanh`.
    pub(in crate::population) id: String,
    /// `SoDinhDanhCu`, repeated.
    pub(in crate::population) previous_ids: Vec<String>,
    /// `TrangThai` of the number asked for.
    pub(in crate::population) status: String,
    /// `SoCMND`, repeated.
    pub(in crate::population) legacy_ids: Vec<String>,
    /// `HoVaTen`.
    pub(in crate::population) name: Name,
    /// `TenGoiKhac`, repeated.
    pub(in crate::population) other_names: Vec<String>,
    /// `GioiTinh`.
    pub(in crate::population) sex: String,
    /// `NgayThangNamSinh`.
    pub(in crate::population) birth_date: String,
    /// `DanToc`.
    pub(in crate::population) ethnicity: String,
    /// `TonGiao`.
    pub(in crate::population) religion: String,
    /// `QuocTich`.
    pub(in crate::population) nationality: String,
    /// `TinhTrangHonNhan`.
    pub(in crate::population) marital_status: String,
    /// `NhomMau`.
    pub(in crate::population) blood_group: String,
    /// `NoiDangKyKhaiSinh`.
    pub(in crate::population) birth_registration_place: Address,
    /// `QueQuan`.
    pub(in crate::population) native_place: Address,
    /// `ThuongTru`.
    pub(in crate::population) permanent_residence: Address,
    /// `NoiOHienTai`.
    pub(in crate::population) current_residence: Address,
    /// `NoiTamTru`.
    pub(in crate::population) temporary_residence: Address,
    /// `Cha`.
    pub(in crate::population) father: Person,
    /// `Me`.
    pub(in crate::population) mother: Person,
    /// `VoChong`.
    pub(in crate::population) spouse: Person,
    /// `NguoiDaiDien`.
    pub(in crate::population) representative: Person,
    /// `ChuHo`.
    pub(in crate::population) household_head: Person,
    /// `SoSoHoKhau`.
    pub(in crate::population) household_book_no: String,
    /// `TheCanCuoc`.
    pub(in crate::population) card: Card,
    /// `TamVang`.
    pub(in crate::population) absence: Stay,
    /// `SoHoSoCuTru`.
    pub(in crate::population) residence_file_no: String,
    /// `ChetMatTich`.
    pub(in crate::population) death: Death,
    /// `SoDienThoai`.
    pub(in crate::population) phone: String,
    /// `ThuDienTu`.
    pub(in crate::population) email: String,
}

impl fmt::Debug for Citizen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Citizen(…)")
    }
}

impl Citizen {
    /// Reads the open `CongDan`. Unknown elements are skipped, missing ones stay empty.
    pub(super) fn read(xml: &mut Xml<'_>) -> Result<Self, Refused> {
        let mut it = Self::default();
        xml.children(|xml, tag| {
            let name = tag.name();
            match name {
                "SoDinhDanhCu" => push(&mut it.previous_ids, xml)?,
                "SoCMND" => push(&mut it.legacy_ids, xml)?,
                "TenGoiKhac" => push(&mut it.other_names, xml)?,
                "HoVaTen" => it.name = Name::read(xml)?,
                "NgayThangNamSinh" => it.birth_date = date(xml)?,
                "TheCanCuoc" => it.card = Card::read(xml)?,
                "TamVang" => it.absence = Stay::read(xml)?,
                "ChetMatTich" => it.death = Death::read(xml)?,
                _ => {
                    if let Some(place) = it.place(name) {
                        *place = Address::read(xml)?;
                    } else if let Some(person) = it.person(name) {
                        *person = Person::read(xml)?;
                    } else if let Some(text) = it.text(name) {
                        *text = code(xml)?;
                    }
                }
            }
            Ok(())
        })?;
        Ok(it)
    }

    fn text(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "SoDinhDanh" => &mut self.id,
            "TrangThai" => &mut self.status,
            "GioiTinh" => &mut self.sex,
            "DanToc" => &mut self.ethnicity,
            "TonGiao" => &mut self.religion,
            "QuocTich" => &mut self.nationality,
            "TinhTrangHonNhan" => &mut self.marital_status,
            "NhomMau" => &mut self.blood_group,
            "SoSoHoKhau" => &mut self.household_book_no,
            "SoHoSoCuTru" => &mut self.residence_file_no,
            "SoDienThoai" => &mut self.phone,
            "ThuDienTu" => &mut self.email,
            _ => return None,
        })
    }

    fn place(&mut self, name: &str) -> Option<&mut Address> {
        Some(match name {
            "NoiDangKyKhaiSinh" => &mut self.birth_registration_place,
            "QueQuan" => &mut self.native_place,
            "ThuongTru" => &mut self.permanent_residence,
            "NoiOHienTai" => &mut self.current_residence,
            "NoiTamTru" => &mut self.temporary_residence,
            _ => return None,
        })
    }

    fn person(&mut self, name: &str) -> Option<&mut Person> {
        Some(match name {
            "Cha" => &mut self.father,
            "Me" => &mut self.mother,
            "VoChong" => &mut self.spouse,
            "NguoiDaiDien" => &mut self.representative,
            "ChuHo" => &mut self.household_head,
            _ => return None,
        })
    }
}

fn push(list: &mut Vec<String>, xml: &mut Xml<'_>) -> Result<(), Refused> {
    let text = xml.text()?;
    if !text.is_empty() {
        list.push(text);
    }
    Ok(())
}
