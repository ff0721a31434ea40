//! The agency's own part of its stanza.
//!
//! *Invariant:* the secret comes from a file and is shown by nothing.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Problem, Secret, Settings};

/// The integration service of lookups.
const LOOK_UP_SERVICE: &str = "037";

/// The keys as they stand in the stanza.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    /// The account of the gateway, without a colon: `TaiKhoan`.
    account: String,
    /// File of the secret that the account signs with.
    secret_file: PathBuf,
    /// The unit that asks: `MaDonVi`.
    unit: String,
    /// The integration service: `MaTichHop`.
    #[serde(default = "look_up_service")]
    integration: String,
    /// The service of a question that names no procedure: `MaDVC`.
    default_service: String,
    /// The officer of a question that names none: `MaCanBo`.
    default_officer: String,
}

fn look_up_service() -> String {
    LOOK_UP_SERVICE.to_owned()
}

/// How the gateway is known to the population database.
#[derive(Debug)]
pub(super) struct Config {
    /// `TaiKhoan`.
    pub(super) account: String,
    /// What the account signs with.
    pub(super) secret: Secret,
    /// `MaDonVi`.
    pub(super) unit: String,
    /// `MaTichHop`.
    pub(super) integration: String,
    /// `MaDVC` of a request that names no procedure.
    pub(super) default_service: String,
    /// `MaCanBo` of a request that names no officer.
    pub(super) default_officer: String,
}

impl Config {
    /// Reads the stanza.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(settings: &Settings) -> Result<Self, Vec<Problem>> {
        let keys: Keys = settings.own()?;
        let mut problems: Vec<Problem> = [
            ("account", &keys.account),
            ("unit", &keys.unit),
            ("integration", &keys.integration),
            ("default_service", &keys.default_service),
            ("default_officer", &keys.default_officer),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some(Problem::new(key, wrong(text)?)))
        .collect();
        if keys.account.contains(':') {
            problems.push(Problem::new("account", "must not hold a colon"));
        }
        match settings.secret("secret_file", &keys.secret_file) {
            Ok(secret) if problems.is_empty() => Ok(Self {
                account: keys.account,
                secret,
                unit: keys.unit,
                integration: keys.integration,
                default_service: keys.default_service,
                default_officer: keys.default_officer,
            }),
            Ok(_) => Err(problems),
            Err(more) => {
                problems.extend(more);
                Err(problems)
            }
        }
    }
}

/// What is wrong with a code of the agency.
fn wrong(text: &str) -> Option<&'static str> {
    match text.chars().count() {
        0 => Some("must not be empty"),
        1..=64 if text.chars().any(char::is_control) => Some("holds a control character"),
        1..=64 => None,
        _ => Some("is longer than 64 characters"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stanza: &str) -> Result<Config, Vec<Problem>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "s3cret\n").unwrap();
        let stanza = format!("url = \"http://127.0.0.1:1/\"\n{stanza}");
        let settings = Settings::new(toml::from_str(&stanza).unwrap(), folder.path()).unwrap();
        Config::read(&settings)
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let problems = read(
            "account = \"a:b\"\nsecret_file = \"missing\"\nunit = \"\"\n\
             default_service = \"S\"\ndefault_officer = \"O\"",
        )
        .unwrap_err();
        let keys: Vec<&str> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(keys, ["unit", "account", "secret_file"]);
    }

    #[test]
    fn the_secret_is_shown_by_nothing() {
        let config = read(
            "account = \"a\"\nsecret_file = \"secret\"\nunit = \"U\"\n\
             default_service = \"S\"\ndefault_officer = \"O\"",
        )
        .unwrap();
        assert_eq!(
            (config.secret.reveal(), &*config.integration),
            ("s3cret", "037")
        );
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
