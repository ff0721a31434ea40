//! The register's own keys of the stanza `[agency.civil_status]`.
//!
//! Not here: where it is reached and how it is trusted ([`adapter::Endpoint`]).

use std::path::PathBuf;

use adapter::dossier;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Problem, Secret, Settings};

/// The account of the gateway at the register.
#[derive(Debug)]
pub(crate) struct Config {
    /// The name of the account.
    pub(crate) user: String,
    /// Its secret.
    pub(crate) secret: Secret,
    /// After which time a dossier hangs.
    pub(crate) dossiers: dossier::Config,
}

/// The keys as they stand in the stanza.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    /// The name of the account.
    user: String,
    /// File of its secret.
    secret_file: PathBuf,
    /// After which time a dossier hangs.
    #[serde(default)]
    dossiers: dossier::Config,
}

impl Config {
    /// Reads the keys and the file of the secret.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn read(settings: &Settings) -> Result<Self, Vec<Problem>> {
        let keys: Keys = settings.own()?;
        let user = keys.user.trim().to_owned();
        let mut problems = Vec::new();
        if user.is_empty() {
            problems.push(Problem::new("user", "is empty"));
        }
        let dossiers = keys.dossiers;
        let wrong = dossiers.problems().into_iter();
        problems.extend(wrong.map(|(key, what)| Problem::new(format!("dossiers.{key}"), what)));
        match settings.secret("secret_file", &keys.secret_file) {
            Ok(secret) if problems.is_empty() => {
                return Ok(Self {
                    user,
                    secret,
                    dossiers,
                });
            }
            Ok(_) => {}
            Err(more) => problems.extend(more),
        }
        Err(problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stanza: &str, folder: &std::path::Path) -> Result<Config, Vec<Problem>> {
        let stanza = format!("url = \"http://localhost:1\"\n{stanza}");
        Config::read(&Settings::new(toml::from_str(&stanza).unwrap(), folder).unwrap())
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = "user = ' '\nsecret_file = 'none'\ndossiers.bulk_ttl_s = 0";
        let problems = read(wrong, folder.path()).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(keys, ["user", "dossiers.bulk_ttl_s", "secret_file"]);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = "user = 'a'\nsecret_file = 'b'\npassword = 'c'";
        assert!(read(wrong, folder.path()).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("s"), "hush-hush\n").unwrap();
        let config = read("user = 'gateway'\nsecret_file = 's'", folder.path()).unwrap();
        assert_eq!(config.secret.reveal(), "hush-hush");
        assert!(!format!("{config:?}").contains("hush"));
    }
}
