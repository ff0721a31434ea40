//! Whom the gateway takes an agency for: certificates and versions of TLS.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use exchange::Source;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tests::row::{KNOWN, Row};
use tests::{Sandbox, run, set};
use time::{Duration as Days, OffsetDateTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion, version};
use toml::Table;

use crate::scene::{only_fails, state, status};

/// An authority of its own, in a file.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(sandbox: &Sandbox) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "authority of a test");
        let made = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(sandbox.dir().join("other-ca.pem"), made.pem()).unwrap();
        Self(made)
    }

    /// A server that shows a certificate for a name, good until so many days from now.
    async fn server(&self, name: &str, days: i64, tls: &'static SupportedProtocolVersion) -> u16 {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        let now = OffsetDateTime::now_utc();
        params.not_before = now - Days::days(30);
        params.not_after = now + Days::days(days);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[tls])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move { handshake(&acceptor, stream).await });
            }
        });
        port
    }
}

/// Shakes hands, after a question of PostgreSQL whether there is TLS if that comes first.
async fn handshake(acceptor: &TlsAcceptor, mut stream: TcpStream) -> io::Result<()> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    if first == [0] {
        stream.read_exact(&mut [0; 8]).await?;
        stream.write_all(b"S").await?;
    }
    acceptor.accept(stream).await.map(drop)
}

/// A server of PostgreSQL that has no TLS; how many bytes it was told in plain text.
async fn without_tls() -> (u16, Arc<AtomicUsize>) {
    let told = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&told);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 8];
            if stream.read_exact(&mut asked).await.is_ok() {
                stream.write_all(b"N").await.ok();
                // What would be a login in plain text is waited for, and must not come.
                let mut more = Vec::new();
                stream.read_to_end(&mut more).await.ok();
                counted.fetch_add(more.len(), Relaxed);
            }
        }
    });
    (port, told)
}

/// Has a gateway reach a source over TLS at that port, trusting the authority of the test.
fn at(config: &mut Table, source: Source, port: u16) {
    let stanza = format!("agency.{source}");
    set(config, &stanza, "ca", "other-ca.pem");
    let url = if source == Source::SocialSecurity {
        format!("postgres://localhost:{port}/bhxh")
    } else {
        format!("https://localhost:{port}/")
    };
    set(config, &stanza, "url", url);
}

/// Row U13: a certificate that is over, of another host, of an authority nobody trusts, an old
/// version of TLS, or none: the source is unavailable, and says that it is for that.
#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_cannot_prove_who_it_is_is_unavailable() {
    let sandbox = Sandbox::start();
    let known = Authority::new(&sandbox);
    let unknown = Authority(
        CertifiedIssuer::self_signed(CertificateParams::default(), KeyPair::generate().unwrap())
            .unwrap(),
    );
    let (plain, told) = without_tls().await;
    let servers = [
        (
            "expired",
            known.server("localhost", -1, &version::TLS13).await,
        ),
        (
            "host",
            known.server("elsewhere.example", 30, &version::TLS13).await,
        ),
        (
            "authority",
            unknown.server("localhost", 30, &version::TLS13).await,
        ),
        (
            "downgraded",
            known.server("localhost", 30, &version::TLS12).await,
        ),
        ("plain", plain),
    ];
    for (why, port) in servers {
        for source in Source::ALL {
            // Only that wire asks whether there is TLS at all.
            if why == "plain" && source != Source::SocialSecurity {
                continue;
            }
            let node = format!("{why}-{}", source as u8);
            let row = Row::begin(&sandbox, &node, &[source], |config| {
                at(config, source, port);
            })
            .await;
            let answer = row.caller.ask(KNOWN, 4).await;
            assert_eq!(answer.status, 200, "{why} {source}: {}", answer.text);
            let answer = answer.json();
            assert_eq!(
                state(&answer, source),
                "UNAVAILABLE",
                "{why} {source}: {answer}"
            );
            let reason = &status(&answer, source)["reason"];
            assert_eq!(reason, "UPSTREAM_TLS", "{why} {source}: {answer}");
            only_fails(&answer, source);
            row.ends().await;
        }
    }
    assert_eq!(told.load(Relaxed), 0, "a login without TLS");
}

/// Row U13: an agency that has nothing newer than TLS 1.2 is reached if its configuration says so. No
/// configuration trusts whoever answers.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_version_is_spoken_where_that_is_said() {
    let sandbox = Sandbox::start();
    let known = Authority::new(&sandbox);
    let port = known.server("localhost", 30, &version::TLS12).await;
    for source in Source::ALL {
        let node = format!("old-{}", source as u8);
        let row = Row::begin(&sandbox, &node, &[source], |config| {
            at(config, source, port);
            set(config, &format!("agency.{source}"), "min_tls", "1.2");
        })
        .await;
        let answer = row.caller.ask(KNOWN, 4).await.json();
        // It shakes hands, and says nothing more.
        let reason = status(&answer, source)["reason"].clone();
        assert_ne!(reason, "UPSTREAM_TLS", "{source}: {answer}");
        assert_eq!(state(&answer, source), "UNAVAILABLE", "{source}: {answer}");
        row.ends().await;
    }
    let schema = run(&["schema", "config"]).out.to_lowercase();
    for word in ["insecure", "skip_verify", "verify_", "no_verify"] {
        assert!(!schema.contains(word), "{word}");
    }
}
