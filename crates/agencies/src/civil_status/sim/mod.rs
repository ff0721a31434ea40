//! The simulated register: its own wire over TLS, the citizens of the world, faults on demand.
//!
//! One dossier in four is polled for, the others are answered at once. Not here: citizens, knobs,
//! sockets (crate `sim`).

mod desk;
mod dossiers;
mod form;
mod records;
mod render;
mod reply;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sim::{Handle, Stage};
use toml::{Table, Value};

use self::desk::Desk;
use crate::{Simulator, Site};

/// The simulated register.
pub(super) const SIMULATOR: Simulator = Simulator {
    provision,
    url,
    start,
};

fn provision(site: &Site) -> anyhow::Result<Table> {
    site.secret(SECRET)?;
    if !site.file(KEY).exists() || !site.file(CERTIFICATE).exists() {
        let hosts = identity::pki::LOOPBACK;
        let issued = site.authority.issue_server(NAME, hosts, VALIDITY)?;
        site.write(KEY, &issued.key_pem())?;
        site.write(CERTIFICATE, issued.certificate_pem())?;
    }
    let ca = std::fs::read_to_string(site.authority.certificate_file())?;
    site.write(CA, &ca)?;
    Ok(Table::from_iter([
        ("ca".to_owned(), site.stanza_path(CA)),
        ("user".to_owned(), Value::String(USER.to_owned())),
        ("secret_file".to_owned(), site.stanza_path(SECRET)),
    ]))
}

fn url(address: SocketAddr) -> String {
    format!("https://{address}")
}

fn start(stage: Stage, site: &Site) -> anyhow::Result<Handle> {
    let tls = tls(site)?;
    let secret = site.secret(SECRET)?;
    let desk = Desk::new(&stage, site, USER, &secret);
    Ok(stage.serve_tls(desk::router(Arc::new(desk)), Arc::new(tls)))
}

/// The register's side of TLS: it shows a certificate, and knows the gateway by its login.
fn tls(site: &Site) -> anyhow::Result<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(site.file(CERTIFICATE))?;
    let chain = chain.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(site.file(KEY))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![identity::ALPN_HTTP11.to_vec()];
    Ok(tls)
}

const USER: &str = "lienthong";
const NAME: &str = "civil-status.sim";
const SECRET: &str = "secret";
const CERTIFICATE: &str = "server.pem";
const KEY: &str = "server.key";
const CA: &str = "ca.pem";
/// As long as a sandbox is likely to be kept.
const VALIDITY: Duration = Duration::from_hours(24 * 365);

/// True if the register would take this enquiry.
#[cfg(test)]
pub(super) fn takes(enquiry: &str) -> bool {
    form::Enquiry::read(enquiry.as_bytes()).is_ok()
}
