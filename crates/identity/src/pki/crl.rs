//! What an authority takes back: revoking, and the list that says so.
//!
//! Not here: the gateway's use of the list (module `revocation` of the crate).

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};

use super::Authority;
use super::authority::{DAY, date, sign_error, term};
use super::index::Index;
use crate::{Error, files, spiffe};

impl Authority {
    /// Revokes the certificate with this serial number (hex) and issues the list anew. Revoking
    /// twice is as good as once.
    ///
    /// # Errors
    /// The authority has not issued it, or a file cannot be written.
    pub fn revoke(&self, serial: &str) -> Result<(), Error> {
        let mut index = Index::open(self.dir())?;
        let serial = serial.replace(':', "").to_ascii_lowercase();
        let entries = index.entries()?;
        let Some(entry) = entries.iter().find(|entry| entry.serial == serial) else {
            return Err(Error::NotIssued { serial });
        };
        if entry.revoked.is_none() {
            index.revoked(entry, self.now())?;
        }
        self.write_crl(&mut index)
    }

    /// Revokes the certificate in this PEM file and issues the list anew.
    ///
    /// # Errors
    /// The file holds no certificate of this authority, or a file cannot be written.
    pub fn revoke_file(&self, certificate: &Path) -> Result<(), Error> {
        let ders = files::certificates(certificate)?;
        let serial = ders
            .first()
            .and_then(|der| spiffe::parse(der).ok())
            .map(|parsed| spiffe::serial(&parsed));
        let serial = serial.ok_or_else(|| Error::Authority {
            path: certificate.to_owned(),
            problem: "the certificate cannot be read",
        })?;
        self.revoke(&serial)
    }

    /// Issues the revocation list anew, so that it stays in force.
    ///
    /// # Errors
    /// The index cannot be read, or the list cannot be written.
    pub fn renew_crl(&self) -> Result<(), Error> {
        self.write_crl(&mut Index::open(self.dir())?)
    }

    /// Writes the list; the caller holds the lock of the index, so two writers cannot cross.
    fn write_crl(&self, index: &mut Index) -> Result<(), Error> {
        let (start, end) = term(self.now(), CRL_VALIDITY);
        let revoked: Result<Vec<_>, _> = index
            .entries()?
            .iter()
            .filter_map(|entry| entry.revoked.map(|at| revoked(&entry.serial, at)))
            .collect();
        // A number that grows with each list; the time does, and needs no state.
        let number = self.now().as_millisecond().unsigned_abs();
        let list = CertificateRevocationListParams {
            this_update: date(start),
            next_update: date(end),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked?,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(self.issuer()).map_err(sign_error)?;
        let pem = list.pem().map_err(sign_error)?;
        files::replace(&self.crl_file(), pem.as_bytes(), files::PUBLIC)
    }
}

fn revoked(serial: &str, at: Timestamp) -> Result<RevokedCertParams, Error> {
    let bytes = hex::decode(serial).map_err(|_| Error::NotIssued {
        serial: serial.to_owned(),
    })?;
    Ok(RevokedCertParams {
        serial_number: SerialNumber::from(bytes),
        revocation_time: date(at),
        reason_code: None,
        invalidity_date: None,
    })
}

/// A year, so that a sandbox which was left alone for months still starts. A revocation needs no
/// short term: it issues the list at once.
const CRL_VALIDITY: Duration = DAY.saturating_mul(365);
