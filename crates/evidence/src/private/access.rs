//! The way to a PostgreSQL: what the file with its connection string says, and what is made of it.
//!
//! It is read anew for every connection and held no longer than to log in, so that a password is in
//! memory for that time, and one that was changed in the file is used from then on. The library that
//! speaks to PostgreSQL does not wipe its own copy when it lets go of it.
//!
//! Not here: connecting.
//!
//! *Invariant:* the password leaves this machine under TLS alone, and is in no `Debug` and no error.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use exchange::SystemClock;
use identity::{ClientFiles, ClientTls, TlsVersions};
use tokio_postgres::Config as Login;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::keys::secret;
use crate::{Config, Error};

/// How to reach a database, and as whom.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) login: Login,
    /// None on this machine.
    pub(super) tls: Option<MakeRustlsConnect>,
    /// What it is called in errors.
    pub(super) name: String,
}

impl Access {
    /// Reads what the settings name; none if they name no database.
    ///
    /// # Errors
    /// A file cannot be read, is readable for others, or does not say enough.
    pub(super) fn read(config: &Config) -> Result<Option<Self>, Error> {
        let Some(path) = &config.database else {
            return match config.database_ca {
                Some(_) => Err(wrong(CA, "means nothing without database")),
                None => Ok(None),
            };
        };
        let text = secret::text(path)?;
        let login = text.trim().parse::<Login>();
        // The error may quote what it could not read, and with it the password.
        let mut login = login.map_err(|_| bad(path, "is no connection string of PostgreSQL"))?;
        for (value, problem) in [
            (login.get_user(), "names no user"),
            (login.get_dbname(), "names no database"),
        ] {
            if value.is_none_or(str::is_empty) {
                return Err(bad(path, problem));
            }
        }
        if login.get_hosts().is_empty() {
            return Err(bad(path, "names no host"));
        }
        let tls = tls(config, &login)?;
        limit(&mut login);
        login.ssl_mode(match tls {
            Some(_) => SslMode::Require,
            None => SslMode::Disable,
        });
        let name = name(&login);
        Ok(Some(Self { login, tls, name }))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({})", self.name)
    }
}

/// None where every host is this machine.
fn tls(config: &Config, login: &Login) -> Result<Option<MakeRustlsConnect>, Error> {
    let Some(ca) = &config.database_ca else {
        if is_here(login) {
            return Ok(None);
        }
        let problem = "is missing, and the database is not on this machine";
        return Err(wrong(CA, problem));
    };
    let files = ClientFiles {
        ca: ca.clone(),
        identity: None,
        versions: TlsVersions::Tls13,
    };
    // The validity of a certificate is a matter of the true time, also where the log's clock is set.
    let tls = ClientTls::load(&files, Arc::new(SystemClock));
    let tls = tls.map_err(|source| Error::Database {
        action: "trust",
        database: ca.display().to_string(),
        source: source.into(),
    })?;
    let tls = tls.config(&[]);
    Ok(Some(MakeRustlsConnect::new((*tls).clone())))
}

fn is_here(login: &Login) -> bool {
    let named = login.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            let ip = name.parse::<std::net::IpAddr>();
            name == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
        }
        Host::Unix(_) => true,
    });
    named && login.get_hostaddrs().iter().all(|ip| ip.is_loopback())
}

/// What holds for every session, besides what its own string says.
fn limit(login: &mut Login) {
    let own = login.get_options().unwrap_or_default();
    let options = format!(
        "{own} -c idle_in_transaction_session_timeout={} -c tcp_keepalives_idle=10 \
         -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
        IDLE.as_millis()
    );
    login
        .application_name("lienthong")
        .options(options)
        .connect_timeout(CONNECT)
        .keepalives_idle(KEEPALIVE);
}

/// Host and database, without the password.
fn name(login: &Login) -> String {
    let ports = login.get_ports();
    let hosts = login.get_hosts().iter().enumerate().map(|(place, host)| {
        let host = match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        // One port goes for all of them.
        match ports.get(place).or_else(|| ports.first()) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    });
    let hosts = hosts.collect::<Vec<_>>().join(",");
    format!("postgres://{hosts}/{}", login.get_dbname().unwrap_or("?"))
}

fn wrong(setting: &'static str, problem: &'static str) -> Error {
    Error::Setting { setting, problem }
}

fn bad(path: &Path, problem: &'static str) -> Error {
    Error::Key {
        path: path.to_owned(),
        problem,
    }
}

const CA: &str = "database_ca";
/// How long one host may take to answer.
const CONNECT: Duration = Duration::from_secs(2);
/// After so much silence the other side is probed.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// A node that has gone in the middle of a change holds up the others no longer than this.
const IDLE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn read(text: &str, ca: Option<&str>) -> Result<Option<Access>, Error> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("database");
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        Access::read(&Config {
            database: Some(file),
            database_ca: ca.map(Into::into),
            ..Config::new(dir.path(), "log.example/1", "n1")
        })
    }

    fn refused(text: &str, ca: Option<&str>) -> String {
        read(text, ca).unwrap_err().to_string()
    }

    #[test]
    fn a_password_is_not_told() {
        for text in [
            "postgres://gateway:s3cret@localhost:5432/evidence\n",
            "host=127.0.0.1 port=5432 user=gateway password=s3cret dbname=evidence",
        ] {
            let access = read(text, None).unwrap().unwrap();
            let told = format!("{access:?}");
            assert!(told.ends_with(":5432/evidence)"), "{told}");
            assert!(!told.contains("s3cret"), "{told}");
        }
        let told = refused("postgres://gateway:s3cret@[::1/evidence", None);
        assert!(
            told.ends_with("is no connection string of PostgreSQL"),
            "{told}"
        );
    }

    #[test]
    fn a_database_elsewhere_is_reached_under_tls_alone() {
        for host in ["db.example", "localhost,db.example", "10.0.0.1"] {
            let text = format!("postgres://gateway@{host}/evidence");
            let told = refused(&text, None);
            assert!(told.starts_with("database_ca: is missing"), "{told}");
        }
        let told = refused("user=u dbname=d host=localhost hostaddr=10.0.0.1", None);
        assert!(told.starts_with("database_ca: is missing"), "{told}");
        let told = refused(
            "postgres://u@db.example/d?sslmode=disable",
            Some("/none.pem"),
        );
        assert_eq!(told, "cannot trust /none.pem");
    }

    #[test]
    fn a_string_that_does_not_say_enough_is_refused() {
        for (text, problem) in [
            ("postgres://localhost/evidence", "names no user"),
            ("postgres://gateway@localhost", "names no database"),
            ("user=gateway dbname=evidence", "names no host"),
            ("evidence", "is no connection string of PostgreSQL"),
        ] {
            let told = refused(text, None);
            assert!(told.ends_with(problem), "{text}: {told}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_and_a_ca_without_a_database_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("database");
        std::fs::write(&file, "postgres://u:p@localhost/d").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let mut config = Config {
            database: Some(file),
            ..Config::new(dir.path(), "log.example/1", "n1")
        };
        let told = Access::read(&config).unwrap_err().to_string();
        assert!(told.contains("chmod 600"), "{told}");
        (config.database, config.database_ca) = (None, Some("ca.pem".into()));
        let told = Access::read(&config).unwrap_err().to_string();
        assert_eq!(told, "database_ca: means nothing without database");
    }
}
