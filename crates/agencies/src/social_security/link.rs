//! One connection: opened, logged in, its statements prepared once, and how it ended.
//!
//! Not here: when a connection is given up (`client`); what an error means to the caller
//! (`failure`).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::types::Type;
use tokio_postgres::{CancelToken, Client, Config, Connection, Error, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::wire::Select;

/// After this a connection is replaced, so that a change of address or of the leading server is
/// followed.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// The most statements that one connection holds prepared. Agreements in force know a handful of
/// column sets; the bound keeps odd masks from filling the server's memory.
const MAX_STATEMENTS: usize = 64;

/// How long the request to stop a statement may take.
const CANCEL: Duration = Duration::from_secs(1);

/// How the bytes of a connection are protected.
#[derive(Clone)]
pub(super) enum Tls {
    /// Not at all: this machine only.
    Plain,
    /// By TLS.
    Rustls(MakeRustlsConnect),
}

/// Opens connections for the pool.
pub(super) struct Opener {
    config: Config,
    tls: Tls,
}

impl Opener {
    /// Opens as `config` says.
    pub(super) const fn new(config: Config, tls: Tls) -> Self {
        Self { config, tls }
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("hosts", &self.config.get_hosts())
            .field("ports", &self.config.get_ports())
            .finish_non_exhaustive()
    }
}

impl Manager for Opener {
    type Type = Link;
    type Error = Error;

    async fn create(&self) -> Result<Link, Error> {
        match &self.tls {
            Tls::Plain => {
                let (client, connection) = self.config.connect(NoTls).await?;
                Ok(Link::new(client, connection, self.tls.clone()))
            }
            Tls::Rustls(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                Ok(Link::new(client, connection, self.tls.clone()))
            }
        }
    }

    async fn recycle(&self, link: &mut Link, metrics: &Metrics) -> RecycleResult<Error> {
        if link.given_up || link.client.is_closed() {
            Err(RecycleError::message("the connection is over"))
        } else if metrics.age() > MAX_AGE {
            Err(RecycleError::message("the connection is old"))
        } else {
            Ok(())
        }
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The bytes broke off.
    Broken,
    /// The bytes were no message of this protocol.
    Garbage,
}

/// An open connection. Dropping it closes it at once, whatever it was asked.
pub(super) struct Link {
    client: Client,
    statements: HashMap<Select, Statement>,
    brake: Brake,
    end: Arc<OnceLock<End>>,
    given_up: bool,
}

impl Link {
    fn new<S, T>(client: Client, connection: Connection<S, T>, tls: Tls) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let end = Arc::new(OnceLock::new());
        let driver = tokio::spawn(drive(connection, Arc::clone(&end))).abort_handle();
        let brake = Brake {
            token: client.cancel_token(),
            tls,
            driver,
        };
        Self {
            client,
            statements: HashMap::new(),
            brake,
            end,
            given_up: false,
        }
    }

    /// Asks one statement with one parameter, and reads the whole answer.
    ///
    /// If the future is dropped before, the server is asked to stop the statement and the
    /// connection is given up, so that nobody finds a late answer on it.
    pub(super) async fn query(
        &mut self,
        select: Select,
        parameter: &str,
    ) -> Result<Vec<Row>, Error> {
        self.given_up = true;
        let guard = StopOnDrop(Some(&self.brake));
        let rows = match statement(&self.client, &mut self.statements, select).await {
            Ok(statement) => self.client.query(&statement, &[&parameter]).await,
            Err(error) => Err(error),
        };
        guard.disarm();
        self.given_up = false;
        rows
    }

    /// How the connection ended, once it did.
    pub(super) fn end(&self) -> Option<End> {
        self.end.get().copied()
    }

    /// Closes the connection; the pool hands it out no more.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
        self.brake.driver.abort();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.brake.driver.abort();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("statements", &self.statements.len())
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}

/// The prepared statement of that text; prepared if it is not.
async fn statement(
    client: &Client,
    held: &mut HashMap<Select, Statement>,
    select: Select,
) -> Result<Statement, Error> {
    if let Some(statement) = held.get(&select) {
        return Ok(statement.clone());
    }
    let sql = select.sql();
    let statement = client.prepare_typed(&sql, &[Type::TEXT]).await?;
    if held.len() >= MAX_STATEMENTS {
        held.clear();
    }
    held.insert(select, statement.clone());
    Ok(statement)
}

/// What it takes to stop a statement from outside.
struct Brake {
    token: CancelToken,
    tls: Tls,
    driver: AbortHandle,
}

/// Stops a statement unless it was answered.
struct StopOnDrop<'a>(Option<&'a Brake>);

impl StopOnDrop<'_> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        let Some(brake) = self.0 else { return };
        brake.driver.abort();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(cancel(brake.token.clone(), brake.tls.clone()));
        }
    }
}

/// Asks the server to stop a statement, over a connection of its own. The server ends it by
/// itself after `statement_timeout` if this does not arrive.
async fn cancel(token: CancelToken, tls: Tls) {
    let request = async {
        match tls {
            Tls::Plain => token.cancel_query(NoTls).await,
            Tls::Rustls(tls) => token.cancel_query(tls).await,
        }
    };
    if !matches!(timeout(CANCEL, request).await, Ok(Ok(()))) {
        tracing::debug!("a statement could not be stopped");
    }
}

/// Moves the bytes of a connection, and writes down how it ended before those who wait for an
/// answer learn that none will come.
async fn drive<S, T>(mut connection: Connection<S, T>, end: Arc<OnceLock<End>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    if let Err(error) = (&mut connection).await {
        let end_of_it = judge(&error);
        // Nobody else sets it.
        let _first = end.set(end_of_it);
        tracing::debug!(end = ?end_of_it, "a connection ended");
    }
}

/// Tells bytes that broke off from bytes that were never right.
fn judge(error: &Error) -> End {
    use std::error::Error as _;
    use std::io::ErrorKind;
    let Some(source) = error.source() else {
        // Of the errors without a source, all but this one are about the messages.
        return if error.is_closed() {
            End::Broken
        } else {
            End::Garbage
        };
    };
    let kind = source.downcast_ref().map(std::io::Error::kind);
    match kind {
        Some(ErrorKind::InvalidData | ErrorKind::InvalidInput) => End::Garbage,
        _ => End::Broken,
    }
}
