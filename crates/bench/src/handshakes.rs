//! `bench handshakes`: new connections to a server, each with a full handshake of both sides and
//! nothing after it.
//!
//! A handshake counts once the server's first HTTP/2 frame is there: in TLS 1.3 a client is done before
//! the server has seen its certificate. No session is resumed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{NamedGroup, RootCertStore};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;
use url::Url;

use crate::process::{self, CoreTime};
use crate::sandbox::Sandbox;

/// Arguments of `handshakes`.
#[derive(Debug, Args)]
pub(crate) struct Handshakes {
    /// The directory of the sandbox.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The server.
    #[arg(long)]
    pub(crate) url: Url,
    /// Its process.
    #[arg(long)]
    pub(crate) pid: u32,
    /// Which key exchange is offered, and no other.
    #[arg(long, value_enum)]
    pub(crate) exchange: Exchange,
    /// How many connections are opened at once.
    #[arg(long, default_value_t = 16)]
    pub(crate) concurrency: usize,
    /// How long the window is, in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
}

/// A key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Exchange {
    /// `X25519MLKEM768`, which a quantum computer does not break.
    Hybrid,
    /// `X25519` alone.
    Classical,
}

impl Handshakes {
    /// Opens connections for as long as the window is; returns JSON.
    ///
    /// # Errors
    /// No handshake succeeds, or one agrees on another key exchange.
    pub(crate) async fn run(&self) -> anyhow::Result<String> {
        let tls = self.tls()?;
        self.handshake(&tls).await?; // whether it works at all, and says why not
        let over = Arc::new(AtomicBool::new(false));
        let (cores, cpu, begun) = (
            CoreTime::now()?,
            process::cpu_time(self.pid)?,
            Instant::now(),
        );
        let mut callers = JoinSet::new();
        for _ in 0..self.concurrency {
            let (tls, over, url) = (tls.clone(), Arc::clone(&over), self.url.clone());
            let group = self.exchange.group();
            callers.spawn(async move {
                let (mut done, mut failed) = (0_u32, 0_u32);
                while !over.load(Ordering::Relaxed) {
                    match handshake(&url, &tls, group).await {
                        Ok(()) => done += 1,
                        Err(_) => failed += 1,
                    }
                }
                (done, failed)
            });
        }
        sleep(Duration::from_secs_f64(self.seconds)).await;
        over.store(true, Ordering::Relaxed);
        let counts = callers.join_all().await;
        let elapsed = begun.elapsed();
        let cpu = process::cpu_time(self.pid)?.saturating_sub(cpu);
        let done: u32 = counts.iter().map(|(done, _)| done).sum();
        let failed: u32 = counts.iter().map(|(_, failed)| failed).sum();
        if done == 0 {
            bail!("no handshake of {failed} succeeded");
        }
        Ok(serde_json::json!({
            "handshakes": done,
            "failed": failed,
            "per_second": f64::from(done) / elapsed.as_secs_f64(),
            "cpu_us": cpu.as_secs_f64() * 1e6 / f64::from(done),
            "stolen": CoreTime::now()?.stolen_since(&cores),
        })
        .to_string())
    }

    async fn handshake(&self, tls: &TlsConnector) -> anyhow::Result<()> {
        handshake(&self.url, tls, self.exchange.group()).await
    }

    /// The TLS of the default caller, with one key exchange.
    fn tls(&self) -> anyhow::Result<TlsConnector> {
        let sandbox = Sandbox::new(&self.dir);
        let mut anchors = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(sandbox.read("pki/ca.pem")?.as_bytes()) {
            anchors.add(certificate?)?;
        }
        let (chain, key) = (
            sandbox.read("pki/callers/commune.pem")?,
            sandbox.read("pki/callers/commune.key")?,
        );
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>()?;
        let mut provider = default_provider();
        provider.kx_groups = vec![match self.exchange {
            Exchange::Hybrid => kx_group::X25519MLKEM768,
            Exchange::Classical => kx_group::X25519,
        }];
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(anchors)
            .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes())?)?;
        config.alpn_protocols = vec![identity::ALPN_H2.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

impl Exchange {
    const fn group(self) -> NamedGroup {
        match self {
            Self::Hybrid => NamedGroup::X25519MLKEM768,
            Self::Classical => NamedGroup::X25519,
        }
    }
}

/// Opens one connection, until the server has spoken on it.
async fn handshake(url: &Url, tls: &TlsConnector, group: NamedGroup) -> anyhow::Result<()> {
    let host = url.host_str().context("the address names no host")?;
    let port = url.port_or_known_default().unwrap_or(443);
    let tcp = TcpStream::connect((host, port)).await?;
    tcp.set_nodelay(true)?;
    // Closed without a last word: the ports of thousands of connections would wait for a minute.
    tcp.set_zero_linger()?;
    let name = ServerName::try_from(host.to_owned())?;
    let mut stream = tls.connect(name, tcp).await?;
    stream.read_u8().await?;
    let agreed = stream.get_ref().1.negotiated_key_exchange_group();
    match agreed.map(|agreed| agreed.name()) {
        Some(agreed) if agreed == group => Ok(()),
        other => bail!("agreed on {other:?}, not {group:?}"),
    }
}
