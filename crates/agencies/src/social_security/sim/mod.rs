//! The simulated agency: the views of `view.sql` over the PostgreSQL wire, computed from the
//! synthetic citizens.
//!
//! It takes exactly the two statements that `WIRE.md` names, over the extended query protocol,
//! and asks for a password. It is no database: there is no SQL behind it.

mod answer;
mod execute;
mod login;
mod misbehave;
mod session;
mod statement;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use exchange::{CitizenId, Clock, Source};
use pgwire::api::ConnectionManager;
use sim::{Handle, Journal, Knobs, Person, Prepared, Stage, World};

use crate::{Simulator, Site};

/// How they are simulated.
pub(super) const SIMULATOR: Simulator = Simulator {
    provision,
    url,
    start,
};

/// The role of the gateway.
const USER: &str = "gateway";

/// The database of the views.
const DATABASE: &str = "bhxh";

/// The file of the role's password.
const PASSWORD: &str = "password";

/// What all connections of a simulator share.
struct Agency {
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    journal: Arc<Journal>,
    knobs: Arc<Knobs>,
    login: login::Login,
    running: Arc<ConnectionManager>,
    prepared: Prepared<(CitizenId, Arc<str>)>,
}

impl Agency {
    /// The person of that number as they hold them: under the number in force, whichever of the
    /// person's numbers was asked for.
    fn person(&self, id: &CitizenId) -> Option<Person> {
        let current = self.world.current_id(id)?;
        self.world.view(&current, Source::SocialSecurity)
    }

    /// The rows that answer a statement about that number; none if nobody has it.
    fn rows(&self, statement: &statement::Statement, id: &CitizenId) -> Option<Bytes> {
        let rendered = self.prepared.get_or_render((*id, statement.text()), || {
            self.person(id)
                .map(|person| answer::row(&person, statement, self.clock.now()))
                .unwrap_or_default()
        });
        (!rendered.is_empty()).then_some(rendered)
    }
}

/// The row of that number as JSON, to fill a real database with.
#[cfg(test)]
pub(super) fn json_row(world: &World, id: &CitizenId) -> Option<serde_json::Value> {
    let current = world.current_id(id)?;
    let person = world.view(&current, Source::SocialSecurity)?;
    Some(answer::json_row(&person))
}

fn provision(site: &Site) -> anyhow::Result<toml::Table> {
    site.secret(PASSWORD)?;
    let mut stanza = toml::Table::new();
    stanza.insert("user".into(), USER.into());
    stanza.insert("password_file".into(), site.stanza_path(PASSWORD));
    Ok(stanza)
}

fn url(address: SocketAddr) -> String {
    format!("postgres://{address}/{DATABASE}")
}

fn start(stage: Stage, site: &Site) -> anyhow::Result<Handle> {
    stage.knobs().withhold(misbehave::CANNOT);
    let running = Arc::new(ConnectionManager::new());
    let agency = Arc::new(Agency {
        world: Arc::clone(&site.world),
        clock: Arc::clone(&site.clock),
        journal: Arc::clone(stage.journal()),
        knobs: Arc::clone(stage.knobs()),
        login: login::login(site.secret(PASSWORD)?, Arc::clone(&running)),
        running,
        prepared: Prepared::new(site.prepared),
    });
    Ok(stage.serve_raw(move |connection| session::serve(connection, Arc::clone(&agency))))
}
