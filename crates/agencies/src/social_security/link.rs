//! One connection: opened, logged in, its statements prepared once, and how it ended.
//!
//! Not here: when a connection is given up (`client`); what an error means to the caller
//! (`failure`).

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use adapter::Loopback;
use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::Type;
use tokio_postgres::{CancelToken, Client, Config, Connection, Error, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::socket::{Socket, TooLarge};
use super::wire::Select;

/// After this a connection is replaced, so that a change of address or of the leading server is
/// followed.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// The most statements that one connection holds prepared. Agreements in force know a handful of
/// column sets; the bound keeps odd masks from filling the server's memory.
const MAX_STATEMENTS: usize = 64;

/// Where a PostgreSQL server listens unless it is said.
const DEFAULT_PORT: u16 = 5432;

/// How long it may take at most to connect to one host, with TLS and the login.
const OPEN: Duration = Duration::from_secs(1);

/// How long the request to stop a statement may take.
const CANCEL: Duration = Duration::from_secs(1);

/// The most rows of one answer.
const MAX_ROWS: usize = 1_000;

/// The most that its rows may hold: 1 MiB.
const MAX_ROW_BYTES: usize = 1 << 20;

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
    loopback: Loopback,
    cap: Duration,
}

/// Why no connection was opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOpened {
    /// Nobody was reached.
    #[error("no server was reached")]
    Unreached(#[source] io::Error),
    /// Whoever was reached is not trusted, or lets nobody in.
    #[error("the server lets nobody in")]
    Refused(#[source] Error),
}

impl Opener {
    /// Opens as `config` says, where an agency may be, for calls that take no longer than `cap`.
    pub(super) const fn new(config: Config, tls: Tls, loopback: Loopback, cap: Duration) -> Self {
        Self {
            config,
            tls,
            loopback,
            cap,
        }
    }

    /// Opens a connection to one host.
    async fn open(&self, host: &str, port: u16) -> Result<Link, NotOpened> {
        let reached = Socket::connect(self.loopback, host, port).await;
        let reached = reached.and_then(|socket| Ok((socket.peer()?, socket)));
        let (peer, socket) = reached.map_err(NotOpened::Unreached)?;
        let host = host.to_owned();
        let way = Way {
            peer,
            host,
            tls: self.tls.clone(),
        };
        match &self.tls {
            Tls::Plain => {
                let opened = self.config.connect_raw(socket, NoTls).await;
                let (client, connection) = opened.map_err(NotOpened::Refused)?;
                Ok(Link::new(client, connection, way))
            }
            Tls::Rustls(tls) => {
                let tls = connector(tls, &way.host);
                let tls = tls.map_err(|error| NotOpened::Unreached(io::Error::other(error)))?;
                let opened = self.config.connect_raw(socket, tls).await;
                let (client, connection) = opened.map_err(NotOpened::Refused)?;
                Ok(Link::new(client, connection, way))
            }
        }
    }

    /// Every host with its port, in the order of the configuration.
    fn hosts(&self) -> impl Iterator<Item = (&str, u16)> {
        let ports = self.config.get_ports();
        let port = move |place: usize| ports.get(place).or(ports.first()).copied();
        let hosts = self.config.get_hosts().iter().enumerate();
        hosts.filter_map(move |(place, host)| match host {
            Host::Tcp(name) => Some((name.as_str(), port(place).unwrap_or(DEFAULT_PORT))),
            Host::Unix(_) => None,
        })
    }
}

/// What makes TLS with a host of that name.
fn connector(
    tls: &MakeRustlsConnect,
    host: &str,
) -> Result<
    <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect,
    <MakeRustlsConnect as MakeTlsConnect<Socket>>::Error,
> {
    MakeTlsConnect::<Socket>::make_tls_connect(&mut tls.clone(), host.trim_matches(['[', ']']))
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
    type Error = NotOpened;

    async fn create(&self) -> Result<Link, NotOpened> {
        let nobody = || io::Error::new(io::ErrorKind::NotFound, "no host is named");
        let mut last = NotOpened::Unreached(nobody());
        let hosts: Vec<_> = self.hosts().collect();
        let count = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
        for (host, left) in hosts.into_iter().zip((0..count).rev()) {
            // One that hangs leaves as much time to each that follows, and to the question.
            let time = match left {
                0 => OPEN,
                _ => OPEN.min(self.cap / (count + 1)),
            };
            let opened = timeout(time, self.open(host.0, host.1)).await;
            match opened.unwrap_or_else(|late| Err(NotOpened::Unreached(late.into()))) {
                Ok(link) => return Ok(link),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn recycle(&self, link: &mut Link, metrics: &Metrics) -> RecycleResult<NotOpened> {
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
    /// More came than any answer holds.
    TooLarge,
}

/// Why there are no rows.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The server says so, or the connection broke off, before an answer had begun.
    Unbegun(Error),
    /// The same behind its beginning.
    Said(Error),
    /// There are more than any answer holds.
    TooLarge,
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
    fn new<S, T>(client: Client, connection: Connection<S, T>, way: Way) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let end = Arc::new(OnceLock::new());
        let driver = tokio::spawn(drive(connection, Arc::clone(&end))).abort_handle();
        let brake = Brake {
            token: client.cancel_token(),
            way,
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
    /// If the future is dropped before, or the answer is too large, the server is asked to stop the statement and the
    /// connection is given up, so that nobody finds a late answer on it.
    pub(super) async fn query(
        &mut self,
        select: Select,
        parameter: &str,
    ) -> Result<Vec<Row>, Unanswered> {
        self.given_up = true;
        let guard = StopOnDrop(Some(&self.brake));
        let rows = match statement(&self.client, &mut self.statements, select).await {
            Ok(statement) => rows(&self.client, &statement, parameter).await,
            Err(error) => Err(Unanswered::Unbegun(error)),
        };
        if matches!(rows, Err(Unanswered::TooLarge)) {
            return rows;
        }
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

/// The rows of an answer, if they are no more than any has.
pub(super) async fn rows(
    client: &Client,
    statement: &Statement,
    parameter: &str,
) -> Result<Vec<Row>, Unanswered> {
    let answer = client.query_raw(statement, [parameter]).await;
    let mut answer = pin!(answer.map_err(Unanswered::Unbegun)?);
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = answer.next().await {
        let row = row.map_err(Unanswered::Said)?;
        bytes += row.raw_size_bytes();
        if bytes > MAX_ROW_BYTES || rows.len() == MAX_ROWS {
            return Err(Unanswered::TooLarge);
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Where a connection goes.
#[derive(Clone)]
struct Way {
    peer: SocketAddr,
    host: String,
    tls: Tls,
}

/// What it takes to stop a statement from outside.
struct Brake {
    token: CancelToken,
    way: Way,
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
            runtime.spawn(cancel(brake.token.clone(), brake.way.clone()));
        }
    }
}

/// Asks the server to stop a statement, over a connection of its own. The server ends it by
/// itself after `statement_timeout` if this does not arrive.
async fn cancel(token: CancelToken, way: Way) {
    let request = async {
        let socket = Socket::again(way.peer).await.ok()?;
        match way.tls {
            Tls::Plain => token.cancel_query_raw(socket, NoTls).await.ok(),
            Tls::Rustls(tls) => {
                let tls = connector(&tls, &way.host).ok()?;
                token.cancel_query_raw(socket, tls).await.ok()
            }
        }
    };
    if !matches!(timeout(CANCEL, request).await, Ok(Some(()))) {
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
    let io: Option<&io::Error> = source.downcast_ref();
    if io
        .and_then(io::Error::get_ref)
        .is_some_and(|it| it.is::<TooLarge>())
    {
        return End::TooLarge;
    }
    match io.map(io::Error::kind) {
        Some(ErrorKind::InvalidData | ErrorKind::InvalidInput) => End::Garbage,
        _ => End::Broken,
    }
}
