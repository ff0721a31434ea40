//! What the agency says: a collection of citizens, a session, or a fault; as a SOAP envelope, as
//! the bare QCVN 109 document, or as the JSON in which provincial platforms (LGSP) wrap it.
//!
//! *Invariant:* a message never shows what the agency sent.

use std::fmt;
use std::time::Duration;

use adapter::says_session_over;
use serde::Deserialize;

use super::{Citizen, Refused, Xml};

/// What the agency says.
pub(in crate::population) enum Said {
    /// `CongdanCollection`.
    Citizens(Collection),
    /// `DangNhapResponse`.
    LoggedIn {
        /// `MaPhien`.
        session: String,
        /// `ThoiHan`.
        life: Duration,
    },
    /// A SOAP fault, or an error number in JSON.
    Fault(Fault),
}

/// `CongdanCollection`.
#[derive(Debug, Default)]
pub(in crate::population) struct Collection {
    /// `id`, which repeats `MaYeuCau`.
    pub(in crate::population) id: String,
    /// `ThoiDiemDuLieu`.
    pub(in crate::population) as_of: String,
    /// How many `CongDan` there are, whatever `SoCongDan` says.
    pub(in crate::population) count: u32,
    /// The first of them.
    pub(in crate::population) first: Option<Box<Citizen>>,
}

/// A fault.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::population) struct Fault {
    /// What it means.
    pub(in crate::population) trouble: Trouble,
    /// `ThuLaiSau`, at most an hour.
    pub(in crate::population) retry_after: Option<Duration>,
}

/// The meanings of `MaLoi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::population) enum Trouble {
    /// 001: the session is over.
    SessionOver,
    /// 002: account or signature.
    Credentials,
    /// 003: the request is malformed.
    Request,
    /// 004: the procedure is not licensed to ask.
    Procedure,
    /// 005: the officer lacks the right.
    Officer,
    /// 006: the agency's own limit.
    RateLimit,
    /// 007: maintenance.
    Maintenance,
    /// 008: an error of the agency.
    Server,
    /// 009: the record hangs or takes too long.
    Timeout,
    /// 010: the record is closed.
    Sealed,
    /// Any other.
    Other,
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Citizens(collection) => write!(f, "{} citizens", collection.count),
            Self::LoggedIn { life, .. } => write!(f, "a session of {life:?}"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl Said {
    /// Reads an XML answer.
    pub(in crate::population) fn from_xml(bytes: &[u8]) -> Result<Self, Refused> {
        document(&mut Xml::new(bytes)?, Nested::No)
    }

    /// Reads `{"error_code", "message"}`, the message being XML.
    pub(in crate::population) fn from_json(bytes: &[u8]) -> Result<Self, Refused> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let wrapped: Wrapped =
            serde_json::from_slice(bytes).map_err(|_| Refused("is not the JSON of a platform"))?;
        match wrapped.code() {
            code if code.bytes().all(|b| b == b'0') => {
                document(&mut Xml::new(&wrapped.message)?, Nested::No)
            }
            code => Ok(Self::Fault(Fault::new(&code, &wrapped.message, ""))),
        }
    }
}

impl Fault {
    fn new(code: &str, text: &str, retry_after_s: &str) -> Self {
        let mut trouble = Trouble::of(code);
        if trouble == Trouble::Other && says_session_over(text) {
            trouble = Trouble::SessionOver;
        }
        let seconds: Option<u64> = retry_after_s.parse().ok();
        Self {
            trouble,
            retry_after: seconds.map(|s| Duration::from_secs(s.min(3_600))),
        }
    }

    /// Reads the open `Fault`.
    fn read(xml: &mut Xml<'_>) -> Result<Self, Refused> {
        let [mut code, mut text, mut retry] = [const { String::new() }; 3];
        xml.children(|xml, tag| {
            match tag.name() {
                "faultstring" => text = xml.text()?,
                "detail" => {
                    xml.children(|xml, _| {
                        xml.children(|xml, tag| {
                            match tag.name() {
                                "MaLoi" => code = xml.text()?,
                                "ThuLaiSau" => retry = xml.text()?,
                                _ => {}
                            }
                            Ok(())
                        })?;
                        Ok(())
                    })?;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self::new(&code, &text, &retry))
    }
}

impl Trouble {
    /// The meaning of a `MaLoi`, with or without its leading zeros.
    fn of(code: &str) -> Self {
        match code.trim().trim_start_matches('0') {
            "1" => Self::SessionOver,
            "2" => Self::Credentials,
            "3" => Self::Request,
            "4" => Self::Procedure,
            "5" => Self::Officer,
            "6" => Self::RateLimit,
            "7" => Self::Maintenance,
            "8" => Self::Server,
            "9" => Self::Timeout,
            "10" => Self::Sealed,
            _ => Self::Other,
        }
    }
}

impl Collection {
    /// Reads the open `CongdanCollection`.
    fn read(xml: &mut Xml<'_>) -> Result<Self, Refused> {
        let mut it = Self::default();
        xml.children(|xml, tag| {
            if tag.name() == "CongDan" {
                it.count += 1;
                if it.count == 1 {
                    it.first = Some(Box::new(Citizen::read(xml)?));
                }
            }
            Ok(())
        })?;
        Ok(it)
    }
}

/// `{"error_code": "0", "message": "<…>"}`.
#[derive(Deserialize)]
struct Wrapped {
    error_code: serde_json::Value,
    #[serde(default)]
    message: String,
}

impl Wrapped {
    fn code(&self) -> String {
        let text = self.error_code.as_str().map(|text| text.trim().to_owned());
        text.unwrap_or_else(|| self.error_code.to_string())
    }
}

/// True inside a text that was itself escaped: one layer is unwrapped, never two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nested {
    No,
    Yes,
}

/// Reads a whole document.
fn document(xml: &mut Xml<'_>, nested: Nested) -> Result<Said, Refused> {
    seek(xml, nested)?.ok_or(Refused("holds nothing that is known"))
}

/// Reads the children of the open element (or of the document) for what says something. A text
/// in their place is XML that was escaped or put into CDATA.
fn seek(xml: &mut Xml<'_>, nested: Nested) -> Result<Option<Said>, Refused> {
    let mut said = None;
    let text = xml.children(|xml, tag| {
        let heard = match tag.name() {
            "CongdanCollection" => Some(Said::Citizens(Collection {
                id: Xml::attribute(tag, "id")?,
                as_of: Xml::attribute(tag, "ThoiDiemDuLieu")?,
                ..Collection::read(xml)?
            })),
            "DangNhapResponse" => Some(session(xml)?),
            "Fault" => Some(Said::Fault(Fault::read(xml)?)),
            "Header" => None,
            // The envelope, its body, the response, and a `return` or the like inside it.
            _ => seek(xml, nested)?,
        };
        said = said.take().or(heard);
        Ok(())
    })?;
    match said {
        None if nested == Nested::No && text.starts_with(['<', '\u{feff}']) => {
            seek(&mut Xml::new(text.as_ref())?, Nested::Yes)
        }
        None if says_session_over(&text) => Ok(Some(Said::Fault(Fault::new("001", "", "")))),
        said => Ok(said),
    }
}

/// Reads the open `DangNhapResponse`.
fn session(xml: &mut Xml<'_>) -> Result<Said, Refused> {
    let [mut session, mut life] = [const { String::new() }; 2];
    xml.children(|xml, tag| {
        match tag.name() {
            "MaPhien" => session = xml.text()?,
            "ThoiHan" => life = xml.text()?,
            _ => {}
        }
        Ok(())
    })?;
    match life.parse() {
        Ok(seconds) if !session.is_empty() => Ok(Said::LoggedIn {
            session,
            life: Duration::from_secs(seconds),
        }),
        _ => Err(Refused("gives no session")),
    }
}
