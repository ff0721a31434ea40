//! What authorities and clients send, read from bytes alone: for tests that send anything.
//!
//! Not here: TLS, and the verification of signatures, which are rustls' and webpki's.

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

use crate::{CallerIdentity, TrustDomain, revocation};

/// Reads a certificate in DER as that of a caller.
pub fn certificate(der: &[u8]) {
    if let Some(domain) = TrustDomain::parse("sandbox.lienthong.example") {
        CallerIdentity::from_certificate(&CertificateDer::from(der), &domain).ok();
    }
}

/// Reads a revocation list in DER.
pub fn revocation_list(der: &[u8]) {
    revocation::check(der, &[], &mut [], Timestamp::UNIX_EPOCH).ok();
}
