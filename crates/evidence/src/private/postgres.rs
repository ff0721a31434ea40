//! The database of several nodes, PostgreSQL: a connection that one thread waits for at a time.
//!
//! The runtime of a connection is its own and runs while somebody waits, so that nothing here needs
//! the gateway's. Not here: where the database is, and as whom it is entered (`access.rs`).
//!
//! *Invariant:* no wait is longer than its deadline, and a connection on which anything has failed
//! but a statement that the server refused is not used again.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::error::Severity;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Connection, NoTls, Statement};

use super::access::Access;
use super::sql::{Database, Durability, Hold, Row, Value};
use crate::Error;

/// A connection that is open.
pub(super) struct Postgres {
    client: Client,
    statements: HashMap<String, Statement>,
    /// None behind the end.
    runtime: Option<Runtime>,
    /// How long a statement may take.
    patience: Duration,
    is_lost: bool,
    name: String,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Postgres {
    /// Connects, and logs in.
    pub(super) fn open(
        access: &Access,
        durability: Durability,
        patience: Duration,
    ) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Error::io("start a runtime for", &access.name))?;
        let connected = runtime.block_on(async {
            let connecting = connect(access);
            timeout(LOGIN, connecting).await.map_err(Failure::from)?
        });
        let mut opened = Self {
            client: connected.map_err(|source| failed("connect to", &access.name, source))?,
            statements: HashMap::new(),
            runtime: Some(runtime),
            patience,
            is_lost: false,
            name: access.name.clone(),
        };
        let durable = match durability {
            Durability::Full => "on",
            Durability::Relaxed => "off",
        };
        let limit_ms = patience.as_millis();
        opened.session(&format!(
            "SET synchronous_commit = {durable}; SET statement_timeout = {limit_ms}; \
             SET client_min_messages = warning"
        ))?;
        Ok(opened)
    }

    /// Changes the session.
    fn session(&mut self, sql: &str) -> Result<(), Error> {
        self.wait("prepare", self.patience, async |client, _| {
            client.batch_execute(sql).await
        })
    }

    /// Waits for the server, and a second longer than it is told to take at most.
    fn wait<T>(
        &mut self,
        action: &'static str,
        patience: Duration,
        work: impl AsyncFnOnce(
            &Client,
            &mut HashMap<String, Statement>,
        ) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        let Some(runtime) = self.runtime.as_ref().filter(|_| !self.is_lost) else {
            return Err(failed(action, &self.name, "the connection was lost".into()));
        };
        let working = work(&self.client, &mut self.statements);
        let done = runtime.block_on(async { timeout(patience + NET, working).await });
        let error: Failure = match done {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => {
                self.is_lost = !is_refusal(&error);
                error.into()
            }
            Err(late) => {
                self.is_lost = true;
                late.into()
            }
        };
        Err(failed(action, &self.name, error))
    }
}

impl Database for Postgres {
    fn run(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        self.wait("write to", self.patience, async |client, held| {
            let statement = statement(client, held, sql).await?;
            let values: Vec<_> = values.iter().map(parameter).collect();
            client.execute(&statement, &values).await
        })
    }

    fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        self.wait("read", self.patience, async |client, held| {
            let statement = statement(client, held, sql).await?;
            let values: Vec<_> = values.iter().map(parameter).collect();
            let rows = client.query(&statement, &values).await?;
            rows.iter().map(row).collect()
        })
    }

    fn define(&mut self, tables: &[&str], indexes: &[&str]) -> Result<(), Error> {
        let all = tables.iter().chain(indexes);
        let names: Vec<_> = all.filter_map(|it| it.split(' ').next()).collect();
        self.wait("prepare", self.patience, async |client, _| {
            // Asked first: making what is there already waits for everybody who writes to it.
            let missing =
                "SELECT COUNT(*) FROM unnest($1::TEXT[]) name WHERE to_regclass(name) IS NULL";
            let missing = client.query_one(missing, &[&names]).await?;
            if missing.try_get::<_, i64>(0)? == 0 {
                return Ok(());
            }
            // Of two nodes that begin at once, one makes them.
            let mut sql = format!("BEGIN; SELECT pg_advisory_xact_lock({DEFINING});");
            for table in tables {
                sql.push_str(&format!("CREATE TABLE IF NOT EXISTS {table};"));
            }
            for index in indexes {
                sql.push_str(&format!("CREATE INDEX IF NOT EXISTS {index};"));
            }
            sql.push_str("COMMIT");
            client.batch_execute(&sql).await
        })
    }

    fn begin(&mut self) -> Result<(), Error> {
        self.run("BEGIN", &[]).map(drop)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn hold(&mut self, how: Hold) -> Result<(), Error> {
        let lock = match how {
            Hold::Together => "pg_advisory_xact_lock_shared",
            Hold::Alone => "pg_advisory_xact_lock",
        };
        self.run(&format!("SELECT {lock}({PERSONS})"), &[])
            .map(drop)
    }

    fn scrub(&mut self, tables: &[&str]) -> Result<(), Error> {
        for table in tables {
            self.wait("clean", self.patience, async |client, _| {
                client.batch_execute(&format!("VACUUM {table}")).await
            })?;
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Wherever it is dropped: a runtime that is dropped as it is waits for its tasks.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres({})", self.name)
    }
}

async fn connect(access: &Access) -> Result<Client, Failure> {
    match &access.tls {
        None => {
            let (client, connection) = access.login.connect(NoTls).await?;
            drive(connection);
            Ok(client)
        }
        Some(tls) => {
            let (client, connection) = access.login.connect(tls.clone()).await?;
            drive(connection);
            Ok(client)
        }
    }
}

/// Moves the bytes of a connection while its runtime runs.
fn drive<S, T>(connection: Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // Whoever waits for an answer learns how it ended.
    tokio::spawn(async move { drop(connection.await) });
}

/// The prepared statement of that text; prepared if it is not.
async fn statement(
    client: &Client,
    held: &mut HashMap<String, Statement>,
    sql: &str,
) -> Result<Statement, tokio_postgres::Error> {
    if let Some(statement) = held.get(sql) {
        return Ok(statement.clone());
    }
    let statement = client.prepare(sql).await?;
    if held.len() >= MAX_STATEMENTS {
        held.clear();
    }
    held.insert(sql.to_owned(), statement.clone());
    Ok(statement)
}

/// True if the server has refused a statement, and the session goes on.
fn is_refusal(error: &tokio_postgres::Error) -> bool {
    let severity = error.as_db_error().and_then(|it| it.parsed_severity());
    severity == Some(Severity::Error)
}

fn parameter(value: &Value) -> &(dyn ToSql + Sync) {
    match value {
        Value::Int(number) => number,
        Value::Text(text) => text,
        Value::Bytes(bytes) => bytes,
        Value::Null => &NULL,
    }
}

fn row(row: &tokio_postgres::Row) -> Result<Row, tokio_postgres::Error> {
    let columns = row.columns().iter().enumerate();
    let value = |place, kind: &Type| {
        let value = match *kind {
            Type::INT8 => row.try_get::<_, Option<i64>>(place)?.map(Value::Int),
            Type::INT4 => {
                let number = row.try_get::<_, Option<i32>>(place)?;
                number.map(|number| Value::Int(number.into()))
            }
            Type::TEXT => row.try_get::<_, Option<String>>(place)?.map(Value::Text),
            _ => row.try_get::<_, Option<Vec<u8>>>(place)?.map(Value::Bytes),
        };
        Ok(value.unwrap_or(Value::Null))
    };
    columns
        .map(|(place, column)| value(place, column.type_()))
        .collect()
}

fn failed(action: &'static str, name: &str, source: Failure) -> Error {
    Error::Database {
        action,
        database: name.to_owned(),
        source,
    }
}

/// Only columns of text may hold nothing.
const NULL: Option<&str> = None;
/// How long it may take to connect and log in, all hosts together.
const LOGIN: Duration = Duration::from_secs(5);
/// The server ends a statement that takes too long by itself; so long its word may be on the way.
const NET: Duration = Duration::from_secs(1);
/// The most statements that are held prepared; those that are always asked are some twenty.
const MAX_STATEMENTS: usize = 128;
/// The lock of those who make tables, and that of the keys of persons: `lienth` in ASCII, and one more.
const DEFINING: i64 = 0x6c69_656e_7468;
const PERSONS: i64 = DEFINING + 1;
