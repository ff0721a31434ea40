//! Certificate signing requests: the proof that someone holds a key, and the id they ask for.
//!
//! Not here: what else a request asks for. Only the public key and the one SPIFFE id are taken;
//! subject, purposes, other names and every other extension are the authority's to decide.

use rcgen::SubjectPublicKeyInfo;
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use crate::{Error, SpiffeId, TrustDomain, Violation};

/// What is taken from a request.
#[derive(Debug)]
pub(super) struct Request {
    /// The id it asks for.
    pub(super) id: SpiffeId,
    /// The key it proves to hold.
    pub(super) public_key: SubjectPublicKeyInfo,
}

impl Request {
    /// Reads a request in PEM and checks its signature.
    pub(super) fn parse(pem: &str, trust_domain: &TrustDomain) -> Result<Self, Error> {
        // Java's keytool writes the older label.
        let pem = pem.replace("NEW CERTIFICATE REQUEST", "CERTIFICATE REQUEST");
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| wrong("is no PEM text of a certificate request"))?;
        let Ok(([], request)) = X509CertificationRequest::from_der(&der) else {
            return Err(wrong("is damaged"));
        };
        request
            .verify_signature()
            .map_err(|_| wrong("is not signed by the key it names, or by a key too weak"))?;
        let public_key = request.certification_request_info.subject_pki.raw;
        Ok(Self {
            id: id(&request, trust_domain).map_err(|source| Error::Identity { source })?,
            public_key: SubjectPublicKeyInfo::from_der(public_key)
                .map_err(|_| wrong("has a kind of key that is not served"))?,
        })
    }
}

fn id(
    request: &X509CertificationRequest<'_>,
    trust_domain: &TrustDomain,
) -> Result<SpiffeId, Violation> {
    let mut lists = request
        .requested_extensions()
        .into_iter()
        .flatten()
        .filter(|extension| matches!(extension, ParsedExtension::SubjectAlternativeName(_)));
    match (lists.next(), lists.next()) {
        (Some(ParsedExtension::SubjectAlternativeName(names)), None) => {
            SpiffeId::of_names(names, trust_domain)
        }
        (None, _) => Err(Violation::NoUri),
        (Some(_), _) => Err(Violation::Unreadable),
    }
}

const fn wrong(problem: &'static str) -> Error {
    Error::Request { problem }
}
