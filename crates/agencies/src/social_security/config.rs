//! Their stanza: the address, the login and the pool.
//!
//! The url may name several hosts (`postgres://a,b/db`), tried in that order; further hosts with ports
//! of their own stand in `standby`. No secret stands in the url.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adapter::{Endpoint, Loopback};
use deadpool::Runtime;
use deadpool::managed::Pool;
use exchange::Clock;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::client::SocialSecurity;
use super::link::{Opener, Tls};
use crate::{Problem, Settings};

/// What the url may say behind `?`, as it is so: a view is read from whichever server answers.
/// Anything else could undo what is decided here.
const URL_KEYS: [(&str, &str); 2] = [
    ("target_session_attrs", "any"),
    ("load_balance_hosts", "disable"),
];

/// Connections when the configuration does not say: at 5 ms per statement they carry 3,200 a
/// second.
const DEFAULT_POOL: u16 = 16;

/// The most connections; a PostgreSQL server takes 100 unless told otherwise.
const MAX_POOL: u16 = 512;

/// How long a call waits for a connection that others use, at most: what comes together while the
/// gateway stands still for a moment is served, and nobody queues behind a source that is slow.
const WAIT: Duration = Duration::from_millis(200);

/// How long after the cap of a call the server stops a statement by itself: the request to stop it
/// has had its time by then.
const NET: Duration = Duration::from_secs(1);

/// Their keys besides those that all agencies have.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Own {
    /// The role to log in as.
    user: String,
    /// File that holds its password.
    password_file: PathBuf,
    /// The database, unless the url names it.
    database: Option<String>,
    /// Further hosts, `host:port`, asked if those of the url do not answer.
    #[serde(default)]
    standby: Vec<String>,
    /// How many connections at most.
    #[serde(default = "default_pool")]
    pool_size: u16,
    /// When the server stops a statement by itself; a second after the cap of a call if left out.
    statement_timeout_ms: Option<u32>,
}

const fn default_pool() -> u16 {
    DEFAULT_POOL
}

/// Makes the adapter, or lists everything that is wrong.
pub(super) fn build(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<SocialSecurity, Vec<Problem>> {
    let own: Own = settings.own()?;
    let endpoint = &settings.endpoint;
    let mut problems = Vec::new();
    let tls = tls(endpoint, clock).unwrap_or_else(|problem| {
        problems.push(problem);
        Tls::Plain
    });
    let address = address(endpoint);
    let named = address.is_ok();
    let mut config = address.unwrap_or_else(|problem| {
        problems.push(problem);
        Config::new()
    });
    if let Err(wrong) = hosts(
        &mut config,
        &own.standby,
        matches!(tls, Tls::Plain),
        endpoint.loopback(),
    ) {
        problems.extend(wrong);
    }
    if let Some(database) = &own.database {
        config.dbname(database);
    }
    if named && config.get_dbname().is_none_or(str::is_empty) {
        problems.push(Problem::new("database", "neither here nor in the url"));
    }
    if own.user.is_empty() {
        problems.push(Problem::new("user", "is empty"));
    }
    if !(1..=MAX_POOL).contains(&own.pool_size) {
        let bounds = format!("not between 1 and {MAX_POOL}");
        problems.push(Problem::new("pool_size", bounds));
    }
    if own.statement_timeout_ms == Some(0) {
        problems.push(Problem::new("statement_timeout_ms", "0 would be no limit"));
    }
    match settings.secret("password_file", &own.password_file) {
        Ok(password) => {
            config.password(password.reveal());
        }
        Err(wrong) => problems.extend(wrong),
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let cap = endpoint.cap();
    session(&mut config, &own, cap, &tls);
    let pool = Pool::builder(Opener::new(config, tls, endpoint.loopback(), cap))
        .max_size(own.pool_size.into())
        .wait_timeout(Some(WAIT.min(cap / 4)))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| vec![Problem::new("pool_size", error)])?;
    Ok(SocialSecurity::new(pool, cap))
}

fn tls(endpoint: &Endpoint, clock: &Arc<dyn Clock>) -> Result<Tls, Problem> {
    let tls = endpoint.tls(&[], clock);
    let tls = tls.map_err(|error| Problem::new("endpoint", error))?;
    Ok(tls.map_or(Tls::Plain, |tls| {
        Tls::Rustls(MakeRustlsConnect::new((*tls).clone()))
    }))
}

/// The hosts, the database and the choice among hosts that the url names.
fn address(endpoint: &Endpoint) -> Result<Config, Problem> {
    let url = &endpoint.url;
    let problem = |what: &str| Err(Problem::new("url", what));
    if url.scheme() != "postgres" {
        return problem("is no postgres:// address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return problem("names a user: that is `user` and `password_file`");
    }
    let mut said = url.query_pairs();
    if !said.all(|(key, value)| URL_KEYS.contains(&(&*key, &*value))) {
        return problem("may say nothing behind `?` but target_session_attrs=any");
    }
    url.as_str()
        .parse()
        .map_err(|_| Problem::new("url", "is no address of a PostgreSQL server"))
}

/// Adds the standby hosts; in plain text they stay on this machine.
fn hosts(
    config: &mut Config,
    standby: &[String],
    plain: bool,
    admitted: Loopback,
) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for host in standby {
        match host
            .rsplit_once(':')
            .map(|(name, port)| (name, port.parse()))
        {
            Some((name, Ok(port))) if !name.is_empty() => {
                let here = name == "localhost" || is_loopback(name);
                let ip = name.trim_matches(['[', ']']).parse();
                if let Some(Err(why)) = ip.ok().map(|ip| admitted.admits(ip)) {
                    problems.push(Problem::new("standby", format!("{host}: {why}")));
                }
                if plain && !here {
                    let what = format!("{host} is plain text and not on this machine");
                    problems.push(Problem::new("standby", what));
                }
                config.host(name).port(port);
            }
            _ => {
                let what = format!("{host} is not host:port");
                problems.push(Problem::new("standby", what));
            }
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

fn is_loopback(name: &str) -> bool {
    let ip = name.parse::<std::net::IpAddr>();
    ip.is_ok_and(|ip| ip.is_loopback())
}

/// Who logs in, and what holds for the whole session: read-only, every statement limited.
fn session(config: &mut Config, own: &Own, cap: Duration, tls: &Tls) {
    let default_ms = (cap + NET).as_millis();
    let limit_ms = own.statement_timeout_ms.map_or(default_ms, u128::from);
    config
        .user(&own.user)
        .application_name("lienthong")
        .options(format!(
            "-c statement_timeout={limit_ms} -c default_transaction_read_only=on"
        ))
        .ssl_mode(match tls {
            Tls::Plain => SslMode::Disable,
            Tls::Rustls(_) => SslMode::Require,
        });
}
