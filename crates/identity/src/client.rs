//! The TLS of a caller: the gateway towards an agency, and the program's own client.
//!
//! Not here: connecting (each user has its own connector). There is no way to switch the check of
//! the server's certificate off.
//!
//! Sessions are not resumed, so every new connection sees the server's certificate.

use std::path::PathBuf;
use std::sync::Arc;

use exchange::Clock;
use rustls::ClientConfig;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::version::{TLS12, TLS13};

use crate::tls::{self, TlsClock};
use crate::{Error, files, server};

/// Which versions of TLS a connection may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// TLS 1.3 alone.
    #[default]
    Tls13,
    /// TLS 1.2 too, for an agency that has nothing newer; with forward secrecy and AEAD only.
    Tls12Aead,
}

/// Where a client's trust and identity stand.
#[derive(Clone, Debug)]
pub struct ClientFiles {
    /// The authorities of server certificates, in PEM.
    pub ca: PathBuf,
    /// The client's certificate and private key in PEM, if the server asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Which versions may be used.
    pub versions: TlsVersions,
}

/// A checked configuration, from which a connector takes one for its protocol.
#[derive(Clone, Debug)]
pub struct ClientTls {
    base: ClientConfig,
}

impl ClientTls {
    /// Reads the files and builds the configuration.
    ///
    /// # Errors
    /// Which file is wrong, and what is wrong with it.
    pub fn load(files: &ClientFiles, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let versions: &[_] = match files.versions {
            TlsVersions::Tls13 => &[&TLS13],
            TlsVersions::Tls12Aead => &[&TLS13, &TLS12],
        };
        let anchors = tls::anchors(&files.ca, &files::certificates(&files.ca)?)?;
        let verifier = WebPkiServerVerifier::builder_with_provider(anchors, tls::provider())
            .build()
            .map_err(|source| Error::Verifier { source })?;
        let builder =
            ClientConfig::builder_with_details(tls::provider(), Arc::new(TlsClock(clock)))
                .with_protocol_versions(versions)
                .map_err(|source| Error::Tls { source })?
                .with_webpki_verifier(verifier);
        let mut base = match &files.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(files::certificates(certificate)?, files::key(key)?)
                .map_err(|source| server::key_error(certificate, key, source))?,
        };
        base.resumption = Resumption::disabled();
        Ok(Self { base })
    }

    /// The configuration for a connection that speaks one of these protocols, best first.
    #[must_use]
    pub fn config(&self, alpn: &[&[u8]]) -> Arc<ClientConfig> {
        let mut config = self.base.clone();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }
}
