//! The simulated tax register: `lienthong.agency.v1` over mutual TLS, on synthetic citizens.

mod record;
mod service;
mod spoil;

use std::sync::Arc;

use api::agency::v1::agency_service_server::AgencyServiceServer;
use exchange::{AgencyCode, Source, SystemId};
use identity::pki::LOOPBACK;
use identity::{ServerTls, TlsFiles};
use sim::{FaultKind, Handle, Stage};

use crate::{Simulator, Site};

pub(super) const SIMULATOR: Simulator = Simulator {
    provision,
    url: |address| format!("https://localhost:{}", address.port()),
    start,
};

/// How long the certificates of both sides hold.
const VALIDITY: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 3600);

/// Certificates for both sides: the register's own, and the gateway's at the register.
fn provision(site: &Site) -> anyhow::Result<toml::Table> {
    let folder = site.file("");
    if !site.file("server.pem").exists() {
        let (agency, system) = (code("tax")?, system("register")?);
        let server = site
            .authority
            .issue_agency_server(&agency, &system, LOOPBACK, VALIDITY)?;
        server.save(&folder, "server")?;
    }
    if !site.file("gateway.pem").exists() {
        let (agency, system) = (code("gateway")?, system("lienthong")?);
        let client = site.authority.issue_client(&agency, &system, VALIDITY)?;
        client.save(&folder, "gateway")?;
    }
    let authority = std::fs::read_to_string(site.authority.certificate_file())?;
    site.write("ca.pem", &authority)?;
    Ok(toml::Table::from_iter([
        ("ca".to_owned(), site.stanza_path("ca.pem")),
        ("certificate".to_owned(), site.stanza_path("gateway.pem")),
        ("key".to_owned(), site.stanza_path("gateway.key")),
    ]))
}

fn start(stage: Stage, site: &Site) -> anyhow::Result<Handle> {
    let files = TlsFiles {
        certificate: site.file("server.pem"),
        key: site.file("server.key"),
        client_ca: site.file("ca.pem"),
        crls: Vec::new(),
    };
    let tls = ServerTls::load(&files, Arc::clone(&site.clock))?;
    stage.knobs().withhold(CANNOT);
    let register = service::Register::new(&stage, site);
    let routes = tonic::service::Routes::new(AgencyServiceServer::new(register));
    let router = routes
        .into_axum_router()
        .layer(axum::middleware::from_fn(spoil::spoil));
    Ok(stage.serve_tls(router, tls.current()))
}

fn code(text: &str) -> anyhow::Result<AgencyCode> {
    AgencyCode::parse(text).ok_or_else(|| anyhow::anyhow!("{text} is no agency code"))
}

fn system(text: &str) -> anyhow::Result<SystemId> {
    SystemId::parse(text).ok_or_else(|| anyhow::anyhow!("{text} is no system"))
}

/// What this wire has no words for: it names no request in its answers, and its sessions are the
/// connections, which nobody logs in to.
const CANNOT: &[FaultKind] = &[
    FaultKind::WrongRequest,
    FaultKind::LoginPage,
    FaultKind::LoginRedirect,
];

/// The source that is simulated.
const SOURCE: Source = Source::Tax;
