//! Where an agency is reached, and how it is trusted: the part of every agency's configuration
//! that is the same.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use exchange::Clock;
use identity::{ClientFiles, ClientTls, TlsVersions};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::reach::{Loopback, Refused};
use crate::{Addresses, Window};

/// The longest a call may take when the configuration does not say: within the 3 s of a caller who
/// does not say either, less what the record takes.
const DEFAULT_CAP_MS: u64 = 2_500;

/// Where an agency is reached: at one address, or at [`Addresses`] that are trusted alike.
///
/// Relative paths count from the folder of the configuration file: see [`Endpoint::resolve`].
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint<U = Url> {
    /// The base URL; `https` unless it stays on this machine. Of an agency with several servers, the
    /// list of their base URLs: calls go to any of them.
    pub url: U,
    /// PEM file of the authorities that vouch for the agency's certificate.
    pub ca: Option<PathBuf>,
    /// PEM file of the gateway's client certificate at this agency.
    pub certificate: Option<PathBuf>,
    /// PEM file of its private key.
    pub key: Option<PathBuf>,
    /// The oldest version of TLS it may speak: `1.3`, unless it has nothing newer than `1.2`; that is
    /// spoken with forward secrecy and AEAD only.
    #[serde(default)]
    pub min_tls: MinTls,
    /// The longest a call may take, in milliseconds.
    #[serde(default = "default_cap_ms")]
    pub timeout_ms: u64,
    /// The agency's service, or a relay to it, runs on this machine.
    #[serde(default)]
    pub local: bool,
    /// Announced maintenance, in the time of Vietnam: `2026-12-01T22:00/2026-12-02T04:00`,
    /// `sunday 22:00-04:00` or `daily 00:00-01:00`.
    #[serde(default)]
    pub maintenance: Vec<Window>,
}

/// The oldest version of TLS that an agency may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum MinTls {
    /// TLS 1.2 (RFC 5246).
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3 (RFC 8446).
    #[default]
    #[serde(rename = "1.3")]
    V1_3,
}

impl From<MinTls> for TlsVersions {
    fn from(oldest: MinTls) -> Self {
        match oldest {
            MinTls::V1_2 => Self::Tls12Aead,
            MinTls::V1_3 => Self::Tls13,
        }
    }
}

const fn default_cap_ms() -> u64 {
    DEFAULT_CAP_MS
}

/// What is wrong with an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Plain text across a network.
    #[error("{0} is plain text and not on this machine: use https")]
    PlainText(Url),
    /// A scheme no adapter speaks, or no host.
    #[error("{0} is no address of an agency")]
    Address(Url),
    /// An address that no agency has.
    #[error("{0}: {1}")]
    Refused(Url, Refused),
    /// An https address without authorities to trust.
    #[error("{0} needs `ca`, the authorities that vouch for the agency")]
    NoAuthority(Url),
    /// A certificate without its key, or a key without its certificate.
    #[error("{0} needs `certificate` and `key` together")]
    HalfIdentity(Url),
    /// The files of the TLS configuration.
    #[error(transparent)]
    Tls(#[from] identity::Error),
}

impl Endpoint<Addresses> {
    /// The endpoint of each address.
    pub fn each(self) -> impl Iterator<Item = Endpoint> {
        let at = move |url| Endpoint {
            url,
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            min_tls: self.min_tls,
            timeout_ms: self.timeout_ms,
            local: self.local,
            maintenance: self.maintenance.clone(),
        };
        self.url.0.into_iter().map(at)
    }
}

/// An address without what may be secret in it.
pub(crate) fn name_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{host}{port}{}", url.path().trim_end_matches('/'))
}

impl Endpoint {
    /// The address without what may be secret in it, for lists and logs.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.url)
    }

    /// The longest a call may take.
    #[must_use]
    pub const fn cap(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// The same endpoint with its relative paths counted from `base`.
    #[must_use]
    pub fn resolve(mut self, base: &Path) -> Self {
        for path in [&mut self.ca, &mut self.certificate, &mut self.key] {
            *path = path.take().map(|path| base.join(path));
        }
        self
    }

    /// True if the address names this machine by a loopback address or `localhost`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Whether it may be on this machine: if it says so, or names it.
    #[must_use]
    pub fn loopback(&self) -> Loopback {
        if self.local || self.is_loopback() {
            Loopback::Allowed
        } else {
            Loopback::Refused
        }
    }

    /// Looks at the addresses that stand in the address itself; names are looked at when they are
    /// resolved.
    fn check_hosts(&self) -> Result<(), EndpointError> {
        let hosts = self.url.host_str().unwrap_or_default().split(',');
        let bare = hosts.map(|host| host.trim_matches(['[', ']']));
        for ip in bare.filter_map(|host| host.parse::<IpAddr>().ok()) {
            let admitted = self.loopback().admits(ip);
            admitted.map_err(|why| EndpointError::Refused(self.url.clone(), why))?;
        }
        Ok(())
    }

    /// The TLS configuration to reach it, or none for plain text on this machine.
    ///
    /// # Errors
    /// An address that is none, plain text across a network, or files that cannot be used.
    pub fn tls(
        &self,
        alpn: &[&[u8]],
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Arc<rustls::ClientConfig>>, EndpointError> {
        self.check_hosts()?;
        match self.url.scheme() {
            _ if self.url.host().is_none() => Err(EndpointError::Address(self.url.clone())),
            "http" if self.is_loopback() => Ok(None),
            "postgres" if self.is_loopback() && self.ca.is_none() => Ok(None),
            "http" => Err(EndpointError::PlainText(self.url.clone())),
            "https" | "postgres" => {
                let Some(ca) = self.ca.clone() else {
                    return Err(EndpointError::NoAuthority(self.url.clone()));
                };
                let identity = match (&self.certificate, &self.key) {
                    (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
                    (None, None) => None,
                    _ => return Err(EndpointError::HalfIdentity(self.url.clone())),
                };
                let files = ClientFiles {
                    ca,
                    identity,
                    versions: self.min_tls.into(),
                };
                let tls = ClientTls::load(&files, Arc::clone(clock))?;
                Ok(Some(tls.config(alpn)))
            }
            _ => Err(EndpointError::Address(self.url.clone())),
        }
    }
}

/// True if an address names this machine by a loopback address or `localhost`.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // The host of a scheme that is none of the web's, such as `postgres`, is text.
        Some(url::Host::Domain(name)) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_knows_this_machine() {
        let here = |url: &str| {
            let endpoint = Endpoint {
                url: url.parse().unwrap(),
                ca: None,
                certificate: None,
                key: None,
                min_tls: MinTls::default(),
                timeout_ms: DEFAULT_CAP_MS,
                local: false,
                maintenance: Vec::new(),
            };
            endpoint.is_loopback()
        };
        assert!(here("http://127.0.0.1:80") && here("postgres://127.0.0.1:5432/db"));
        assert!(here("postgres://localhost/db") && here("postgres://[::1]/db"));
        assert!(!here("postgres://10.0.0.1/db") && !here("postgres://127.0.0.1,10.0.0.1/db"));
    }
}
