//! The spelling of the Ministry of Health: envelope, question, tables of QĐ 130/4750. `WIRE.md`
//! beside this folder says the same for a stranger.
//!
//! Not here: what the columns mean to us (`translate`), sockets (`client`).

mod envelope;
mod query;
mod tables;
mod xml;

pub(crate) use envelope::{
    ANSWER, DATA_QUERY, DATA_RECORD, Envelope, Header, REQUEST, Status, TXN_SEARCH, VERSION,
};
#[cfg(any(test, feature = "sim"))]
pub(crate) use query::Query;
pub(crate) use query::query;
#[cfg(test)]
pub(crate) use tables::Row;
pub(crate) use tables::{
    Allergy, Found, HealthBook, History, Item, Lab, Service, Summary, Vaccination, Visit,
};

/// Where a token is asked for.
pub(crate) const TOKEN_PATH: &str = "/oauth2/token";
/// Where a health book is asked for.
pub(crate) const SEARCH_PATH: &str = "/api/v1/health-records/search";

/// What makes a message none of this wire. Says nothing of what the message held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    /// No JSON envelope.
    #[error("the body is no envelope")]
    Envelope,
    /// A header that would make the signed bytes ambiguous.
    #[error("a header holds a character outside printable ASCII, or a vertical bar")]
    Header,
    /// The signature does not fit the key and the signed bytes.
    #[error("the signature does not verify")]
    Signature,
    /// The data is no base64 of UTF-8.
    #[error("the data is no base64 of UTF-8 text")]
    Data,
    /// Not well-formed XML.
    #[error("the XML is not well formed")]
    Malformed,
    /// Another document than expected.
    #[error("the XML has another root")]
    Root,
    /// A document type declaration: never needed, often an attack.
    #[error("the XML declares a document type")]
    Doctype,
    /// An entity that XML itself does not define.
    #[error("the XML refers to an unknown entity")]
    Entity,
    /// Nested too deep.
    #[error("the XML is nested deeper than 16 elements")]
    Depth,
    /// More rows than a record may have.
    #[error("the XML holds more than 5000 rows")]
    Rows,
    /// A record without a number, or with two.
    #[error("a record holds no personal number, or two")]
    Subject,
}

impl Wrong {
    /// The stable word for it in the answer of the gateway.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Envelope | Self::Header | Self::Data | Self::Malformed | Self::Root => {
                "MALFORMED"
            }
            Self::Signature => "SIGNATURE",
            Self::Doctype | Self::Entity => "XML_ENTITY",
            Self::Depth | Self::Rows => "TOO_LARGE",
            Self::Subject => "WRONG_SUBJECT",
        }
    }
}
