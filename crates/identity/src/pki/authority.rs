//! The authority itself: its directory, its key, its revocation list.
//!
//! Not here: what an issued certificate looks like (module `issue`).

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use exchange::Clock;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use super::index::{Entry, Index};
use crate::spiffe::{self, SCHEME};
use crate::{Error, TrustDomain, Violation, files};

/// A development CA and the directory it lives in.
pub struct Authority {
    dir: PathBuf,
    trust_domain: TrustDomain,
    not_after: Timestamp,
    issuer: Issuer<'static, KeyPair>,
    clock: Arc<dyn Clock>,
}

impl Authority {
    /// Makes a new authority in a directory that holds none.
    ///
    /// # Errors
    /// The name is no common name, there is an authority already, or a file cannot be written.
    pub fn create(
        dir: &Path,
        name: &str,
        trust_domain: &TrustDomain,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let key = new_key()?;
        let params = root(name, trust_domain, clock.now())?;
        let certificate = params.self_signed(&key).map_err(sign_error)?;
        fs::create_dir_all(dir).map_err(|source| files::write_error(dir, source))?;
        let key_pem = key.serialize_pem();
        files::create(&dir.join(KEY), key_pem.as_bytes(), files::SECRET)?;
        files::create(
            &dir.join(CERTIFICATE),
            certificate.pem().as_bytes(),
            files::PUBLIC,
        )?;
        Index::create(dir)?;
        let authority = Self::load(dir, clock)?;
        authority.renew_crl()?;
        Ok(authority)
    }

    /// Opens the authority that lives in a directory.
    ///
    /// # Errors
    /// Which file is missing or damaged.
    pub fn load(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let path = dir.join(CERTIFICATE);
        let wrong = |problem| Error::Authority {
            path: path.clone(),
            problem,
        };
        let der = files::certificates(&path)?
            .into_iter()
            .next()
            .ok_or_else(|| wrong(NO_AUTHORITY))?;
        let (trust_domain, not_after, spki) = read_root(&der).map_err(|_| wrong(NO_AUTHORITY))?;
        let key = files::key(&dir.join(KEY))?;
        let key = KeyPair::try_from(&key).map_err(sign_error)?;
        if key.subject_public_key_info() != spki {
            return Err(Error::KeyMismatch {
                certificate: path,
                key: dir.join(KEY),
            });
        }
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|_| wrong(NO_AUTHORITY))?;
        Ok(Self {
            dir: dir.to_owned(),
            trust_domain,
            not_after,
            issuer,
            clock,
        })
    }

    /// The trust domain of the identities it issues.
    #[must_use]
    pub const fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The file of its certificate, which the other side is given to trust.
    #[must_use]
    pub fn certificate_file(&self) -> PathBuf {
        self.dir.join(CERTIFICATE)
    }

    /// The file of its revocation list.
    #[must_use]
    pub fn crl_file(&self) -> PathBuf {
        self.dir.join(CRL)
    }

    /// What it has issued, oldest first.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn issued(&self) -> Result<Vec<Entry>, Error> {
        Index::open(&self.dir)?.entries()
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) const fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When a certificate starts and ends that is issued at this moment; never after its issuer.
    pub(super) fn term(&self, validity: Duration) -> (Timestamp, Timestamp) {
        let (start, end) = term(self.now(), validity);
        (start, end.min(self.not_after))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("dir", &self.dir)
            .field("trust_domain", &self.trust_domain)
            .finish_non_exhaustive()
    }
}

/// A new private key: ECDSA on P-256, which every peer can verify.
pub(super) fn new_key() -> Result<KeyPair, Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(sign_error)
}

/// A random serial number of 16 octets whose first bits are `01`: positive, and of one length.
pub(super) fn new_serial() -> Result<[u8; 16], Error> {
    let mut serial = [0; 16];
    rand::fill(&mut serial).map_err(|_| sign_error(rcgen::Error::RingUnspecified))?;
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    Ok(serial)
}

/// A name of an organisation or a common name: 1 to 64 characters (X.520), none of them control.
pub(super) fn common_name(name: &str) -> Result<&str, Error> {
    let fits = (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then_some(name).ok_or_else(|| Error::Name {
        name: name.to_owned(),
        what: "name of 1 to 64 characters",
    })
}

pub(super) fn uri_name(uri: &str) -> Result<SanType, Error> {
    Ok(SanType::URI(uri.try_into().map_err(sign_error)?))
}

pub(super) fn date(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

pub(super) const fn sign_error(source: rcgen::Error) -> Error {
    Error::Sign { source }
}

fn root(name: &str, domain: &TrustDomain, now: Timestamp) -> Result<CertificateParams, Error> {
    let (start, end) = term(now, ROOT_VALIDITY);
    let mut params = CertificateParams::default();
    params.not_before = date(start);
    params.not_after = date(end);
    params.serial_number = Some(SerialNumber::from_slice(&new_serial()?));
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name(name)?);
    // A SPIFFE id without a path marks an authority, and tells which domain is its own.
    params.subject_alt_names = vec![uri_name(&format!("{SCHEME}{domain}"))?];
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// The trust domain, the end and the public key of an authority's certificate.
fn read_root(der: &CertificateDer<'_>) -> Result<(TrustDomain, Timestamp, Vec<u8>), Violation> {
    let certificate = spiffe::parse(der)?;
    let names = certificate.subject_alternative_name();
    let names = names.ok().flatten().ok_or(Violation::NoUri)?;
    let uri = spiffe::one_uri(names.value)?;
    let domain = uri.strip_prefix(SCHEME).ok_or(Violation::Scheme)?;
    let domain = TrustDomain::parse(domain).ok_or(Violation::TrustDomain)?;
    let key = certificate.public_key().raw.to_vec();
    Ok((domain, spiffe::not_after(&certificate), key))
}

/// From a little before this moment, for peers whose clocks are behind, to the end of the term.
pub(super) fn term(now: Timestamp, validity: Duration) -> (Timestamp, Timestamp) {
    // Certificates count in whole seconds.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let start = now.checked_sub(BACKDATED).unwrap_or(Timestamp::MIN);
    let end = now.checked_add(validity).unwrap_or(Timestamp::MAX);
    (start, end)
}

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
const CRL: &str = "ca.crl";
const NO_AUTHORITY: &str = "is not the certificate of a development authority";

pub(super) const DAY: Duration = Duration::from_hours(24);
const BACKDATED: Duration = Duration::from_mins(5);
const ROOT_VALIDITY: Duration = DAY.saturating_mul(3650);
