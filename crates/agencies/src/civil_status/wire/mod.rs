//! The register's spelling: what is sent, and the shape of what comes back.
//!
//! Members are named as on the wire. Members that are unknown are ignored, members that stand
//! twice are refused, and what is missing or `null` is absent. Not here: what anything means.

mod code;
mod object;
mod record;

pub(crate) use code::Code;
pub(crate) use object::Object;
pub(crate) use record::{Citizen, Death, Entry, Marriage, Parentage, Person, Place, Records};

use adapter::Question;
use bytes::Bytes;
use exchange::PartialDate;
use serde::{Deserialize, Serialize};

use super::translate;

/// Where a session is opened.
pub(crate) const LOGIN: &str = "api/auth/token";
/// Where a dossier of enquiry is registered.
pub(crate) const ENQUIRE: &str = "api/hotich/traCuu";
/// Where a dossier tells how far it is.
pub(crate) const STATUS: &str = "api/hotich/traTrangThaiHoSo";
/// Where a dossier that is done gives its records.
pub(crate) const RESULT: &str = "api/hotich/ketQuaDangKyHS";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Login<'a> {
    tai_khoan: &'a str,
    mat_khau: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enquiry<'a> {
    ma_yeu_cau: &'a str,
    so_dinh_danh: &'a str,
    danh_sach_truong: Vec<&'static str>,
    don_vi: &'a str,
    muc_dich: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ma_thu_tuc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    so_ho_so: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ma_can_bo: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ho_ten: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ngay_sinh: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DossierRef<'a> {
    ma_ho_so: &'a str,
}

/// The body of a login.
pub(crate) fn login(user: &str, secret: &str) -> Bytes {
    body(&Login {
        tai_khoan: user,
        mat_khau: secret,
    })
}

/// The body of an enquiry: the fields of the question, and the number for the subject check.
pub(crate) fn enquiry(question: &Question<'_>, request_id: &str) -> Bytes {
    let context = &question.context;
    let request = context.request;
    body(&Enquiry {
        ma_yeu_cau: request_id,
        so_dinh_danh: question.subject.reveal(),
        danh_sach_truong: translate::elements(&question.fields),
        don_vi: context.caller.agency().as_str(),
        muc_dich: request.purpose.as_str(),
        ma_thu_tuc: request.procedure.as_ref().map(|word| word.as_str()),
        so_ho_so: request.dossier.as_ref().map(|word| word.reveal()),
        ma_can_bo: request.officer.as_ref().map(|word| word.reveal()),
        ho_ten: question.hints.full_name.as_deref(),
        ngay_sinh: question.hints.birth_date.as_ref().map(date),
    })
}

/// The body of a question about a dossier.
pub(crate) fn dossier(id: &str) -> Bytes {
    body(&DossierRef { ma_ho_so: id })
}

/// A date as the register writes it: `dd/MM/yyyy`, `MM/yyyy` or `yyyy`.
pub(crate) fn date(date: &PartialDate) -> String {
    match (date.month(), date.day()) {
        (Some(month), Some(day)) => format!("{day:02}/{month:02}/{:04}", date.year()),
        (Some(month), None) => format!("{month:02}/{:04}", date.year()),
        (None, _) => format!("{:04}", date.year()),
    }
}

/// These structs hold strings and lists of strings only, which `serde_json` always writes.
fn body(message: &impl Serialize) -> Bytes {
    serde_json::to_vec(message).unwrap_or_default().into()
}

/// What a login answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    /// The bearer token.
    pub(crate) token: String,
    /// Its life in seconds.
    pub(crate) expires_in: u64,
}

/// What every other operation answers: how far a dossier is, its records, or a refusal.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reply {
    /// The number of a refusal; zero stands for none.
    pub(crate) ma_loi: Option<Code>,
    /// What it means, in words.
    pub(crate) mo_ta: Option<String>,
    /// The request that is answered.
    pub(crate) ma_yeu_cau: Option<Code>,
    /// The dossier.
    pub(crate) ma_ho_so: Option<Code>,
    /// How far it is.
    pub(crate) trang_thai: Option<Code>,
    /// When to ask again, in milliseconds.
    pub(crate) thu_lai_sau_ms: Option<u64>,
    /// The time for which the register vouches.
    pub(crate) thoi_diem_du_lieu: Option<String>,
    /// The records; an object and nothing else.
    pub(crate) ket_qua: Option<Object<Records>>,
}

impl Reply {
    /// The number of the refusal, if it is one.
    pub(crate) fn refusal(&self) -> Option<&str> {
        let code = self.ma_loi.as_ref()?.as_str();
        let zero = code.bytes().all(|b| b == b'0');
        (!zero).then_some(code)
    }
}
