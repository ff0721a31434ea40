//! What is asked: the envelopes of the login and of the lookup.
//!
//! *Invariant:* the elements of a request stand in the one order that the agency accepts.

use exchange::{CitizenId, PartialDate};

use super::{SERVICE_NS, SOAP_NS, element};

/// What every lookup says of the one who asks.
pub(in crate::population) struct Header<'a> {
    /// The session (`MaPhien`).
    pub(in crate::population) session: &'a str,
    /// The id of the request (`MaYeuCau`).
    pub(in crate::population) request_id: &'a str,
    /// The procedure or service that justifies it (`MaDVC`).
    pub(in crate::population) service: &'a str,
    /// The integration service (`MaTichHop`).
    pub(in crate::population) integration: &'a str,
    /// The officer (`MaCanBo`).
    pub(in crate::population) officer: &'a str,
    /// The unit (`MaDonVi`).
    pub(in crate::population) unit: &'a str,
    /// The account (`TaiKhoan`).
    pub(in crate::population) account: &'a str,
}

/// The number by which a citizen is asked for.
#[derive(Clone, Copy)]
pub(in crate::population) enum Number<'a> {
    /// `SoDinhDanh`, twelve digits.
    Personal(&'a CitizenId),
    /// `SoCMND`, nine digits.
    Legacy(&'a str),
}

/// What is asked about one citizen.
pub(in crate::population) struct LookUp<'a> {
    /// The number.
    pub(in crate::population) number: Number<'a>,
    /// The name the caller knows.
    pub(in crate::population) name: Option<&'a str>,
    /// The birth date the caller knows.
    pub(in crate::population) birth_date: Option<PartialDate>,
    /// The elements wanted.
    pub(in crate::population) elements: &'a [&'static str],
}

/// The envelope of `DangNhap`.
pub(in crate::population) fn log_in(unit: &str, account: &str) -> String {
    let mut out = open(512);
    out.push_str("<soapenv:Header/><soapenv:Body><dan:DangNhap>");
    element(&mut out, "dan", "MaDonVi", unit);
    element(&mut out, "dan", "TaiKhoan", account);
    out.push_str("</dan:DangNhap></soapenv:Body></soapenv:Envelope>");
    out
}

impl LookUp<'_> {
    /// The envelope of `TraCuuThongTinCongDan`.
    pub(in crate::population) fn envelope(&self, header: &Header<'_>) -> String {
        let mut out = open(2048);
        out.push_str("<soapenv:Header>");
        element(&mut out, "dan", "MaPhien", header.session);
        out.push_str("</soapenv:Header><soapenv:Body><dan:TraCuuThongTinCongDan>");
        for (name, text) in [
            ("MaYeuCau", header.request_id),
            ("MaDVC", header.service),
            ("MaTichHop", header.integration),
            ("MaCanBo", header.officer),
            ("MaDonVi", header.unit),
            ("TaiKhoan", header.account),
        ] {
            element(&mut out, "dan", name, text);
        }
        self.subject(&mut out);
        out.push_str("<dan:DanhSachTruong>");
        for name in self.elements {
            element(&mut out, "dan", "Truong", name);
        }
        out.push_str(
            "</dan:DanhSachTruong></dan:TraCuuThongTinCongDan></soapenv:Body></soapenv:Envelope>",
        );
        out
    }

    fn subject(&self, out: &mut String) {
        match self.number {
            Number::Personal(id) => element(out, "dan", "SoDinhDanh", id.reveal()),
            Number::Legacy(number) => element(out, "dan", "SoCMND", number),
        }
        if let Some(name) = self.name {
            element(out, "dan", "HoVaTen", &name.to_uppercase());
        }
        if let Some(date) = self.birth_date {
            let name = match (date.month(), date.day()) {
                (Some(_), Some(_)) => "NgayThangNam",
                (Some(_), None) => "ThangNam",
                (None, _) => "Nam",
            };
            out.push_str("<dan:NgayThangNamSinh>");
            element(out, "dan", name, &date.reveal().replace('-', ""));
            out.push_str("</dan:NgayThangNamSinh>");
        }
    }
}

fn open(capacity: usize) -> String {
    let mut out = String::with_capacity(capacity);
    out.push_str(r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv=""#);
    out.push_str(SOAP_NS);
    out.push_str(r#"" xmlns:dan=""#);
    out.push_str(SERVICE_NS);
    out.push_str(r#"">"#);
    out
}
