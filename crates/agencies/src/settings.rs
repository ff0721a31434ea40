//! The settings of one agency: the endpoint that all have, and what is its own.

use std::fmt;
use std::path::{Path, PathBuf};

use adapter::{Addresses, Endpoint};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The keys of [`Endpoint`]; all other keys of a stanza are the agency's own.
pub const ENDPOINT_KEYS: [&str; 8] = [
    "url",
    "ca",
    "certificate",
    "key",
    "min_tls",
    "timeout_ms",
    "local",
    "maintenance",
];

/// Something wrong with a stanza, with the key it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key within the stanza, such as `secret_file`.
    pub key: String,
    /// What is wrong.
    pub what: String,
}

impl Problem {
    /// A problem with one key.
    pub fn new(key: impl Into<String>, what: impl fmt::Display) -> Self {
        Self {
            key: key.into(),
            what: what.to_string(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

/// A stanza `[agency.<name>]`, split into what all agencies have and what is the agency's own.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the agency is reached, its paths absolute.
    pub endpoint: Endpoint,
    own: toml::Table,
    base: PathBuf,
}

impl Settings {
    /// Splits a stanza with one address; relative paths count from `base`, the folder of the
    /// configuration file.
    ///
    /// # Errors
    /// What is wrong with the endpoint.
    pub fn new(stanza: toml::Table, base: &Path) -> Result<Self, Vec<Problem>> {
        let (endpoint, own) = split(stanza)?;
        Ok(Self::of(endpoint, own, base))
    }

    /// Splits a stanza with one address or several: settings for each of them.
    ///
    /// # Errors
    /// What is wrong with the endpoint.
    pub fn each(stanza: toml::Table, base: &Path) -> Result<Vec<Self>, Vec<Problem>> {
        let (endpoint, own) = split::<Endpoint<Addresses>>(stanza)?;
        let each = endpoint.each();
        Ok(each.map(|it| Self::of(it, own.clone(), base)).collect())
    }

    fn of(endpoint: Endpoint, own: toml::Table, base: &Path) -> Self {
        Self {
            endpoint: endpoint.resolve(base),
            own,
            base: base.to_owned(),
        }
    }

    /// What is the agency's own, read into its type; unknown keys are refused if the type says so.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn own<T: DeserializeOwned>(&self) -> Result<T, Vec<Problem>> {
        let own = self.own.clone();
        own.try_into()
            .map_err(|error: toml::de::Error| vec![Problem::new("stanza", error.message())])
    }

    /// A path of the stanza, made absolute.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// The first line of a secret file of the stanza.
    ///
    /// # Errors
    /// The file cannot be read or is empty.
    pub fn secret(&self, key: &str, path: &Path) -> Result<Secret, Vec<Problem>> {
        let file = self.path(path);
        let text = std::fs::read_to_string(&file)
            .map(Zeroizing::new)
            .map_err(|error| vec![Problem::new(key, format!("{}: {error}", file.display()))])?;
        match text.lines().next().map(str::trim) {
            Some(line) if !line.is_empty() => Ok(Secret(Zeroizing::new(line.to_owned()))),
            _ => Err(vec![Problem::new(
                key,
                format!("{} is empty", file.display()),
            )]),
        }
    }
}

/// Splits a stanza into what all agencies have and what is the agency's own.
fn split<E: DeserializeOwned>(mut stanza: toml::Table) -> Result<(E, toml::Table), Vec<Problem>> {
    let mut common = toml::Table::new();
    for key in ENDPOINT_KEYS {
        if let Some(value) = stanza.remove(key) {
            common.insert(key.to_owned(), value);
        }
    }
    let endpoint = common
        .try_into()
        .map_err(|error: toml::de::Error| vec![Problem::new("endpoint", error.message())])?;
    Ok((endpoint, stanza))
}

/// A secret: wiped when dropped, and shown by nothing.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
