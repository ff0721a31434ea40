//! Shares quotas with the other nodes: twenty times a second, every bucket of which something is
//! wanted gets a lease of the common one.
//!
//! Not here: how a lease is spent, and what is done without one (crate `admission`).
//!
//! *Invariant:* no call waits for this. When the store is gone, each node keeps to its part of every
//! quota; see `manual/decisions/0040-lease-shares-of-quotas.md`.

mod config;
mod store;

use std::sync::Arc;
use std::time::Duration;

use admission::{Ask, Granted, Leases};
use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::config::chain;
use crate::metrics::Metrics;

pub(crate) use config::{Config, Shared};
pub(crate) use store::Store;

/// One node among those that share.
struct Node {
    /// Drawn at each start, so that two nodes of one name are still two.
    id: String,
    nodes: u32,
    store: Store,
    connection: Option<MultiplexedConnection>,
}

/// Asks for leases, round after round, until it is aborted.
pub(crate) async fn share(shared: Shared, mut leases: Leases, metrics: Arc<Metrics>) {
    let mut node = Node {
        id: Uuid::new_v4().simple().to_string(),
        nodes: shared.sharing.nodes().get(),
        store: shared.store,
        connection: None,
    };
    let mut rounds = interval(PAUSE);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_heard = true;
    loop {
        rounds.tick().await;
        let asks = leases.asks();
        if asks.is_empty() {
            continue;
        }
        let answer = node.ask(&asks).await;
        if answer.is_ok() != is_heard {
            is_heard = answer.is_ok();
            tell(answer.as_ref().err());
        }
        metrics.leased(is_heard);
        match answer {
            Ok(granted) => leases.granted(&granted),
            Err(_) => leases.unheard(),
        }
    }
}

impl Node {
    async fn ask(&mut self, asks: &[Ask]) -> RedisResult<Vec<Granted>> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.store.connect().await?),
        };
        let granted = store::ask(connection, &self.id, self.nodes, asks).await;
        if granted.is_err() {
            self.connection = None;
        }
        granted
    }
}

fn tell(failure: Option<&redis::RedisError>) {
    match failure {
        None => tracing::info!("quotas are shared with the other nodes again"),
        Some(error) => {
            let error = chain(error);
            tracing::error!(
                error,
                "quotas are not shared: each node keeps to its part of them"
            );
        }
    }
}

/// Between two rounds: a tenth of the time that a lease holds.
const PAUSE: Duration = Duration::from_millis(50);
