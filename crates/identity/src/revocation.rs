//! Revocation lists: which ones may be put into force.
//!
//! Not here: the check of a certificate against them, which is webpki's. A list that would make
//! the gateway refuse everybody, or nobody, is refused when it is loaded, so that the last good
//! one stays in force until its own end.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::{CrlProblem, Error, files, spiffe};

/// The lists in force.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// All of them, in DER.
    pub(crate) ders: Vec<CertificateRevocationListDer<'static>>,
    /// When the first of them ends, if there are any.
    pub(crate) next_update: Option<Timestamp>,
}

/// Loads the lists for the authorities in `client_ca`. No files means: no revocation.
pub(crate) fn load(
    crls: &[PathBuf],
    client_ca: &Path,
    authorities: &[CertificateDer<'static>],
    now: Timestamp,
) -> Result<Lists, Error> {
    let mut lists = Lists::default();
    if crls.is_empty() {
        return Ok(lists);
    }
    let authorities = parse_all(client_ca, authorities)?;
    let mut covered = vec![false; authorities.len()];
    for path in crls {
        for der in files::crls(path)? {
            let next_update = check(&der, &authorities, &mut covered, now).map_err(|problem| {
                let path = path.clone();
                Error::Crl { path, problem }
            })?;
            lists.next_update = lists.next_update.into_iter().chain([next_update]).min();
            lists.ders.push(der);
        }
    }
    let uncovered = authorities
        .iter()
        .zip(covered)
        .find(|(_, covered)| !covered);
    match uncovered {
        Some((authority, _)) => Err(Error::CrlMissing {
            path: client_ca.to_owned(),
            authority: authority.subject().to_string(),
        }),
        None => Ok(lists),
    }
}

/// Checks one list, marks the authorities it speaks for, and returns when the next one is due.
pub(crate) fn check(
    der: &[u8],
    authorities: &[X509Certificate<'_>],
    covered: &mut [bool],
    now: Timestamp,
) -> Result<Timestamp, CrlProblem> {
    let Ok(([], list)) = CertificateRevocationList::from_der(der) else {
        return Err(CrlProblem::Damaged);
    };
    let next_update = list.next_update().ok_or(CrlProblem::NoNextUpdate)?;
    let next_update = Timestamp::from_second(next_update.timestamp()).unwrap_or(Timestamp::MAX);
    if next_update <= now {
        return Err(CrlProblem::Expired(next_update));
    }
    // An authority below ours signs with a key that only its clients show us: webpki checks it.
    let mut named = false;
    let mut signed = false;
    for (authority, covered) in authorities.iter().zip(covered) {
        if authority.subject().as_raw() == list.issuer().as_raw() {
            named = true;
            if list.verify_signature(authority.public_key()).is_ok() {
                signed = true;
                *covered = true;
            }
        }
    }
    if named && !signed {
        return Err(CrlProblem::Signature);
    }
    Ok(next_update)
}

fn parse_all<'a>(
    path: &Path,
    authorities: &'a [CertificateDer<'static>],
) -> Result<Vec<X509Certificate<'a>>, Error> {
    let parsed: Result<Vec<_>, _> = authorities.iter().map(spiffe::parse).collect();
    parsed.map_err(|_| Error::Certificate {
        path: path.to_owned(),
        source: rustls::CertificateError::BadEncoding.into(),
    })
}
