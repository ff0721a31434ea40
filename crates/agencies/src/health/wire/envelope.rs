//! The signed envelope of QĐ 1551/QĐ-BYT, the same in both directions.
//!
//! *Invariant:* the signed bytes are the ten header values joined by `|`, another `|`, and the
//! base64 text of the data; no header value holds a `|`, so no two messages share their bytes.

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};

use super::Wrong;

/// The version of the envelope.
pub(crate) const VERSION: &str = "1.0";
/// The transaction: a look into a health book.
pub(crate) const TXN_SEARCH: &str = "TRA_CUU_HSSK";
/// `msg_type` of a question.
pub(crate) const REQUEST: &str = "101";
/// `msg_type` of an answer.
pub(crate) const ANSWER: &str = "102";
/// `data_type` of a question.
pub(crate) const DATA_QUERY: &str = "TRA_CUU";
/// `data_type` of an answer.
pub(crate) const DATA_RECORD: &str = "DANH_SACH_HO_SO";

/// An envelope: who writes to whom, the data in base64, and the signature in base64.
#[derive(Serialize, Deserialize)]
pub(crate) struct Envelope<'a> {
    /// Who writes what to whom.
    #[serde(borrow)]
    pub(crate) header: Header<'a>,
    /// Base64 of the XML; empty unless the status is `CM_SUCCESS`.
    #[serde(borrow, default)]
    pub(crate) data: Cow<'a, str>,
    /// Base64 of the signature.
    #[serde(borrow, default)]
    pub(crate) signature: Cow<'a, str>,
}

/// The header of an envelope.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Header<'a> {
    /// [`VERSION`].
    #[serde(borrow)]
    pub(crate) version: Cow<'a, str>,
    /// 13 digits: who writes.
    #[serde(borrow)]
    pub(crate) sender_id: Cow<'a, str>,
    /// 13 digits: to whom.
    #[serde(borrow)]
    pub(crate) receiver_id: Cow<'a, str>,
    /// [`TXN_SEARCH`].
    #[serde(borrow)]
    pub(crate) txn_type: Cow<'a, str>,
    /// Sender, `YYMMDD`, 32 hexadecimal digits.
    #[serde(borrow)]
    pub(crate) msg_id: Cow<'a, str>,
    /// In an answer, the `msg_id` of the question.
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(crate) ref_msg_id: Cow<'a, str>,
    /// [`REQUEST`] or [`ANSWER`].
    #[serde(borrow)]
    pub(crate) msg_type: Cow<'a, str>,
    /// [`DATA_QUERY`] or [`DATA_RECORD`].
    #[serde(borrow)]
    pub(crate) data_type: Cow<'a, str>,
    /// Milliseconds since 1970.
    pub(crate) send_datetime: i64,
    /// In an answer, one of [`Status`].
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(crate) status_code: Cow<'a, str>,
}

impl<'a> Envelope<'a> {
    /// Reads an envelope; a byte order mark may precede it.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Wrong> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        // Nearly all of it is one text of base64, which serde would check again, and more slowly.
        let text = simdutf8::basic::from_utf8(body).map_err(|_| Wrong::Envelope)?;
        serde_json::from_str(text).map_err(|_| Wrong::Envelope)
    }

    /// The JSON text.
    pub(crate) fn write(&self) -> Result<Vec<u8>, Wrong> {
        serde_json::to_vec(self).map_err(|_| Wrong::Envelope)
    }

    /// SHA-256 of the bytes that are signed.
    pub(crate) fn digest(&self) -> Result<Digest, Wrong> {
        let header = &self.header;
        let time = header.send_datetime.to_string();
        let mut context = Context::new(&SHA256);
        for value in [
            &header.version,
            &header.sender_id,
            &header.receiver_id,
            &header.txn_type,
            &header.msg_id,
            &header.ref_msg_id,
            &header.msg_type,
            &header.data_type,
            &Cow::Borrowed(time.as_str()),
            &header.status_code,
        ] {
            if !value.bytes().all(|b| b.is_ascii_graphic() && b != b'|') {
                return Err(Wrong::Header);
            }
            context.update(value.as_bytes());
            context.update(b"|");
        }
        context.update(self.data.as_bytes());
        Ok(context.finish())
    }

    /// The bytes of the XML within.
    pub(crate) fn xml(&self) -> Result<Vec<u8>, Wrong> {
        let decoded = STANDARD.decode_to_vec(self.data.as_bytes());
        decoded.map_err(|_| Wrong::Data)
    }
}

/// What an answer says of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The data holds the answer.
    Success,
    /// The ministry holds no health book under that number.
    NotFound,
    /// The question breaks the rules of the wire.
    InvalidRequest,
    /// The signature of the question does not verify.
    SignatureInvalid,
}

impl Status {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [
        Self::Success,
        Self::NotFound,
        Self::InvalidRequest,
        Self::SignatureInvalid,
    ];

    /// Its code on the wire.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Success => "CM_SUCCESS",
            Self::NotFound => "CM_NOT_FOUND",
            Self::InvalidRequest => "CM_INVALID_REQUEST",
            Self::SignatureInvalid => "PS_SIGNATURE_INVALID",
        }
    }

    /// The status of that code.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }
}
