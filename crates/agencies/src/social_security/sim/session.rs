//! One connection: the login, then the extended query protocol until either side leaves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use pgwire::api::auth::StartupHandler as _;
use pgwire::api::{ClientInfo as _, DefaultClient, PgWireConnectionState};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::PgWireBackendMessage as Reply;
use pgwire::messages::PgWireFrontendMessage as Message;
use pgwire::messages::SslNegotiationMetaMessage as Negotiation;
use pgwire::messages::data::ParameterDescription;
use pgwire::messages::extendedquery::{Bind, BindComplete, CloseComplete, ParseComplete};
use pgwire::messages::response::{
    CommandComplete, EmptyQueryResponse, GssEncResponse, ReadyForQuery, SslResponse,
    TransactionStatus,
};
use pgwire::tokio::server::PgWireMessageServerCodec;
use sim::{Asked, Connection, FusedStream};
use tokio_postgres::types::Type;
use tokio_util::codec::Framed;

use super::Agency;
use super::statement::{self, Statement};

type Socket = Framed<FusedStream, PgWireMessageServerCodec<()>>;

/// The format of binary cells.
const BINARY: i16 = 1;

/// Serves a connection until it ends.
pub(super) async fn serve(connection: Connection, agency: Arc<Agency>) {
    let client = DefaultClient::new(connection.peer, false);
    let codec = PgWireMessageServerCodec::new(client);
    let mut socket = Framed::new(connection.stream, codec);
    let conversation = async {
        if log_in(&mut socket, &agency).await? {
            Session::new(socket, &agency).run().await?;
        }
        Ok::<(), PgWireError>(())
    };
    let ended = connection.stop.run_until_cancelled(conversation).await;
    if let Some(Err(error)) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Talks until the connection is logged in; false if it was a request to stop a statement, or the
/// login failed.
async fn log_in(socket: &mut Socket, agency: &Agency) -> Result<bool, PgWireError> {
    while let Some(message) = socket.next().await.transpose()? {
        if let Message::SslNegotiation(offer) = message {
            negotiate(socket, &offer).await?;
            continue;
        }
        if let Message::CancelRequest(asked) = message {
            agency.running.cancel(asked.pid, &asked.secret_key).await;
            let entry = || Asked::new(agency.clock.now(), "cancel", None);
            agency.journal.record(entry);
            return Ok(false);
        }
        if let Err(error) = agency.login.on_startup(socket, message).await {
            let error = ErrorInfo::from(error);
            socket.send(Reply::ErrorResponse(error.into())).await?;
            return Ok(false);
        }
        if matches!(socket.state(), PgWireConnectionState::ReadyForQuery) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Refuses encryption, which nobody needs on this machine, and waits for the startup message.
async fn negotiate(socket: &mut Socket, offer: &Negotiation) -> Result<(), PgWireError> {
    let refuse = match offer {
        Negotiation::PostgresSsl(_) => Reply::SslResponse(SslResponse::Refuse),
        Negotiation::PostgresGss(_) => Reply::GssEncResponse(GssEncResponse::Refuse),
        Negotiation::None => {
            socket.set_state(PgWireConnectionState::AwaitingStartup);
            return Ok(());
        }
    };
    Ok(socket.send(refuse).await?)
}

/// Why a message was not answered as asked.
pub(super) enum Halt {
    /// An error is said; what follows is skipped until `Sync`. A fatal one ends the connection.
    Error(Box<ErrorInfo>),
    /// The connection ends without a word.
    Silence,
    /// The connection broke.
    Broken(PgWireError),
}

impl From<Box<ErrorInfo>> for Halt {
    fn from(error: Box<ErrorInfo>) -> Self {
        Self::Error(error)
    }
}

impl From<PgWireError> for Halt {
    fn from(error: PgWireError) -> Self {
        Self::Broken(error)
    }
}

/// A connection that is logged in.
pub(super) struct Session<'a> {
    pub(super) socket: Socket,
    pub(super) agency: &'a Agency,
    statements: HashMap<String, Arc<Statement>>,
    pub(super) portal: Option<(Arc<Statement>, String)>,
    pub(super) limit: Option<Duration>,
    skipping: bool,
}

impl<'a> Session<'a> {
    fn new(socket: Socket, agency: &'a Agency) -> Self {
        let options = socket.metadata().get("options");
        Self {
            limit: options.and_then(|options| statement_timeout(options)),
            socket,
            agency,
            statements: HashMap::new(),
            portal: None,
            skipping: false,
        }
    }

    async fn run(mut self) -> Result<(), PgWireError> {
        while let Some(message) = self.socket.next().await.transpose()? {
            match self.handle(message).await {
                Ok(true) => {}
                Ok(false) | Err(Halt::Silence) => return Ok(()),
                Err(Halt::Broken(error)) => return Err(error),
                Err(Halt::Error(error)) => {
                    let fatal = error.is_fatal();
                    self.say(&Reply::ErrorResponse((*error).into()))?;
                    if fatal {
                        return self.flush().await;
                    }
                    self.skipping = true;
                }
            }
        }
        Ok(())
    }

    /// Answers one message; false ends the connection.
    async fn handle(&mut self, message: Message) -> Result<bool, Halt> {
        match message {
            Message::Terminate(_) => return Ok(false),
            Message::Sync(_) => {
                self.skipping = false;
                self.ready().await?;
            }
            _ if self.skipping => {}
            Message::Parse(parse) => {
                let statement = Arc::new(Statement::parse(&parse.query)?);
                let name = parse.name.unwrap_or_default();
                self.statements.insert(name, statement);
                self.say(&Reply::ParseComplete(ParseComplete::new()))?;
            }
            Message::Describe(what) => self.describe(what.target_type, what.name)?,
            Message::Bind(bind) => self.bind(&bind)?,
            Message::Execute(_) => self.execute().await?,
            Message::Close(close) => {
                if close.target_type == b'S' {
                    self.statements.remove(&close.name.unwrap_or_default());
                }
                self.say(&Reply::CloseComplete(CloseComplete::new()))?;
            }
            Message::Flush(_) => self.flush().await?,
            Message::Query(query) => {
                if query.query.trim_matches([';', ' ']).is_empty() {
                    self.say(&Reply::EmptyQueryResponse(EmptyQueryResponse::new()))?;
                } else {
                    let only = statement::error("0A000", "only the extended query protocol");
                    self.say(&Reply::ErrorResponse((*only).into()))?;
                }
                self.ready().await?;
            }
            Message::SslNegotiation(_)
            | Message::Startup(_)
            | Message::CancelRequest(_)
            | Message::PasswordMessageFamily(_)
            | Message::PortalSuspended(_)
            | Message::CopyData(_)
            | Message::CopyFail(_)
            | Message::CopyDone(_) => {
                return Err(statement::error("08P01", "unexpected message").into());
            }
        }
        Ok(true)
    }

    fn describe(&mut self, target: u8, name: Option<String>) -> Result<(), Halt> {
        let (statement, format) = match (target, &self.portal) {
            (b'P', Some((statement, _))) => (Arc::clone(statement), BINARY),
            (b'P', None) => return Err(statement::error("34000", "no such portal").into()),
            _ => (self.prepared(name)?, 0),
        };
        if target != b'P' {
            let parameters = ParameterDescription::new(vec![Type::TEXT.oid()]);
            self.say(&Reply::ParameterDescription(parameters))?;
        }
        self.say(&Reply::RowDescription(statement.describe(format)))?;
        Ok(())
    }

    fn bind(&mut self, bind: &Bind) -> Result<(), Halt> {
        let statement = self.prepared(bind.statement_name.clone())?;
        let [Some(parameter)] = bind.parameters.as_slice() else {
            return Err(statement::error("08P01", "one parameter is needed").into());
        };
        let formats = &bind.result_column_format_codes;
        if formats.is_empty() || formats.iter().any(|format| *format != BINARY) {
            return Err(statement::error("0A000", "only binary results").into());
        }
        let parameter = std::str::from_utf8(parameter)
            .map_err(|_| statement::error("22021", "invalid byte sequence"))?;
        self.portal = Some((statement, parameter.to_owned()));
        self.say(&Reply::BindComplete(BindComplete::new()))?;
        Ok(())
    }

    fn prepared(&self, name: Option<String>) -> Result<Arc<Statement>, Halt> {
        let statement = self.statements.get(&name.unwrap_or_default());
        statement
            .cloned()
            .ok_or_else(|| statement::error("26000", "prepared statement does not exist").into())
    }

    async fn ready(&mut self) -> Result<(), PgWireError> {
        let ready = ReadyForQuery::new(TransactionStatus::Idle);
        self.say(&Reply::ReadyForQuery(ready))?;
        self.flush().await
    }

    /// Puts a row, if there is one, and the end of the statement behind it.
    pub(super) fn rows(&mut self, row: Option<&Bytes>) -> Result<(), PgWireError> {
        let tag = match row {
            None => "SELECT 0",
            Some(row) => {
                self.socket.write_buffer_mut().extend_from_slice(row);
                "SELECT 1"
            }
        };
        self.say(&Reply::CommandComplete(CommandComplete::new(
            tag.to_owned(),
        )))
    }

    /// Puts a message behind those that are not yet sent.
    pub(super) fn say(&mut self, message: &Reply) -> Result<(), PgWireError> {
        message.encode(self.socket.write_buffer_mut())
    }

    /// Sends what was put.
    pub(super) async fn flush(&mut self) -> Result<(), PgWireError> {
        Ok(futures_util::SinkExt::<Reply>::flush(&mut self.socket).await?)
    }
}

/// The milliseconds in `-c statement_timeout=…`; 0 is no limit.
fn statement_timeout(options: &str) -> Option<Duration> {
    let (_, rest) = options.split_once("statement_timeout=")?;
    let ms: u64 = rest.split_whitespace().next()?.parse().ok()?;
    (ms > 0).then(|| Duration::from_millis(ms))
}
