//! Certificates and revocation lists that an authority should not have issued, or that are about to
//! end: what `lienthong pki` refuses to make.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
};
use time::OffsetDateTime;

use crate::Sandbox;

/// Who signs whatever is asked for.
#[derive(Debug)]
pub struct Forger {
    issuer: Issuer<'static, KeyPair>,
    /// The certificate in PEM, as a chain has it after the leaf.
    pub pem: String,
    dir: PathBuf,
}

impl Forger {
    /// With the key of a sandbox's own authority.
    pub fn of(sandbox: &Sandbox) -> Self {
        let pki = sandbox.dir().join("pki");
        let read = |name: &str| std::fs::read_to_string(pki.join(name)).unwrap();
        let (pem, key) = (read("ca.pem"), KeyPair::from_pem(&read("ca.key")).unwrap());
        let issuer = Issuer::from_ca_cert_pem(&pem, key).unwrap();
        let dir = sandbox.dir();
        Self { issuer, pem, dir }
    }

    /// An authority that nobody knows.
    pub fn unknown(sandbox: &Sandbox, name: &str) -> Self {
        let (params, key) = (authority(name), KeyPair::generate().unwrap());
        let pem = params.self_signed(&key).unwrap().pem();
        let (issuer, dir) = (Issuer::new(params, key), sandbox.dir());
        Self { issuer, pem, dir }
    }

    /// An authority below this one.
    pub fn below(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        let (issuer, dir) = (Issuer::new(params, key), self.dir.clone());
        Self { issuer, pem, dir }
    }

    /// Signs a leaf, with what stands after it in the chain; the files of it and of its key.
    pub fn sign(&self, name: &str, params: &CertificateParams, chain: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap().pem();
        self.write(name, &(leaf + chain), &key)
    }

    /// A leaf that has signed itself.
    pub fn self_signed(&self, name: &str, params: &CertificateParams) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let leaf = params.self_signed(&key).unwrap().pem();
        self.write(name, &leaf, &key)
    }

    /// The authority's own certificate and key, as if they were a client's.
    pub fn as_client(&self, name: &str) -> (PathBuf, PathBuf) {
        self.write(name, &self.pem, self.issuer.key())
    }

    fn write(&self, name: &str, pem: &str, key: &KeyPair) -> (PathBuf, PathBuf) {
        let path = |ending: &str| self.dir.join(format!("{name}.{ending}"));
        std::fs::write(path("pem"), pem).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        (path("pem"), path("key"))
    }

    /// A revocation list of this authority in PEM.
    pub fn list(&self, revoked: &[u64], lasts: Duration) -> String {
        let now = OffsetDateTime::now_utc();
        let revoked = revoked.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: now - Duration::from_secs(60),
            next_update: now + lasts,
            crl_number: SerialNumber::from(
                u64::try_from(now.unix_timestamp_nanos() / 1000).unwrap(),
            ),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

/// The certificate of a caller of a sandbox, to be spoilt.
pub fn leaf() -> CertificateParams {
    let mut leaf = CertificateParams::default();
    leaf.subject_alt_names = vec![uri(CALLER)];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    lasting(&mut leaf, Duration::from_secs(3600));
    leaf
}

/// The certificate of an authority, to be spoilt.
pub fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let names = &mut params.distinguished_name;
    names.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lasting(&mut params, Duration::from_secs(3600));
    params
}

/// Has a certificate begin a minute ago and end in so long.
pub fn lasting(params: &mut CertificateParams, lasts: Duration) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::from_secs(60);
    params.not_after = now + lasts;
}

/// A URI among the names of a certificate.
pub fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

/// Puts a file where another one is, as a careful authority does.
pub fn replace(file: &Path, text: &str) {
    let next = file.with_extension("next");
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, file).unwrap();
}

/// The name of the sandbox's first caller.
pub const CALLER: &str = "spiffe://sandbox.lienthong.example/agency/H55/system/one-stop-desk";
