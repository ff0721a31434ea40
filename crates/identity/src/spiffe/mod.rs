//! The name a certificate carries: `spiffe://<trust-domain>/agency/<code>/system/<id>`.
//!
//! Not here: whether the certificate is genuine; TLS has verified it before anyone asks for its
//! name. Nothing is normalised or decoded: a name is one exact spelling, or it is refused.
//!
//! *Invariant:* what [`SpiffeId::parse`] accepts, [`SpiffeId::uri`] spells the same way.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use exchange::{AgencyCode, Caller, SystemId};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, SubjectAlternativeName};
use x509_parser::prelude::FromDer;

/// Who a verified certificate says is calling, and for how long it may say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The caller, with the fingerprint of this certificate.
    pub caller: Caller,
    /// The end of the certificate's validity: no new call is taken after it.
    pub not_after: Timestamp,
    /// The serial number, lower-case hex without a leading zero byte.
    pub serial: Box<str>,
}

/// The part of a SPIFFE id that says whose agencies these are, such as `lienthong.example`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TrustDomain(Arc<str>);

/// An agency and its system, as a SPIFFE id spells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpiffeId {
    /// The agency.
    pub agency: AgencyCode,
    /// Its system.
    pub system: SystemId,
}

/// Why a certificate names no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The certificate, or its list of names, cannot be read.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// It has no URI among its alternative names; a common name does not count.
    #[error("has no URI among its alternative names")]
    NoUri,
    /// It has several URIs, and it may have one.
    #[error("has {0} URIs among its alternative names, not one")]
    SeveralUris(usize),
    /// The URI does not begin with `spiffe://`, in lower case.
    #[error("does not begin with spiffe://")]
    Scheme,
    /// The URI has a character that no SPIFFE id of ours has: `%`, `?`, `#`, `@`, `:`, `*`, NUL, …
    #[error("has the character {0:?}")]
    Character(char),
    /// The trust domain is not the configured one, letter for letter.
    #[error("is of another trust domain")]
    TrustDomain,
    /// The path is not `/agency/<code>/system/<id>`.
    #[error("has no path of the form /agency/<code>/system/<id>")]
    Path,
}

impl CallerIdentity {
    /// Reads who is calling from a certificate that TLS has verified.
    ///
    /// # Errors
    /// The first thing that keeps the certificate from naming exactly one caller.
    pub fn from_certificate(
        verified: &CertificateDer<'_>,
        trust_domain: &TrustDomain,
    ) -> Result<Self, Violation> {
        let certificate = parse(verified)?;
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| Violation::Unreadable)?
            .ok_or(Violation::NoUri)?;
        let id = SpiffeId::of_names(names.value, trust_domain)?;
        let fingerprint = hex::encode(digest::digest(&digest::SHA256, verified));
        Ok(Self {
            caller: Caller::new(id.agency, id.system, &fingerprint),
            not_after: not_after(&certificate),
            serial: serial(&certificate),
        })
    }
}

impl TrustDomain {
    /// Takes a domain of lower-case letters, digits, `.`, `-` and `_`, at most 255 of them,
    /// without a dot at either end; none if it is anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.len())
            && !text.starts_with('.')
            && !text.ends_with('.')
            && text
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'));
        fits.then(|| Self(Arc::from(text)))
    }

    /// The domain as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SpiffeId {
    /// Parses a URI of the given trust domain.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(uri: &str, trust_domain: &TrustDomain) -> Result<Self, Violation> {
        let rest = uri.strip_prefix(SCHEME).ok_or(Violation::Scheme)?;
        let foreign = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/'));
        if let Some(character) = rest.chars().find(|&c| foreign(c)) {
            return Err(Violation::Character(character));
        }
        let path = match rest.split_once('/') {
            Some((domain, path)) if domain == trust_domain.as_str() => path,
            _ => return Err(Violation::TrustDomain),
        };
        let mut segments = path.split('/');
        let (Some("agency"), Some(agency), Some("system"), Some(system), None) = (
            segments.next(),
            segments.next().and_then(AgencyCode::parse),
            segments.next(),
            segments.next().and_then(SystemId::parse),
            segments.next(),
        ) else {
            return Err(Violation::Path);
        };
        Ok(Self { agency, system })
    }

    /// Spells the id as a URI of the given trust domain.
    #[must_use]
    pub fn uri(&self, trust_domain: &TrustDomain) -> String {
        let (agency, system) = (&self.agency, &self.system);
        format!("{SCHEME}{trust_domain}/agency/{agency}/system/{system}")
    }

    /// Reads the id from a list of alternative names, of which one may be a URI.
    pub(crate) fn of_names(
        names: &SubjectAlternativeName<'_>,
        trust_domain: &TrustDomain,
    ) -> Result<Self, Violation> {
        Self::parse(one_uri(names)?, trust_domain)
    }
}

/// The one URI of a list of alternative names.
pub(crate) fn one_uri<'a>(names: &SubjectAlternativeName<'a>) -> Result<&'a str, Violation> {
    let mut found = Err(Violation::NoUri);
    let mut count = 0;
    for name in &names.general_names {
        match name {
            GeneralName::URI(uri) => {
                count += 1;
                found = Ok(*uri);
            }
            GeneralName::Invalid(..) => return Err(Violation::Unreadable),
            GeneralName::OtherName(..)
            | GeneralName::RFC822Name(_)
            | GeneralName::DNSName(_)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::IPAddress(_)
            | GeneralName::RegisteredID(_) => {}
        }
    }
    if count > 1 {
        return Err(Violation::SeveralUris(count));
    }
    found
}

/// Parses a certificate with nothing behind it.
pub(crate) fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Violation> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Violation::Unreadable),
    }
}

/// The end of a certificate's validity; "no end" (the year 9999) becomes the last timestamp.
pub(crate) fn not_after(certificate: &X509Certificate<'_>) -> Timestamp {
    let seconds = certificate.validity().not_after.timestamp();
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// The serial number in hex, without the zero byte that only keeps the number positive.
pub(crate) fn serial(certificate: &X509Certificate<'_>) -> Box<str> {
    let raw = certificate.raw_serial();
    let number = match raw {
        [0, rest @ ..] if !rest.is_empty() => rest,
        _ => raw,
    };
    hex::encode(number).into_boxed_str()
}

/// How every SPIFFE id begins.
pub(crate) const SCHEME: &str = "spiffe://";

#[cfg(test)]
mod tests;
