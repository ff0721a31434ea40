//! The verifier of client certificates: webpki's, and what it leaves open.
//!
//! Not here: what the certificate names (module `spiffe`). Added here: the purpose `clientAuth`
//! must be written in the certificate (webpki takes a certificate without any purpose for one of
//! every purpose), and a refusal says what is really wrong.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as TlsError, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use x509_parser::certificate::X509Certificate;

use crate::{Error, spiffe, tls};

/// Takes a client certificate only if it chains to an anchor, is in force, is not revoked, and
/// says that it is one.
#[derive(Debug)]
pub(crate) struct AgencyVerifier {
    webpki: Arc<dyn ClientCertVerifier>,
}

impl AgencyVerifier {
    /// Verifies against these anchors and, if there are any, these lists: then every certificate
    /// of a chain needs a list that is in force.
    pub(crate) fn new(
        anchors: Arc<RootCertStore>,
        crls: Vec<CertificateRevocationListDer<'static>>,
    ) -> Result<Self, Error> {
        let webpki = WebPkiClientVerifier::builder_with_provider(anchors, tls::provider())
            .with_crls(crls)
            .enforce_revocation_expiration()
            .build()
            .map_err(|source| Error::Verifier { source })?;
        Ok(Self { webpki })
    }

    /// Says why webpki refuses an authority's certificate in the place of a client's.
    fn refine(&self, error: TlsError, certificate: &X509Certificate<'_>) -> TlsError {
        let unspecific = matches!(
            error,
            TlsError::InvalidCertificate(CertificateError::Other(_))
        );
        if !unspecific || !certificate.is_ca() {
            return error;
        }
        let subject = certificate.subject().as_raw();
        let known = |anchor: &DistinguishedName| anchor.as_ref() == subject;
        let self_signed = certificate.issuer().as_raw() == subject;
        if self_signed && !self.root_hint_subjects().iter().any(known) {
            CertificateError::UnknownIssuer.into()
        } else {
            CertificateError::InvalidPurpose.into()
        }
    }
}

impl ClientCertVerifier for AgencyVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.webpki.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        let certificate = spiffe::parse(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        let verified = self
            .webpki
            .verify_client_cert(end_entity, intermediates, now)
            .map_err(|error| self.refine(error, &certificate))?;
        match certificate.extended_key_usage() {
            Ok(Some(purposes)) if purposes.value.client_auth => Ok(verified),
            _ => Err(CertificateError::InvalidPurpose.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.webpki
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.webpki
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
