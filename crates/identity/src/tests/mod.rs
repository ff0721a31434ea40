//! A small world for the tests: an authority, a clock that can be set, and real sockets.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exchange::{AgencyCode, Clock, SystemId};
use jiff::Timestamp;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyUsagePurpose, SanType};
use rustls::{ClientConfig, HandshakeKind, NamedGroup, ProtocolVersion, ServerConfig};
use rustls_pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::pki::{Authority, Credential, LOOPBACK};
use crate::{ClientFiles, ClientTls, ServerTls, TlsFiles, TlsVersions, TrustDomain, Why, why};

mod chain;
mod handshake;
mod outbound;
mod pki;
mod reload;

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// A clock that stands where it is put.
#[derive(Debug)]
pub(crate) struct SetClock(Mutex<Timestamp>);

impl SetClock {
    pub(crate) fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }

    pub(crate) fn back(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_sub(by).unwrap();
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// An authority in a directory of its own, a server certificate, and a clock.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) authority: Authority,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::named("Lienthong test")
    }

    pub(crate) fn named(name: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        let clock = Arc::new(SetClock(Mutex::new(now)));
        let authority =
            Authority::create(&dir.path().join("ca"), name, &domain(), clock.clone()).unwrap();
        let server = authority.issue_server("gateway", LOOPBACK, DAY * 90);
        server.unwrap().save(dir.path(), "server").unwrap();
        Self {
            dir,
            clock,
            authority,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    pub(crate) fn server_files(&self) -> TlsFiles {
        TlsFiles {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: self.authority.certificate_file(),
            crls: vec![self.authority.crl_file()],
        }
    }

    pub(crate) fn server(&self) -> ServerTls {
        ServerTls::load(&self.server_files(), self.clock()).unwrap()
    }

    pub(crate) fn issue(&self, validity: Duration) -> Credential {
        let (agency, system) = tax_web();
        let issued = self.authority.issue_client(&agency, &system, validity);
        issued.unwrap()
    }

    /// A client of this world's server that shows these PEM texts: certificate chain and key.
    pub(crate) fn client(&self, identity: Option<(&str, &str)>) -> Arc<ClientConfig> {
        let identity = identity.map(|(certificate, key)| {
            fs::write(self.path("client.pem"), certificate).unwrap();
            fs::write(self.path("client.key"), key).unwrap();
            (self.path("client.pem"), self.path("client.key"))
        });
        let files = ClientFiles {
            ca: self.authority.certificate_file(),
            identity,
            versions: TlsVersions::Tls13,
        };
        let tls = ClientTls::load(&files, self.clock()).unwrap();
        tls.config(&[crate::ALPN_H2])
    }

    pub(crate) fn client_of(&self, credential: &Credential) -> Arc<ClientConfig> {
        self.client(Some((credential.certificate_pem(), &credential.key_pem())))
    }
}

/// What a server sees of a connection that it serves.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) group: Option<NamedGroup>,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) kind: Option<HandshakeKind>,
}

pub(crate) fn domain() -> TrustDomain {
    TrustDomain::parse("lienthong.example").unwrap()
}

pub(crate) fn tax_web() -> (AgencyCode, SystemId) {
    let agency = AgencyCode::parse("G18").unwrap();
    (agency, SystemId::parse("tax-web").unwrap())
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Connects over a real socket; both sides say how it went, and a client that is served has read
/// a byte.
pub(crate) async fn connect(
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    host: &'static str,
) -> (io::Result<Served>, io::Result<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let calling = async move {
        let socket = TcpStream::connect(address).await?;
        let name = ServerName::try_from(host).unwrap();
        let mut stream = TlsConnector::from(client).connect(name, socket).await?;
        stream.read_u8().await.map(drop)
    };
    let serving = async move {
        let (socket, _) = listener.accept().await?;
        let mut stream = TlsAcceptor::from(server).accept(socket).await?;
        stream.write_u8(1).await?;
        stream.shutdown().await?;
        let (_, connection) = stream.get_ref();
        Ok(Served {
            chain: connection.peer_certificates().unwrap_or_default().to_vec(),
            version: connection.protocol_version(),
            group: connection
                .negotiated_key_exchange_group()
                .map(|group| group.name()),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            kind: connection.handshake_kind(),
        })
    };
    tokio::join!(serving, calling)
}

/// The label under which a refused client is counted; the client is not served.
pub(crate) async fn refused(server: &ServerTls, client: Arc<ClientConfig>) -> Why {
    let (served, called) = connect(server.current(), client, "localhost").await;
    assert!(called.is_err(), "the client is served");
    why(&served.unwrap_err())
}

pub(crate) async fn served(server: &ServerTls, client: Arc<ClientConfig>) -> Served {
    let (served, called) = connect(server.current(), client, "localhost").await;
    called.unwrap();
    served.unwrap()
}

/// A leaf for the caller of these tests, to be spoilt and signed.
pub(crate) fn leaf(world: &World) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(URI.try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    lasting(&mut params, world, DAY);
    params
}

pub(crate) fn lasting(params: &mut CertificateParams, world: &World, validity: Duration) {
    let now = world.clock.now().as_second();
    let seconds = i64::try_from(validity.as_secs()).unwrap();
    params.not_before = time::OffsetDateTime::from_unix_timestamp(now - 60).unwrap();
    params.not_after = time::OffsetDateTime::from_unix_timestamp(now + seconds).unwrap();
}

const URI: &str = "spiffe://lienthong.example/agency/G18/system/tax-web";
