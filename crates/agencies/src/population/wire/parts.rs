//! What a citizen is made of: names, addresses, related people, papers, codes and dates.
//!
//! Not here: what the texts mean.

use super::{Refused, Xml};

/// `HoVaTen {Ho, ChuDem, Ten}`, or the whole name as text.
#[derive(Default)]
pub(in crate::population) struct Name {
    pub(in crate::population) family: String,
    pub(in crate::population) middle: String,
    pub(in crate::population) given: String,
}

/// An address in either scheme of units.
#[derive(Default)]
pub(in crate::population) struct Address {
    /// `MaTinhThanh`.
    pub(in crate::population) province: String,
    /// `MaQuanHuyen`.
    pub(in crate::population) district: String,
    /// `MaPhuongXa`.
    pub(in crate::population) commune: String,
    /// `MaDonViHanhChinh`: one code of 2, 3 or 5 digits, as the standard has it.
    pub(in crate::population) unit: String,
    /// `ChiTiet`.
    pub(in crate::population) detail: String,
    /// `QuocGia`.
    pub(in crate::population) country: String,
}

/// Somebody related.
#[derive(Default)]
pub(in crate::population) struct Person {
    /// `QuanHe`.
    pub(in crate::population) relation: String,
    /// `HoVaTen`.
    pub(in crate::population) name: Name,
    /// `QuocTich`.
    pub(in crate::population) nationality: String,
    /// `SoDinhDanh`.
    pub(in crate::population) id: String,
    /// `SoCMND`.
    pub(in crate::population) legacy_id: String,
}

/// `TheCanCuoc {NgayCap, NoiCap, NgayHetHan}`.
#[derive(Default)]
pub(in crate::population) struct Card {
    pub(in crate::population) issued_on: String,
    pub(in crate::population) issuer: String,
    pub(in crate::population) expires_on: String,
}

/// `TamVang {TuNgay, DenNgay, NoiDen}`.
#[derive(Default)]
pub(in crate::population) struct Stay {
    pub(in crate::population) from: String,
    pub(in crate::population) to: String,
    pub(in crate::population) destination: String,
}

/// `ChetMatTich {Loai, Ngay}`.
#[derive(Default)]
pub(in crate::population) struct Death {
    pub(in crate::population) kind: String,
    pub(in crate::population) date: String,
}

impl Name {
    pub(super) fn read(xml: &mut Xml<'_>) -> Result<Self, Refused> {
        let mut it = Self::default();
        let whole = xml.children(|xml, tag| {
            match tag.name() {
                "Ho" => it.family = xml.text()?,
                "ChuDem" => it.middle = xml.text()?,
                "Ten" => it.given = xml.text()?,
                _ => {}
            }
            Ok(())
        })?;
        if it.given.is_empty() {
            it.given = whole.into_owned();
        }
        Ok(it)
    }
}

impl Address {
    pub(super) fn read(xml: &mut Xml<'_>) -> Result<Self, Refused> {
        let mut it = Self::default();
        xml.children(|xml, tag| {
            match tag.name() {
                "MaTinhThanh" => it.province = xml.text()?,
                "MaQuanHuyen" => it.district = xml.text()?,
                "MaPhuongXa" => it.commune = xml.text()?,
                "MaDonViHanhChinh" => it.unit = xml.text()?,
                "ChiTiet" => it.detail = xml.text()?,
                "QuocGia" => it.country = code(xml)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(it)
    }
}

impl Person {
    pub(super) fn read(xml: &mut Xml<'_>) -> Result<Self, Refused> {
        let mut it = Self::default();
        xml.children(|xml, tag| {
            match tag.name() {
                "QuanHe" => it.relation = code(xml)?,
                "HoVaTen" => it.name = Name::read(xml)?,
                "QuocTich" => it.nationality = code(xml)?,
                "SoDinhDanh" => it.id = xml.text()?,
                "SoCMND" => it.legacy_id = xml.text()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(it)
    }
}

impl Card {
    pub(super) fn read(xml: &mut Xml<'_>) -> Result<Self, Refused> {
        let mut it = Self::default();
        xml.children(|xml, tag| {
            match tag.name() {
                "NgayCap" => it.issued_on = date(xml)?,
                "NoiCap" => it.issuer = xml.text()?,
                "NgayHetHan" => it.expires_on = date(xml)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(it)
    }
}

impl Stay {
    pub(super) fn read(xml: &mut Xml<'_>) -> Result<Self, Refused> {
        let mut it = Self::default();
        xml.children(|xml, tag| {
            match tag.name() {
                "TuNgay" => it.from = date(xml)?,
                "DenNgay" => it.to = date(xml)?,
                "NoiDen" => it.destination = xml.text()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(it)
    }
}

impl Death {
    pub(super) fn read(xml: &mut Xml<'_>) -> Result<Self, Refused> {
        let mut it = Self::default();
        xml.children(|xml, tag| {
            match tag.name() {
                "Loai" => it.kind = xml.text()?,
                "Ngay" => it.date = date(xml)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(it)
    }
}

/// A code: the text of the element, or of its child `Ma…` as the standard has it.
pub(super) fn code(xml: &mut Xml<'_>) -> Result<String, Refused> {
    let mut nested = String::new();
    let text = xml.children(|xml, tag| {
        if nested.is_empty() && tag.name().starts_with("Ma") {
            nested = xml.text()?;
        }
        Ok(())
    })?;
    Ok(if text.is_empty() {
        nested
    } else {
        text.into_owned()
    })
}

/// A date: `NgayThangNam`, `ThangNam` or `Nam`, the most precise that is there, or plain text.
pub(in crate::population) fn date(xml: &mut Xml<'_>) -> Result<String, Refused> {
    let [mut day, mut month, mut year] = [const { String::new() }; 3];
    let plain = xml.children(|xml, tag| {
        match tag.name() {
            "NgayThangNam" => day = xml.text()?,
            "ThangNam" => month = xml.text()?,
            "Nam" => year = xml.text()?,
            _ => {}
        }
        Ok(())
    })?;
    let found = [day, month, year].into_iter().find(|text| !text.is_empty());
    Ok(found.unwrap_or_else(|| plain.into_owned()))
}
