//! `POST /admin/consents:register` and `POST /admin/consents:withdraw`.
//!
//! Not here: how a consent is kept (crate `admission`). Whether one holds is asked in a body too: an id
//! says something about a person, and a URL is written down.

use admission::{Consent, day_begins};
use bytes::Bytes;
use exchange::{
    AgencyCode, ConsentId, Field, FieldSet, Identifier, IdentifierKind, OfficerId, PurposeCode,
    ReasonText, Source,
};
use http::Request;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Administration, malformed, read, told};
use crate::listener::plain::Page;

/// A consent that an operator registers.
#[derive(Clone, Debug)]
pub struct Registration {
    /// What somebody has agreed to.
    pub consent: Consent,
    /// Who registers it.
    pub operator: OfficerId,
    /// Why: where the consent itself is kept.
    pub reason: ReasonText,
}

/// A consent that an operator withdraws.
#[derive(Clone, Debug)]
pub struct Withdrawal {
    /// Its id.
    pub consent: ConsentId,
    /// Who withdraws it.
    pub operator: OfficerId,
    /// Why.
    pub reason: ReasonText,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Consented {
    /// The place of the record.
    pub seq: u64,
}

/// The body of a registration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Registered {
    consent: String,
    personal_id: String,
    legacy_id: Option<String>,
    agency: String,
    purposes: Vec<String>,
    fields: Vec<String>,
    valid_from: String,
    valid_to: String,
    operator: String,
    reason: String,
}

/// The body of a withdrawal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawn {
    consent: String,
    operator: String,
    reason: String,
}

pub(super) async fn register(by: &dyn Administration, request: &Request<Bytes>) -> Page {
    match read(request).and_then(|body| registration(&body)) {
        Ok(registration) => told(by.register_consent(registration).await),
        Err(refused) => refused,
    }
}

pub(super) async fn withdraw(by: &dyn Administration, request: &Request<Bytes>) -> Page {
    match read(request).and_then(|body| withdrawal(&body)) {
        Ok(withdrawal) => told(by.withdraw_consent(withdrawal).await),
        Err(refused) => refused,
    }
}

/// Everything that is wrong with a body, as it is found.
#[derive(Debug, Default)]
struct Wrong(Vec<String>);

impl Wrong {
    /// What was read; what is wrong with it is kept under its key.
    fn part<T>(&mut self, key: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|what| self.0.push(format!("{key}: {what}")))
            .ok()
    }

    /// The whole, if each part of it was read.
    fn whole<T>(self, read: Option<T>) -> Result<T, Page> {
        read.ok_or_else(|| malformed(&self.0))
    }
}

fn registration(body: &Registered) -> Result<Registration, Page> {
    let mut wrong = Wrong::default();
    let id = wrong.part("consent", word(ConsentId::parse(&body.consent)));
    let personal = number(IdentifierKind::Personal, &body.personal_id);
    let personal = wrong.part("personalId", personal);
    let legacy = body
        .legacy_id
        .as_deref()
        .map(|it| number(IdentifierKind::Legacy, it));
    let legacy = legacy.map(|legacy| wrong.part("legacyId", legacy));
    let agency = AgencyCode::parse(&body.agency).ok_or_else(|| "is no agency code".to_owned());
    let agency = wrong.part("agency", agency);
    let purposes = each(&body.purposes, |it| word(PurposeCode::parse(it)));
    let purposes = wrong.part("purposes", purposes);
    let fields = wrong.part("fields", each(&body.fields, named));
    let first = wrong.part("validFrom", day(&body.valid_from));
    let last = wrong.part("validTo", day(&body.valid_to));
    let operator = wrong.part("operator", word(OfficerId::parse(&body.operator)));
    let reason = wrong.part("reason", word(ReasonText::parse(&body.reason)));
    let registration = || {
        let (first, last) = (first?, last?);
        let legacy = match legacy {
            None => None,
            Some(legacy) => Some(legacy?),
        };
        Some(Registration {
            consent: Consent {
                id: id?,
                subjects: [personal?].into_iter().chain(legacy).collect(),
                agency: agency?,
                purposes: purposes?,
                fields: fields?.iter().fold(FieldSet::EMPTY, |all, set| all.or(set)),
                valid_from: day_begins(first)?,
                valid_to: day_begins(last.tomorrow().ok()?)?,
            },
            operator: operator?,
            reason: reason?,
        })
    };
    let registration = registration();
    wrong.whole(registration)
}

fn withdrawal(body: &Withdrawn) -> Result<Withdrawal, Page> {
    let mut wrong = Wrong::default();
    let consent = wrong.part("consent", word(ConsentId::parse(&body.consent)));
    let operator = wrong.part("operator", word(OfficerId::parse(&body.operator)));
    let reason = wrong.part("reason", word(ReasonText::parse(&body.reason)));
    let withdrawal = || {
        Some(Withdrawal {
            consent: consent?,
            operator: operator?,
            reason: reason?,
        })
    };
    let withdrawal = withdrawal();
    wrong.whole(withdrawal)
}

fn word<T>(parsed: Result<T, impl ToString>) -> Result<T, String> {
    parsed.map_err(|violation| violation.to_string())
}

/// A number; any year of birth, since a consent may be older than the person's number.
fn number(kind: IdentifierKind, text: &str) -> Result<Identifier, String> {
    let parsed = Identifier::parse(kind, text, i16::MAX);
    parsed.map_err(|_| "is no such number".to_owned())
}

/// A field by its path, or all of a source.
fn named(text: &str) -> Result<FieldSet, String> {
    let source = Source::from_name(text).map(FieldSet::of);
    let field = Field::from_path(text).map(|field| [field].into_iter().collect());
    source
        .or(field)
        .ok_or_else(|| format!("unknown field path {text:?}"))
}

/// The members of a list that is not empty.
fn each<T>(list: &[String], parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    if list.is_empty() {
        return Err("must not be empty".to_owned());
    }
    list.iter().map(|it| parse(it)).collect()
}

fn day(text: &str) -> Result<Date, String> {
    let day = text.parse();
    day.map_err(|_| "must be a day such as 2026-01-31".to_owned())
}

pub(super) const REGISTER: &str = "/admin/consents:register";
pub(super) const WITHDRAW: &str = "/admin/consents:withdraw";
