//! The TLS of the agencies' listener: TLS 1.3, a client certificate always, reload in place.
//!
//! Not here: accepting, time limits on the handshake, and closing connections (crate `edge`).
//!
//! Sessions are not resumed: a resumed handshake shows no certificate, so it would pass by an
//! expiry or a revocation that came after the first one. A caller keeps its connection for many
//! calls, so there is little to save.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use exchange::Clock;
use jiff::Timestamp;
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{Error as TlsError, InconsistentKeys, ServerConfig};
use rustls_pki_types::CertificateDer;

use crate::tls::{self, ALPN_H2, ALPN_HTTP11, TlsClock};
use crate::verifier::AgencyVerifier;
use crate::{Error, files, revocation, spiffe};

/// Where the listener's identity stands, and whom it believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate in PEM, intermediates after it.
    pub certificate: PathBuf,
    /// Its private key in PEM.
    pub key: PathBuf,
    /// The authorities of client certificates, in PEM.
    pub client_ca: PathBuf,
    /// Their revocation lists, in PEM or DER; none means that nothing is revoked.
    pub crls: Vec<PathBuf>,
}

/// How files are, without reading them: who replaces or writes one changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamps(Vec<Option<Stamp>>);

/// When a file was written last, its length, and its place on the disk.
type Stamp = (SystemTime, u64, u64);

impl Stamps {
    fn of(files: &TlsFiles) -> Self {
        let own = [&files.certificate, &files.key, &files.client_ca];
        let stamp = |path: &PathBuf| {
            let file = path.metadata().ok()?;
            Some((file.modified().ok()?, file.len(), file.ino()))
        };
        Self(own.into_iter().chain(&files.crls).map(stamp).collect())
    }
}

/// When what is in force ends; for metrics and alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// The end of the server certificate.
    pub certificate_not_after: Timestamp,
    /// When the first revocation list becomes stale: from then on its clients are refused.
    pub crl_next_update: Option<Timestamp>,
}

/// The TLS configuration in force, replaced as a whole by [`ServerTls::reload`] and
/// [`ServerTls::replace`].
#[derive(Debug)]
pub struct ServerTls {
    clock: Arc<dyn Clock>,
    current: ArcSwap<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    files: TlsFiles,
    /// How the files were before they were read.
    stamps: Stamps,
    config: Arc<ServerConfig>,
    verifier: Arc<AgencyVerifier>,
    lifetimes: Lifetimes,
}

impl ServerTls {
    /// Reads the files and builds the configuration.
    ///
    /// # Errors
    /// Which file is wrong, and what is wrong with it.
    pub fn load(files: &TlsFiles, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let loaded = build(files, &clock)?;
        Ok(Self {
            clock,
            current: ArcSwap::from_pointee(loaded),
        })
    }

    /// Reads the files again; if all of them are good, new connections use them.
    ///
    /// Connections that are open stay as they are: see [`ServerTls::verify_client`].
    ///
    /// # Errors
    /// Which file is wrong, and what is wrong with it; the configuration in force stays.
    pub fn reload(&self) -> Result<Arc<ServerConfig>, Error> {
        let loaded = build(&self.current.load().files, &self.clock)?;
        let config = Arc::clone(&loaded.config);
        self.current.store(Arc::new(loaded));
        Ok(config)
    }

    /// Takes over what another has loaded; false if it is from the same state of the same files.
    pub fn replace(&self, other: Self) -> bool {
        let differs = other.differs_from(self);
        if differs {
            self.current.store(other.current.into_inner());
        }
        differs
    }

    /// True if it is from other files than that one, or from another state of them.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> bool {
        let (own, other) = (self.current.load(), other.current.load());
        own.files != other.files || own.stamps != other.stamps
    }

    /// How the files are now, if that is not how they were when they were loaded.
    #[must_use]
    pub fn changed(&self) -> Option<Stamps> {
        let current = self.current.load();
        let now = Stamps::of(&current.files);
        (now != current.stamps).then_some(now)
    }

    /// The configuration for the next connection.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().config)
    }

    /// When what is in force ends.
    #[must_use]
    pub fn lifetimes(&self) -> Lifetimes {
        self.current.load().lifetimes
    }

    /// Checks the certificates of an open connection against what is in force at this moment,
    /// so that a reload can close what it no longer admits.
    ///
    /// # Errors
    /// Why the client would be refused if it connected anew.
    pub fn verify_client(&self, chain: &[CertificateDer<'_>]) -> Result<(), TlsError> {
        let (leaf, intermediates) = chain
            .split_first()
            .ok_or(TlsError::NoCertificatesPresented)?;
        let now = TlsClock(Arc::clone(&self.clock))
            .current_time()
            .ok_or(TlsError::FailedToGetCurrentTime)?;
        let current = self.current.load();
        current
            .verifier
            .verify_client_cert(leaf, intermediates, now)
            .map(drop)
    }
}

fn build(files: &TlsFiles, clock: &Arc<dyn Clock>) -> Result<Loaded, Error> {
    let (now, stamps) = (clock.now(), Stamps::of(files));
    let chain = files::certificates(&files.certificate)?;
    let certificate_not_after = in_force_until(&files.certificate, &chain, now)?;
    let authorities = files::certificates(&files.client_ca)?;
    let anchors = tls::anchors(&files.client_ca, &authorities)?;
    let lists = revocation::load(&files.crls, &files.client_ca, &authorities, now)?;
    let verifier = Arc::new(AgencyVerifier::new(anchors, lists.ders)?);
    Ok(Loaded {
        files: files.clone(),
        stamps,
        config: Arc::new(configure(files, clock, chain, Arc::clone(&verifier) as _)?),
        verifier,
        lifetimes: Lifetimes {
            certificate_not_after,
            crl_next_update: lists.next_update,
        },
    })
}

fn configure(
    files: &TlsFiles,
    clock: &Arc<dyn Clock>,
    chain: Vec<CertificateDer<'static>>,
    verifier: Arc<dyn ClientCertVerifier>,
) -> Result<ServerConfig, Error> {
    let time = Arc::new(TlsClock(Arc::clone(clock)));
    let mut config = ServerConfig::builder_with_details(tls::provider(), time)
        .with_protocol_versions(&[&TLS13])
        .map_err(|source| Error::Tls { source })?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, files::key(&files.key)?)
        .map_err(|source| key_error(&files.certificate, &files.key, source))?;
    config.alpn_protocols = vec![ALPN_H2.to_vec(), ALPN_HTTP11.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// The end of the first certificate of a chain, which must lie ahead.
fn in_force_until(
    path: &Path,
    chain: &[CertificateDer<'static>],
    now: Timestamp,
) -> Result<Timestamp, Error> {
    let leaf = chain.first().map(spiffe::parse);
    let Some(Ok(leaf)) = leaf else {
        let source = rustls::CertificateError::BadEncoding.into();
        let path = path.to_owned();
        return Err(Error::Certificate { path, source });
    };
    let not_after = spiffe::not_after(&leaf);
    if not_after <= now {
        let path = path.to_owned();
        return Err(Error::Expired { path, not_after });
    }
    Ok(not_after)
}

/// Says which of the two files of an identity is wrong.
pub(crate) fn key_error(certificate: &Path, key: &Path, source: TlsError) -> Error {
    if source == TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) {
        return Error::KeyMismatch {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
    }
    let path = key.to_owned();
    Error::Key { path, source }
}
