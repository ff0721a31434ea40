//! What a request asks, read as strictly as the agency reads it.

use exchange::{CitizenId, FieldSet};

use crate::population::translate;
use crate::population::wire::{Refused, Xml, date};

/// The elements of a lookup, in the one order that is accepted.
const ORDER: [&str; 12] = [
    "MaYeuCau",
    "MaDVC",
    "MaTichHop",
    "MaCanBo",
    "MaDonVi",
    "TaiKhoan",
    "SoDienThoai",
    "SoDinhDanh",
    "SoCMND",
    "HoVaTen",
    "NgayThangNamSinh",
    "DanhSachTruong",
];

/// A request.
pub(in crate::population) enum Question {
    /// `DangNhap`.
    LogIn {
        /// `TaiKhoan`.
        account: String,
    },
    /// `TraCuuThongTinCongDan`.
    LookUp(Box<LookUp>),
}

/// A lookup. A text that is missing is empty.
#[derive(Default)]
pub(in crate::population) struct LookUp {
    pub(super) session: String,
    pub(super) request_id: String,
    pub(super) service: String,
    integration: String,
    pub(super) officer: String,
    unit: String,
    pub(super) account: String,
    pub(super) personal_id: String,
    pub(super) legacy_id: String,
    pub(super) name: String,
    pub(super) birth_date: String,
    /// The elements wanted, as they were named.
    pub(super) elements: Vec<String>,
    /// Those that are known.
    pub(super) fields: FieldSet,
}

impl Question {
    /// Reads a request.
    pub(in crate::population) fn read(body: &[u8]) -> Result<Self, Refused> {
        let mut session = String::new();
        let mut question = None;
        Xml::new(body)?.children(|xml, tag| {
            if tag.name() != "Envelope" {
                return Err(Refused("is no envelope"));
            }
            xml.children(|xml, tag| {
                match tag.name() {
                    "Header" => session = header(xml)?,
                    "Body" => question = body_of(xml)?,
                    _ => {}
                }
                Ok(())
            })?;
            Ok(())
        })?;
        match question.ok_or(Refused("asks nothing that is known"))? {
            Self::LookUp(mut look_up) => {
                look_up.session = session;
                look_up.check()?;
                Ok(Self::LookUp(look_up))
            }
            log_in @ Self::LogIn { .. } => Ok(log_in),
        }
    }
}

impl LookUp {
    fn read(xml: &mut Xml<'_>) -> Result<Self, Refused> {
        let mut it = Self::default();
        let mut reached = 0;
        xml.children(|xml, tag| {
            let name = tag.name();
            let place = ORDER.iter().position(|known| *known == name);
            let place = place.ok_or(Refused("holds an unknown element"))?;
            if place < reached {
                return Err(Refused("has its elements in another order"));
            }
            reached = place;
            match name {
                "DanhSachTruong" => it.read_elements(xml)?,
                "NgayThangNamSinh" => it.birth_date = date(xml)?,
                _ => {
                    if let Some(text) = it.text(name) {
                        *text = xml.text()?;
                    }
                }
            }
            Ok(())
        })?;
        Ok(it)
    }

    fn text(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "MaYeuCau" => &mut self.request_id,
            "MaDVC" => &mut self.service,
            "MaTichHop" => &mut self.integration,
            "MaCanBo" => &mut self.officer,
            "MaDonVi" => &mut self.unit,
            "TaiKhoan" => &mut self.account,
            "SoDinhDanh" => &mut self.personal_id,
            "SoCMND" => &mut self.legacy_id,
            "HoVaTen" => &mut self.name,
            _ => return None,
        })
    }

    fn read_elements(&mut self, xml: &mut Xml<'_>) -> Result<(), Refused> {
        xml.children(|xml, tag| {
            if tag.name() == "Truong" {
                let element = xml.text()?;
                if let Some(field) = translate::field(&element) {
                    self.fields.insert(field);
                }
                self.elements.push(element);
            }
            Ok(())
        })?;
        Ok(())
    }

    fn check(&self) -> Result<(), Refused> {
        let required = [
            &self.request_id,
            &self.service,
            &self.integration,
            &self.officer,
            &self.unit,
            &self.account,
        ];
        if required.iter().any(|text| text.is_empty()) || self.elements.is_empty() {
            return Err(Refused("lacks a required element"));
        }
        match (
            CitizenId::from_agency(&self.personal_id),
            self.legacy_id.len(),
        ) {
            (Some(_), 0) => Ok(()),
            (None, 9) if self.personal_id.is_empty() => Ok(()),
            _ => Err(Refused("names no citizen, or two")),
        }
    }
}

fn header(xml: &mut Xml<'_>) -> Result<String, Refused> {
    let mut session = String::new();
    xml.children(|xml, tag| {
        if tag.name() == "MaPhien" {
            session = xml.text()?;
        }
        Ok(())
    })?;
    Ok(session)
}

fn body_of(xml: &mut Xml<'_>) -> Result<Option<Question>, Refused> {
    let mut question = None;
    xml.children(|xml, tag| {
        match tag.name() {
            "DangNhap" => {
                let mut account = String::new();
                xml.children(|xml, tag| {
                    if tag.name() == "TaiKhoan" {
                        account = xml.text()?;
                    }
                    Ok(())
                })?;
                question = Some(Question::LogIn { account });
            }
            "TraCuuThongTinCongDan" => {
                question = Some(Question::LookUp(Box::new(LookUp::read(xml)?)));
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::wire::{Header, LookUp as Ask, Number};

    fn header() -> Header<'static> {
        Header {
            session: "S",
            request_id: "R",
            service: "A&B",
            integration: "037",
            officer: "O",
            unit: "U",
            account: "lienthong",
        }
    }

    #[test]
    fn what_the_adapter_asks_is_understood() {
        let id = CitizenId::from_agency("999099000001").unwrap();
        let ask = Ask {
            number: Number::Personal(&id),
            name: Some("Nguyễn <Văn> Thử"),
            birth_date: exchange::PartialDate::parse("1999-02"),
            elements: &["SoDinhDanh", "GioiTinh"],
        };
        let Ok(Question::LookUp(it)) = Question::read(ask.envelope(&header()).as_bytes()) else {
            panic!("no lookup");
        };
        assert_eq!((it.session.as_str(), it.service.as_str()), ("S", "A&B"));
        assert_eq!(
            (it.name.as_str(), it.birth_date.as_str()),
            ("NGUYỄN <VĂN> THỬ", "199902")
        );
        assert_eq!((it.elements.len(), it.fields.len()), (2, 2));
    }

    #[test]
    fn another_order_is_refused() {
        let ask = Ask {
            number: Number::Legacy("123456789"),
            name: None,
            birth_date: None,
            elements: &["SoDinhDanh"],
        };
        let envelope = ask.envelope(&header());
        assert!(Question::read(envelope.as_bytes()).is_ok());
        let unit = "<dan:MaDonVi>U</dan:MaDonVi>";
        let moved = envelope.replace(unit, "");
        let moved = moved.replace("<dan:MaYeuCau>", &format!("{unit}<dan:MaYeuCau>"));
        assert!(Question::read(moved.as_bytes()).is_err());
    }
}
