//! The settings of the stanza `[agency.health]` beside its endpoint.

use std::path::{Path, PathBuf};

use base64_simd::STANDARD;
use http::HeaderValue;
use schemars::JsonSchema;
use serde::Deserialize;

use super::keys::{KeyProblem, SigningKey, VerifyingKey};
use crate::{Problem, Settings};

/// The keys as written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Own {
    /// The OAuth2 client id of the gateway.
    client_id: String,
    /// File of the OAuth2 client secret.
    client_secret_file: PathBuf,
    /// The 13-digit unit id under which the gateway writes.
    sender_id: String,
    /// The 13-digit unit id of the ministry.
    receiver_id: String,
    /// PEM file of the private key that signs our questions.
    signing_key_file: PathBuf,
    /// PEM file of the public key or certificate that signs the ministry's answers.
    agency_key_file: PathBuf,
}

/// The settings, read and checked. `Debug` shows no secret.
#[derive(Debug)]
pub(crate) struct Config {
    /// `Authorization` of the token request; marked as secret, so it shows nothing.
    pub(crate) basic: HeaderValue,
    /// Our unit id.
    pub(crate) sender_id: String,
    /// The ministry's unit id.
    pub(crate) receiver_id: String,
    /// Signs our questions.
    pub(crate) signing: SigningKey,
    /// Verifies their answers.
    pub(crate) agency: VerifyingKey,
}

impl Config {
    /// Reads what is the agency's own, or says everything that is wrong with it.
    pub(crate) fn read(settings: &Settings) -> Result<Self, Vec<Problem>> {
        let own: Own = settings.own()?;
        let mut problems = Vec::new();
        for (key, id) in [
            ("sender_id", &own.sender_id),
            ("receiver_id", &own.receiver_id),
        ] {
            if id.len() != 13 || !id.bytes().all(|b| b.is_ascii_digit()) {
                problems.push(Problem::new(key, "is not 13 digits"));
            }
        }
        let basic = keep(&mut problems, basic(settings, &own));
        let signing = key(settings, "signing_key_file", &own.signing_key_file, |pem| {
            SigningKey::from_pem(pem)
        });
        let signing = keep(&mut problems, signing);
        let agency = key(settings, "agency_key_file", &own.agency_key_file, |pem| {
            VerifyingKey::from_pem(pem)
        });
        let agency = keep(&mut problems, agency);
        match (basic, signing, agency) {
            (Some(basic), Some(signing), Some(agency)) if problems.is_empty() => Ok(Self {
                basic,
                sender_id: own.sender_id,
                receiver_id: own.receiver_id,
                signing,
                agency,
            }),
            _ => Err(problems),
        }
    }
}

/// Keeps what was read, or adds to what is wrong.
fn keep<T>(problems: &mut Vec<Problem>, read: Result<T, Vec<Problem>>) -> Option<T> {
    read.map_err(|mut wrong| problems.append(&mut wrong)).ok()
}

/// `Basic` credentials (RFC 6749 §2.3.1). Id and secret are limited to characters that its form
/// encoding leaves as they are.
fn basic(settings: &Settings, own: &Own) -> Result<HeaderValue, Vec<Problem>> {
    const SECRET: &str = "client_secret_file";
    let secret = settings.secret(SECRET, &own.client_secret_file)?;
    for (key, text) in [
        ("client_id", own.client_id.as_str()),
        (SECRET, secret.reveal()),
    ] {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if text.is_empty() || !text.bytes().all(plain) {
            let what = "holds other characters than letters, digits, `-`, `.` and `_`";
            return Err(vec![Problem::new(key, what)]);
        }
    }
    let pair = zeroize::Zeroizing::new(format!("{}:{}", own.client_id, secret.reveal()));
    let mut value = HeaderValue::try_from(format!(
        "Basic {}",
        STANDARD.encode_to_string(pair.as_bytes())
    ))
    .map_err(|error| vec![Problem::new(SECRET, error)])?;
    value.set_sensitive(true);
    Ok(value)
}

fn key<K>(
    settings: &Settings,
    name: &str,
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<K, KeyProblem>,
) -> Result<K, Vec<Problem>> {
    let file = settings.path(path);
    let wrong = |what: &dyn std::fmt::Display| {
        vec![Problem::new(name, format!("{}: {what}", file.display()))]
    };
    let pem = std::fs::read(&file)
        .map(zeroize::Zeroizing::new)
        .map_err(|error| wrong(&error))?;
    parse(&pem).map_err(|problem| wrong(&problem))
}
