//! The keys of the envelope: ours, which signs, and the other side's, which verifies. SHA-256
//! with RSA (PKCS#1 v1.5), or with ECDSA on P-256: the key says which.
//!
//! Not here: which bytes are signed (`wire`).

use std::fmt;

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
};
use base64_simd::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use rustls::server::ParsedCertificate;

use super::wire::{Envelope, Wrong};

/// The shortest modulus: 2048 bits.
const MIN_MODULUS_BYTES: usize = 256;

/// Why a file holds no key for the envelope.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum KeyProblem {
    /// No PKCS#8 key of either kind.
    #[error("holds no RSA or P-256 private key in PKCS#8 PEM")]
    Private,
    /// Neither a public key nor a certificate.
    #[error("holds no RSA or P-256 public key and no certificate in PEM")]
    Public,
    /// Too short to trust.
    #[error("holds an RSA key shorter than 2048 bits")]
    Short,
}

/// A private key that signs envelopes. `Debug` shows nothing of it.
///
/// RSA costs about half a millisecond of CPU a signature, ECDSA a thirtieth of that.
pub(crate) enum SigningKey {
    /// SHA-256 with RSA.
    Rsa(KeyPair),
    /// SHA-256 with ECDSA on P-256; the signature is in DER.
    Ecdsa(EcdsaKeyPair),
}

impl SigningKey {
    /// Reads a private key from PEM.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, KeyProblem> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| KeyProblem::Private)?;
        let der = der.secret_pkcs8_der();
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der) {
            return Ok(Self::Ecdsa(key));
        }
        let key = KeyPair::from_pkcs8(der).map_err(|_| KeyProblem::Private)?;
        if key.public_modulus_len() < MIN_MODULUS_BYTES {
            return Err(KeyProblem::Short);
        }
        Ok(Self::Rsa(key))
    }

    /// Puts the signature into an envelope.
    pub(crate) fn sign(&self, envelope: &mut Envelope<'_>) -> Result<(), Wrong> {
        let digest = envelope.digest()?;
        let signature = match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let signed = key.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature);
                signed.map_err(|_| Wrong::Signature)?;
                STANDARD.encode_to_string(signature)
            }
            Self::Ecdsa(key) => {
                let signature = key.sign_digest(&digest).map_err(|_| Wrong::Signature)?;
                STANDARD.encode_to_string(signature)
            }
        };
        envelope.signature = signature.into();
        Ok(())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// A public key that verifies envelopes.
#[derive(Debug)]
pub(crate) struct VerifyingKey(ParsedPublicKey);

impl VerifyingKey {
    /// Reads a public key, or that of an X.509 certificate, from PEM. The key is pinned by the
    /// file: dates and issuer of a certificate are not looked at.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, KeyProblem> {
        let spki = match SubjectPublicKeyInfoDer::from_pem_slice(pem) {
            Ok(spki) => spki,
            Err(_) => {
                let der = CertificateDer::from_pem_slice(pem).map_err(|_| KeyProblem::Public)?;
                ParsedCertificate::try_from(&der)
                    .map_err(|_| KeyProblem::Public)?
                    .subject_public_key_info()
            }
        };
        ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki.as_ref())
            .or_else(|_| ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, spki.as_ref()))
            .map(Self)
            .map_err(|_| KeyProblem::Public)
    }

    /// Checks the signature of an envelope.
    pub(crate) fn verify(&self, envelope: &Envelope<'_>) -> Result<(), Wrong> {
        let signature = STANDARD
            .decode_to_vec(envelope.signature.as_bytes())
            .map_err(|_| Wrong::Signature)?;
        self.0
            .verify_digest_sig(&envelope.digest()?, &signature)
            .map_err(|_| Wrong::Signature)
    }
}
