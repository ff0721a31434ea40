//! What an issued certificate looks like, and the files it is handed out in.
//!
//! Not here: the authority's own certificate (module `authority`).

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use exchange::{AgencyCode, SystemId};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::ServerName;

use super::Authority;
use super::authority::{common_name, date, new_key, new_serial, sign_error, uri_name};
use super::csr::Request;
use super::index::{Entry, Index, Profile};
use crate::{Error, SpiffeId, files};

/// The names of this machine: what the server certificate of a sandbox is good for.
pub const LOOPBACK: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// A certificate and its private key, both in PEM.
pub struct Credential {
    certificate: String,
    key: KeyPair,
}

/// What differs between one issued certificate and another.
struct Leaf {
    profile: Profile,
    /// How the index calls it.
    name: String,
    subject: DistinguishedName,
    names: Vec<SanType>,
}

impl Authority {
    /// Issues a client certificate and key for one system of an agency.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn issue_client(
        &self,
        agency: &AgencyCode,
        system: &SystemId,
        validity: Duration,
    ) -> Result<Credential, Error> {
        let id = SpiffeId {
            agency: agency.clone(),
            system: system.clone(),
        };
        self.credential(self.client(&id)?, validity)
    }

    /// Issues a certificate for the holder of the key that signed this request (PEM). It takes
    /// the public key and the SPIFFE id from the request, nothing else.
    ///
    /// # Errors
    /// The request is damaged, or asks for an id outside the trust domain.
    pub fn sign_csr(&self, pem: &str, validity: Duration) -> Result<String, Error> {
        let request = Request::parse(pem, self.trust_domain())?;
        self.sign(self.client(&request.id)?, &request.public_key, validity)
    }

    /// Issues a server certificate and key for a name and the hosts (DNS names and IP addresses)
    /// at which it is reached; see [`LOOPBACK`].
    ///
    /// # Errors
    /// The name or a host is not acceptable, or the index cannot be written.
    pub fn issue_server(
        &self,
        name: &str,
        hosts: &[&str],
        validity: Duration,
    ) -> Result<Credential, Error> {
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, common_name(name)?);
        let leaf = Leaf {
            profile: Profile::Server,
            name: name.to_owned(),
            subject,
            names: host_names(hosts)?,
        };
        self.credential(leaf, validity)
    }

    /// Issues a server certificate and key for an agency's own listener: the hosts, and the
    /// SPIFFE id that says whose it is.
    ///
    /// # Errors
    /// A host is not acceptable, or the index cannot be written.
    pub fn issue_agency_server(
        &self,
        agency: &AgencyCode,
        system: &SystemId,
        hosts: &[&str],
        validity: Duration,
    ) -> Result<Credential, Error> {
        let id = SpiffeId {
            agency: agency.clone(),
            system: system.clone(),
        };
        let mut leaf = self.client(&id)?;
        leaf.profile = Profile::Server;
        leaf.names.extend(host_names(hosts)?);
        self.credential(leaf, validity)
    }

    fn client(&self, id: &SpiffeId) -> Result<Leaf, Error> {
        let uri = id.uri(self.trust_domain());
        let mut subject = DistinguishedName::new();
        subject.push(DnType::OrganizationName, id.agency.as_str());
        subject.push(DnType::CommonName, id.system.as_str());
        Ok(Leaf {
            profile: Profile::Client,
            subject,
            names: vec![uri_name(&uri)?],
            name: uri,
        })
    }

    fn credential(&self, leaf: Leaf, validity: Duration) -> Result<Credential, Error> {
        let key = new_key()?;
        let certificate = self.sign(leaf, &key, validity)?;
        Ok(Credential { certificate, key })
    }

    /// Signs, and writes the index before the certificate leaves.
    fn sign(
        &self,
        leaf: Leaf,
        key: &impl PublicKeyData,
        validity: Duration,
    ) -> Result<String, Error> {
        let (start, end) = self.term(validity);
        let serial = new_serial()?;
        let mut params = CertificateParams::default();
        params.not_before = date(start);
        params.not_after = date(end);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.distinguished_name = leaf.subject;
        params.subject_alt_names = leaf.names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose(leaf.profile)];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(key, self.issuer()).map_err(sign_error)?;
        let entry = Entry {
            serial: hex::encode(serial),
            profile: leaf.profile,
            name: leaf.name,
            not_after: end,
            revoked: None,
        };
        Index::open(self.dir())?.issued(&entry, self.now())?;
        Ok(certificate.pem())
    }
}

impl Credential {
    /// The certificate in PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// The private key in PEM (PKCS #8).
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Writes `<name>.pem`, and `<name>.key` that its owner alone can read; returns their paths.
    ///
    /// # Errors
    /// The name is a path or the authority's own, or a file cannot be written.
    pub fn save(&self, dir: &Path, name: &str) -> Result<(PathBuf, PathBuf), Error> {
        if name.is_empty() || name == "ca" || name.contains(['/', '\0']) {
            return Err(Error::Name {
                name: name.to_owned(),
                what: "name for the files of a certificate",
            });
        }
        let certificate = dir.join(format!("{name}.pem"));
        let key = dir.join(format!("{name}.key"));
        files::replace(&key, self.key_pem().as_bytes(), files::SECRET)?;
        files::replace(&certificate, self.certificate.as_bytes(), files::PUBLIC)?;
        Ok((certificate, key))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

const fn purpose(profile: Profile) -> ExtendedKeyUsagePurpose {
    match profile {
        Profile::Client => ExtendedKeyUsagePurpose::ClientAuth,
        Profile::Server => ExtendedKeyUsagePurpose::ServerAuth,
    }
}

/// The hosts as alternative names, at least one.
fn host_names(hosts: &[&str]) -> Result<Vec<SanType>, Error> {
    if hosts.is_empty() {
        return Err(no_host(""));
    }
    hosts.iter().copied().map(host_name).collect()
}

/// One host; the type of rustls refuses wildcards and malformed names.
fn host_name(host: &str) -> Result<SanType, Error> {
    match ServerName::try_from(host) {
        Ok(ServerName::IpAddress(address)) => Ok(SanType::IpAddress(address.into())),
        // A certificate spells a name without the dot of the root.
        Ok(ServerName::DnsName(name)) if !host.ends_with('.') => {
            let name = name.as_ref().try_into().map_err(|_| no_host(host))?;
            Ok(SanType::DnsName(name))
        }
        _ => Err(no_host(host)),
    }
}

fn no_host(host: &str) -> Error {
    Error::Name {
        name: host.to_owned(),
        what: "DNS name or IP address",
    }
}
