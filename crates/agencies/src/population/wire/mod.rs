//! Their spelling: the envelope of requests, the answers, the citizens in them, the signature.
//!
//! Not here: what their words mean to us (`translate`), calls (`client`).

mod answer;
mod citizen;
mod parts;
mod request;
mod signature;
mod xml;

pub(super) use answer::{Collection, Fault, Said, Trouble};
pub(super) use citizen::Citizen;
#[cfg(feature = "sim")]
pub(super) use parts::date;
pub(super) use parts::{Address, Card, Death, Name, Person, Stay};
pub(super) use request::{Header, LookUp, Number, log_in};
pub(super) use signature::authorization;
pub(super) use xml::{Refused, Xml};

/// The namespace of the operations.
pub(super) const SERVICE_NS: &str = "http://dancuquocgia.bca";

/// The namespace of citizens (QCVN 109:2017/BTTTT).
#[cfg(feature = "sim")]
pub(super) const CITIZEN_NS: &str = "http://www.mic.gov.vn/dancu/1.0";

/// The namespace of SOAP 1.1.
pub(super) const SOAP_NS: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// Appends an element with an escaped text.
pub(super) fn element(out: &mut String, prefix: &str, name: &str, text: &str) {
    for part in ["<", prefix, ":", name, ">"] {
        out.push_str(part);
    }
    out.push_str(&quick_xml::escape::partial_escape(text));
    for part in ["</", prefix, ":", name, ">"] {
        out.push_str(part);
    }
}
