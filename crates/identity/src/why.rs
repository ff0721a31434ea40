//! Why a handshake failed, from a closed set: the label of `tls_handshake_failures`.
//!
//! Not here: the metric. The full error belongs in the log; the client learns only the alert.

use std::io;

use rustls::{CertificateError, Error, OtherError, PeerIncompatible};

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The client shows no certificate.
    NoCertificate,
    /// The certificate leads to no authority we believe.
    UnknownCa,
    /// The certificate, or one above it, is out of date.
    Expired,
    /// The certificate, or one above it, is not yet in force.
    NotYetValid,
    /// The certificate, or one above it, is revoked.
    Revoked,
    /// The client speaks no version of TLS that is served here.
    Version,
    /// The certificate is not for clients.
    Eku,
    /// An authority above the certificate may not name what it names.
    NameConstraint,
    /// No revocation list in force speaks of the certificate.
    Crl,
    /// What arrives is no proper TLS, or has nothing in common with ours.
    Protocol,
    /// Anything else, such as a connection that is lost.
    Other,
}

impl Why {
    /// Every value, so that a metric can start each at zero.
    pub const ALL: [Self; 11] = [
        Self::NoCertificate,
        Self::UnknownCa,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
        Self::Version,
        Self::Eku,
        Self::NameConstraint,
        Self::Crl,
        Self::Protocol,
        Self::Other,
    ];

    /// The value of the label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::UnknownCa => "unknown_ca",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::Version => "version",
            Self::Eku => "eku",
            Self::NameConstraint => "name_constraint",
            Self::Crl => "crl",
            Self::Protocol => "protocol",
            Self::Other => "other",
        }
    }
}

/// Classifies what the acceptor of a connection returns.
#[must_use]
pub fn why(error: &io::Error) -> Why {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
        .map_or(Why::Other, Why::from)
}

impl From<&Error> for Why {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum may grow; what is new is `other` until it is given a place"
    )]
    fn from(error: &Error) -> Self {
        match error {
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidCertificate(error) => of_certificate(error),
            Error::InvalidCertRevocationList(_) => Self::Crl,
            Error::PeerIncompatible(error) => of_peer(error),
            Error::InvalidMessage(_)
            | Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. }
            | Error::PeerMisbehaved(_)
            | Error::PeerSentOversizedRecord
            | Error::DecryptError
            | Error::NoApplicationProtocol
            | Error::AlertReceived(_) => Self::Protocol,
            _ => Self::Other,
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum may grow; what is new is `other` until it is given a place"
)]
fn of_certificate(error: &CertificateError) -> Why {
    use CertificateError as E;
    match error {
        // An authority of the same name with another key shows as a bad signature.
        E::UnknownIssuer | E::BadSignature => Why::UnknownCa,
        E::Expired | E::ExpiredContext { .. } => Why::Expired,
        E::NotValidYet | E::NotValidYetContext { .. } => Why::NotYetValid,
        E::Revoked => Why::Revoked,
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => Why::Eku,
        E::UnknownRevocationStatus
        | E::ExpiredRevocationList
        | E::ExpiredRevocationListContext { .. } => Why::Crl,
        E::BadEncoding => Why::Protocol,
        E::Other(OtherError(error)) => match error.downcast_ref() {
            Some(webpki::Error::NameConstraintViolation) => Why::NameConstraint,
            Some(_) | None => Why::Other,
        },
        _ => Why::Other,
    }
}

fn of_peer(error: &PeerIncompatible) -> Why {
    use PeerIncompatible as E;
    // TLS 1.0 and 1.1 know no signature algorithms, and rustls looks for those first.
    let version = matches!(
        error,
        E::SupportedVersionsExtensionRequired
            | E::SignatureAlgorithmsExtensionRequired
            | E::ServerDoesNotSupportTls12Or13
            | E::ServerTlsVersionIsDisabledByOurConfig
            | E::Tls12NotOffered
            | E::Tls12NotOfferedOrEnabled
    );
    if version { Why::Version } else { Why::Protocol }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_is_other() {
        assert_eq!(why(&io::ErrorKind::UnexpectedEof.into()), Why::Other);
        assert_eq!(why(&io::Error::other("no TLS error inside")), Why::Other);
    }

    #[test]
    fn labels_are_distinct() {
        let mut names = Why::ALL.map(Why::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_list_that_cannot_be_used_is_counted_as_such() {
        use rustls::CertRevocationListError;
        let error = Error::from(CertRevocationListError::BadSignature);
        assert_eq!(Why::from(&error), Why::Crl);
        let error = Error::from(CertificateError::ExpiredRevocationList);
        assert_eq!(Why::from(&error), Why::Crl);
    }
}
