//! What the TLS of both sides shares: cryptography, clock, trust anchors, protocol names.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use exchange::Clock;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::time_provider::TimeProvider;
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::Error;

/// The protocol name of HTTP/2, which gRPC needs.
pub const ALPN_H2: &[u8] = b"h2";

/// The protocol name of HTTP/1.1.
pub const ALPN_HTTP11: &[u8] = b"http/1.1";

/// The wall clock of the program, as TLS asks for it.
#[derive(Debug)]
pub(crate) struct TlsClock(pub(crate) Arc<dyn Clock>);

impl TimeProvider for TlsClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// The cryptography of both sides; the hybrid post-quantum key exchange comes first.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![
            kx_group::X25519MLKEM768,
            kx_group::X25519,
            kx_group::SECP256R1,
            kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    })
}

/// The trust anchors among the certificates of a file.
pub(crate) fn anchors(
    path: &Path,
    certificates: &[CertificateDer<'static>],
) -> Result<Arc<RootCertStore>, Error> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store
            .add(certificate.clone())
            .map_err(|source| Error::Certificate {
                path: path.to_owned(),
                source,
            })?;
    }
    Ok(Arc::new(store))
}
