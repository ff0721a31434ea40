//! The common buckets of several nodes, in Redis or Valkey.
//!
//! Not here: what is done with a lease (crate `admission`). The arithmetic is that of `lease.lua`,
//! which the server runs as one step for all buckets of a round.

use std::fmt;
use std::time::Duration;

use admission::{Ask, Granted};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, TlsCertificates};

/// Where the common buckets are.
#[derive(Clone)]
pub(crate) struct Store {
    client: Client,
}

impl Store {
    /// A store at a URL; `ca` are the authorities of its certificate. Nothing is connected yet.
    ///
    /// # Errors
    /// The URL or the authorities cannot be used.
    pub(super) fn open(url: &str, ca: Option<Vec<u8>>) -> Result<Self, RedisError> {
        let client = match ca {
            None => Client::open(url)?,
            Some(_) => {
                let certificates = TlsCertificates {
                    client_tls: None,
                    root_cert: ca,
                };
                Client::build_with_tls(url, certificates)?
            }
        };
        Ok(Self { client })
    }

    /// Connects; waits no longer than a lease holds.
    pub(super) async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(WITHIN))
            .set_response_timeout(Some(WITHIN));
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }
}

/// Asks for the leases of one round; answers in the order of the asks.
///
/// # Errors
/// The store does not answer, or something else than as many leases.
pub(super) async fn ask(
    connection: &mut MultiplexedConnection,
    node: &str,
    nodes: u32,
    asks: &[Ask],
) -> RedisResult<Vec<Granted>> {
    let mut granted = Vec::with_capacity(asks.len());
    for some in asks.chunks(AT_ONCE) {
        let mut eval = redis::cmd("EVAL");
        eval.arg(SCRIPT).arg(some.len());
        for ask in some {
            eval.arg(format!("{PREFIX}{}", ask.bucket));
        }
        eval.arg(node).arg(nodes);
        for ask in some {
            eval.arg(ask.capacity)
                .arg(ask.interval.as_secs_f64() * 1_000.0)
                .arg(ask.spent)
                .arg(ask.wanted)
                .arg(ask.standing as u32);
        }
        let answers: Vec<(u32, i64)> = eval.query_async(connection).await?;
        if answers.len() != some.len() {
            return Err((
                redis::ErrorKind::UnexpectedReturnType,
                "not one lease for each bucket",
            )
                .into());
        }
        let answers = answers.into_iter();
        granted.extend(answers.map(|(tokens, left)| Granted { tokens, left }));
    }
    Ok(granted)
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.write_str("Store(…)")
    }
}

const SCRIPT: &str = include_str!("lease.lua");
const PREFIX: &str = "lienthong:quota:";
/// The server does nothing else during a script: so many buckets take it less than a millisecond.
const AT_ONCE: usize = 256;
/// Less than half of the time that a lease holds.
const WITHIN: Duration = Duration::from_millis(200);
