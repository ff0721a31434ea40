//! The envelopes of answers: sessions, collections, faults.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};
use sim::Again;

use super::door::LIFE_S;
use crate::population::wire::{CITIZEN_NS, SERVICE_NS, SOAP_NS, element};

/// A refusal, in the agency's numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    SessionOver,
    Credentials,
    Request,
    Procedure,
    Officer,
    RateLimit,
    Maintenance,
    Server,
    Timeout,
    Sealed,
    Unknown,
}

impl Refusal {
    /// The name in the journal.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SessionOver => "session_expired",
            Self::Credentials => "credentials",
            Self::Request => "request",
            Self::Procedure => "procedure",
            Self::Officer => "officer",
            Self::RateLimit => "rate_limited",
            Self::Maintenance => "maintenance",
            Self::Server => "server_error",
            Self::Timeout => "timeout_as_answer",
            Self::Sealed => "sealed",
            Self::Unknown => "not_found_as_failure",
        }
    }

    /// `MaLoi`, the text, and `ThuLaiSau` in seconds if the knobs do not say.
    const fn words(self) -> (&'static str, &'static str, Option<u64>) {
        match self {
            Self::SessionOver => ("001", "phiên hết hạn", None),
            Self::Credentials => ("002", "tài khoản hoặc chữ ký không hợp lệ", None),
            Self::Request => ("003", "yêu cầu không hợp lệ", None),
            Self::Procedure => ("004", "dịch vụ công chưa được cấp phép khai thác", None),
            Self::Officer => ("005", "cán bộ không có quyền tra cứu", None),
            Self::RateLimit => ("006", "vượt quá số lượt tra cứu", Some(3)),
            Self::Maintenance => ("007", "hệ thống đang bảo trì", Some(30)),
            Self::Server => ("008", "lỗi hệ thống", None),
            Self::Timeout => ("009", "quá thời gian xử lý", None),
            Self::Sealed => ("010", "hồ sơ hạn chế khai thác", None),
            // A number that stands in no list.
            Self::Unknown => ("012", "không tìm thấy công dân", None),
        }
    }
}

/// A fault, with 500 as SOAP 1.1 asks; the end of a session with 200 and 500 by turns, as the
/// agency says it, and the end of its time with 200.
pub(super) fn fault(
    refusal: Refusal,
    again: Again,
    now: Timestamp,
    turn: &AtomicBool,
) -> Response<Bytes> {
    let (code, text, retry_after) = refusal.words();
    let mut out = open(1_024);
    out.push_str("<soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>");
    out.push_str(text);
    out.push_str("</faultstring><detail><dan:LoiDichVu>");
    element(&mut out, "dan", "MaLoi", code);
    element(&mut out, "dan", "MoTa", text);
    if let Some(text) = retry_after.and_then(|usual| again.text(usual, now)) {
        element(&mut out, "dan", "ThuLaiSau", &text);
    }
    out.push_str("</dan:LoiDichVu></detail></soapenv:Fault>");
    let by_turns = matches!(refusal, Refusal::SessionOver);
    let is_ok = matches!(refusal, Refusal::Timeout)
        || (by_turns && turn.fetch_xor(true, Ordering::Relaxed));
    let status = if is_ok {
        StatusCode::OK
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    close(out, status)
}

/// `DangNhapResponse`.
pub(super) fn session(session: &str) -> Response<Bytes> {
    let mut out = open(512);
    out.push_str("<dan:DangNhapResponse>");
    element(&mut out, "dan", "MaPhien", session);
    element(&mut out, "dan", "ThoiHan", &LIFE_S.to_string());
    out.push_str("</dan:DangNhapResponse>");
    close(out, StatusCode::OK)
}

/// `TraCuuThongTinCongDanResponse` around rendered citizens.
pub(super) fn citizens(request_id: &str, now: Timestamp, citizens: &[Bytes]) -> Response<Bytes> {
    let length: usize = citizens.iter().map(Bytes::len).sum();
    let mut out = open(1_024 + length);
    out.push_str("<dan:TraCuuThongTinCongDanResponse><ns1:CongdanCollection xmlns:ns1=\"");
    out.push_str(CITIZEN_NS);
    out.push_str("\" SoCongDan=\"");
    out.push_str(&citizens.len().to_string());
    out.push_str("\" ThoiDiemDuLieu=\"");
    let zoned = now.to_zoned(TimeZone::fixed(offset(7)));
    out.push_str(&zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
    out.push_str("\" id=\"");
    out.push_str(&quick_xml::escape::escape(request_id));
    out.push_str("\">");
    for citizen in citizens {
        // Rendered from a `String`, so it is UTF-8.
        out.push_str(std::str::from_utf8(citizen).unwrap_or_default());
    }
    out.push_str("</ns1:CongdanCollection></dan:TraCuuThongTinCongDanResponse>");
    close(out, StatusCode::OK)
}

fn open(capacity: usize) -> String {
    let mut out = String::with_capacity(capacity);
    out.push_str(r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv=""#);
    out.push_str(SOAP_NS);
    out.push_str(r#"" xmlns:dan=""#);
    out.push_str(SERVICE_NS);
    out.push_str(r#""><soapenv:Body>"#);
    out
}

fn close(mut out: String, status: StatusCode) -> Response<Bytes> {
    out.push_str("</soapenv:Body></soapenv:Envelope>");
    let mut response = Response::new(Bytes::from(out));
    *response.status_mut() = status;
    let xml = HeaderValue::from_static("text/xml; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, xml);
    response
}
