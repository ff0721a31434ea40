//! The simulated population database, on its own wire.
//!
//! Scope: what is shared with the gateway, the listener, and the order of checks. Strict where
//! the agency is: signature, clock, session, order of elements. Not here: citizens and faults
//! (crate `sim`).

mod desk;
mod door;
mod page;
mod question;
mod render;
mod say;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use sim::{Handle, Stage};

use crate::{Simulator, Site};
use desk::Desk;
#[cfg(test)]
pub(super) use question::Question;

/// How the population database is simulated.
pub(super) const SIMULATOR: Simulator = Simulator {
    provision,
    url,
    start,
};

/// The path of the service.
const PATH: &str = "/dancuquocgia";

/// The account of the gateway.
const ACCOUNT: &str = "lienthong";

/// The file of the secret that the account signs with.
const SECRET: &str = "secret";

fn provision(site: &Site) -> anyhow::Result<toml::Table> {
    site.secret(SECRET)?;
    let mut stanza = toml::Table::new();
    for (key, text) in [
        ("account", ACCOUNT),
        ("unit", "000.00.01.G01"),
        ("default_service", "G01-LIENTHONG"),
        ("default_officer", "LIENTHONG"),
    ] {
        stanza.insert(key.into(), text.into());
    }
    stanza.insert("secret_file".into(), site.stanza_path(SECRET));
    Ok(stanza)
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}{PATH}")
}

fn start(stage: Stage, site: &Site) -> anyhow::Result<Handle> {
    let secret = site.secret(SECRET)?;
    let desk = Arc::new(Desk::new(&stage, site, secret));
    let router = Router::new()
        .route(PATH, post(desk::serve))
        .with_state(desk);
    Ok(stage.serve(router))
}
