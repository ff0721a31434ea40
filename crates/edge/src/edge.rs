//! Opening the doors, and closing them in order.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evidence::{RequestIds, Shelf};
use exchange::Clock;
use gate::{Batches, Gate, Room};
use identity::{ServerTls, TrustDomain};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::FindUsage;
use crate::listener::agencies::Agencies;
use crate::listener::handed::Handed;
use crate::listener::{self, Ends};
use crate::operations::Node;
use crate::overload::{Bulk, Overload};
use crate::stack::Stack;
use crate::tracker::Tracker;
use crate::{Administration, Config, Observer, Readiness, health, public};

/// What the doors are made of.
pub struct Deps {
    /// What is behind them.
    pub gate: Arc<Gate>,
    /// The batch jobs.
    pub batches: Arc<Batches>,
    /// The TLS of the agencies' listener.
    pub tls: Arc<ServerTls>,
    /// Whose certificates name callers.
    pub trust_domain: TrustDomain,
    /// The wall clock, for the end of certificates.
    pub clock: Arc<dyn Clock>,
    /// Who counts.
    pub observer: Arc<dyn Observer>,
    /// Whether calls should be sent here.
    pub readiness: Readiness,
    /// The public files of the log.
    pub log: Shelf,
    /// The request ids that were used.
    pub request_ids: RequestIds,
    /// Renders the metrics in the text format of Prometheus.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Does what an operator asks for.
    pub administration: Arc<dyn Administration>,
    /// By which open connections are looked at again.
    pub recheck: Recheck,
    /// Sockets that somebody has opened before.
    pub handed: Handed,
}

/// Has open connections closed whose certificate is no longer admitted; cloned by reference count.
#[derive(Clone, Debug, Default)]
pub struct Recheck(watch::Sender<()>);

impl Recheck {
    /// Looks at every connection. To be called after a reload of [`ServerTls`].
    pub fn now(&self) {
        self.0.send_replace(());
    }
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps")
            .field("trust_domain", &self.trust_domain)
            .field("readiness", &self.readiness)
            .finish_non_exhaustive()
    }
}

/// Why the doors cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A listener cannot be opened.
    #[error("the {listener} listener cannot be opened at {address}")]
    Bind {
        /// Which one: `agencies`, `public` or `operations`.
        listener: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A socket is handed over at which no listener should be.
    #[error("a socket at {address} is handed over, and no listener is configured there")]
    Handed {
        /// Where it is.
        address: SocketAddr,
    },
    /// The descriptors of the contract are damaged.
    #[error("the descriptors cannot be served by reflection")]
    Reflection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What earlier runs have left of request ids cannot be read.
    #[error("the request ids that were used cannot be read")]
    RequestIds(#[source] evidence::Error),
}

/// The doors of the gateway, closed.
#[derive(Clone, Copy, Debug)]
pub struct Edge;

impl Edge {
    /// Opens all three listeners; calls are taken when this returns.
    ///
    /// # Errors
    /// A listener cannot be opened.
    pub async fn start(config: Config, mut deps: Deps) -> Result<Running, Error> {
        let mut handed = deps.handed.take();
        let (agencies, address) = handed.open("agencies", config.listen).await?;
        let (public, public_address) = handed.open("public", config.public).await?;
        let (operations, operations_address) = handed.open("operations", config.operations).await?;
        handed.is_empty()?;
        let overload = Overload::new(&config.limits, Arc::clone(&deps.observer));
        let stack = Stack::new(&config, &deps, Arc::clone(&overload))?;
        let ends = Ends::default();
        let rechecks = deps.recheck.0.subscribe();
        let closed = ends.cut.clone();
        let readiness = deps.readiness.clone();
        let gate = Arc::clone(&deps.gate);

        let mut side = JoinSet::new();
        side.spawn(health::keep(stack.health(), &deps));
        side.spawn(Arc::clone(&overload).keep());
        let log = Arc::new(deps.log.clone());
        side.spawn(listener::plain::serve(
            public,
            closed.clone(),
            move |request| {
                let log = Arc::clone(&log);
                async move { public::page(request.uri().path(), &log).await }
            },
        ));
        let node = Arc::new(node(&config, &deps));
        side.spawn(listener::plain::serve(operations, closed, move |request| {
            let node = Arc::clone(&node);
            async move { node.page(request).await }
        }));
        let leave = config.limits.leave();
        let mut calls = JoinSet::new();
        let door = Agencies::new(
            config,
            deps,
            (stack, Arc::clone(&overload)),
            ends.clone(),
            rechecks,
        );
        calls.spawn(Arc::new(door).serve(agencies));
        Ok(Running {
            address,
            public_address,
            operations_address,
            readiness,
            gate,
            overload,
            ends,
            leave,
            calls,
            side,
        })
    }
}

/// What the operations listener shows and does.
fn node(config: &Config, deps: &Deps) -> Node {
    let readiness = &deps.readiness;
    let help_base = Arc::from(&*config.help_base);
    Node {
        readiness: readiness.clone(),
        metrics: Arc::clone(&deps.metrics),
        administration: Arc::clone(&deps.administration),
        tracker: Tracker::new(Arc::clone(&deps.gate), readiness.clone(), help_base),
        tracked_by: config.find_usage.as_ref().map(FindUsage::caller),
    }
}

/// The doors, open. Dropped, they are shut and every connection is cut.
#[derive(Debug)]
#[must_use = "the doors are shut when this is dropped"]
pub struct Running {
    address: SocketAddr,
    public_address: SocketAddr,
    operations_address: SocketAddr,
    readiness: Readiness,
    gate: Arc<Gate>,
    overload: Arc<Overload>,
    ends: Ends,
    leave: Duration,
    calls: JoinSet<()>,
    side: JoinSet<()>,
}

impl Running {
    /// Where the agencies call.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the contract is published.
    #[must_use]
    pub const fn public_address(&self) -> SocketAddr {
        self.public_address
    }

    /// Where health and metrics are read.
    #[must_use]
    pub const fn operations_address(&self) -> SocketAddr {
        self.operations_address
    }

    /// Whether calls should be sent here: the handle to say so, too.
    #[must_use]
    pub const fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Where items of batch jobs find room among the calls.
    #[must_use]
    pub fn room(&self) -> Arc<dyn Room> {
        Arc::new(Bulk(Arc::clone(&self.overload)))
    }

    /// How long calls in progress may take when a gateway ends.
    pub const GRACE: Duration = Duration::from_secs(30);

    /// Takes no more calls, lets those in progress finish for that long, and closes everything.
    ///
    /// Health says so from the first moment, and connections are told to go elsewhere; calls that come
    /// all the same are taken until balancers have noticed. The operations listener answers until the
    /// end.
    pub async fn drain(mut self, grace: Duration) {
        self.readiness.draining();
        self.ends.leave.cancel();
        tokio::time::sleep(self.leave).await;
        self.ends.stop.cancel();
        let finished = async { while self.calls.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, finished).await.is_err() {
            tracing::warn!("calls were cut: they did not finish in time");
        }
        self.ends.cut.cancel();
        self.calls.shutdown().await;
        // A call whose connection is gone ends when it is next polled, which is at once.
        self.ends.calls.close();
        self.ends.calls.wait().await;
        // So does a stream that nobody can read any more.
        self.gate.finish().await;
        self.side.shutdown().await;
    }
}
