//! The stage of a simulator: its sockets, its accept loop, its control listener and its end.
//!
//! Not here: what is said on the wire; a router or a function per connection brings that.

mod connection;
mod serve;
#[cfg(test)]
mod tests;

pub use connection::{Connection, Fuse, FusedStream};

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use exchange::Source;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Journal, Knobs, control_router};

/// Where a simulator listens.
#[derive(Clone, Debug)]
pub struct StageConfig {
    /// The agency that is simulated.
    pub source: Source,
    /// Address of the wire; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address of the control listener: loopback only.
    pub control: SocketAddr,
    /// How many questions the journal keeps; 0 under a benchmark.
    pub journal: usize,
}

impl StageConfig {
    /// Free ports on loopback and a journal of 10 000 questions.
    #[must_use]
    pub const fn loopback(source: Source) -> Self {
        let any = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self {
            source,
            listen: any,
            control: any,
            journal: 10_000,
        }
    }
}

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The control listener would be open to other machines.
    #[error("the control listener stays on loopback, {0} is not")]
    ControlNotLoopback(SocketAddr),
}

/// Bound sockets, before anything is served.
#[derive(Debug)]
pub struct Stage {
    listener: TcpListener,
    control: TcpListener,
    address: SocketAddr,
    control_address: SocketAddr,
    journal: Arc<Journal>,
    knobs: Arc<Knobs>,
}

impl Stage {
    /// Binds both listeners.
    ///
    /// # Errors
    /// The address that cannot be used.
    pub async fn bind(config: &StageConfig) -> Result<Self, Error> {
        if !config.control.ip().is_loopback() {
            return Err(Error::ControlNotLoopback(config.control));
        }
        let (listener, address) = bind(config.listen).await?;
        let (control, control_address) = bind(config.control).await?;
        Ok(Self {
            listener,
            control,
            address,
            control_address,
            journal: Arc::new(Journal::new(config.journal)),
            knobs: Arc::new(Knobs::new(config.source)),
        })
    }

    /// Where the wire is spoken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The record of what is asked, to be written by the simulator.
    #[must_use]
    pub const fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// The knobs, to be asked by the simulator before each answer.
    #[must_use]
    pub const fn knobs(&self) -> &Arc<Knobs> {
        &self.knobs
    }

    /// Serves HTTP/1 and cleartext HTTP/2. Handlers find the [`Fuse`] of their connection among
    /// the extensions of the request.
    #[must_use]
    pub fn serve(self, router: Router) -> Handle {
        self.serve_raw(move |connection| serve::http(connection, router.clone()))
    }

    /// Serves HTTP/1 and HTTP/2 over TLS.
    #[must_use]
    pub fn serve_tls(self, router: Router, tls: Arc<ServerConfig>) -> Handle {
        self.serve_raw(move |connection| serve::https(connection, router.clone(), tls.clone()))
    }

    /// Hands every socket to a function with its fuse, for libraries that want the socket itself.
    /// What the function returns is cancelled when the fuse blows or the simulator stops.
    #[must_use]
    pub fn serve_tcp<F, Served>(self, serve: F) -> Handle
    where
        F: Fn(TcpStream, Fuse) -> Served + Send + Sync + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        self.serve_sockets(move |stream, _peer, stop| {
            let fuse = Fuse::default();
            // Asked before the socket is given away.
            let twin = serve::twin(&stream);
            let served = serve(stream, fuse.clone());
            serve::until_blown(served, fuse, twin, stop)
        })
    }

    /// Hands every connection to a function, for wires that are not HTTP. The function ends when
    /// the connection does, and soon after `connection.stop` is cancelled.
    #[must_use]
    pub fn serve_raw<F, Served>(self, serve: F) -> Handle
    where
        F: Fn(Connection) -> Served + Send + Sync + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        self.serve_sockets(move |stream, peer, stop| serve(Connection::new(stream, peer, stop)))
    }

    fn serve_sockets<F, Served>(self, serve: F) -> Handle
    where
        F: Fn(TcpStream, SocketAddr, CancellationToken) -> Served + Send + Sync + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let control = control_router(self.journal.clone(), self.knobs.clone());
        let control = move |stream, peer, stop| {
            serve::http(Connection::new(stream, peer, stop), control.clone())
        };
        let (mut tasks, knobs) = (JoinSet::new(), Some(Arc::clone(&self.knobs)));
        tasks.spawn(serve::accept(self.listener, knobs, stop.clone(), serve));
        tasks.spawn(serve::accept(self.control, None, stop.clone(), control));
        Handle {
            address: self.address,
            control_address: self.control_address,
            journal: self.journal,
            knobs: self.knobs,
            stop,
            tasks,
        }
    }
}

/// A running simulator. Dropping it stops it at once.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    control_address: SocketAddr,
    journal: Arc<Journal>,
    knobs: Arc<Knobs>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Handle {
    /// Where the wire is spoken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the control listener is.
    #[must_use]
    pub const fn control_address(&self) -> SocketAddr {
        self.control_address
    }

    /// The record of what was asked.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The knobs.
    #[must_use]
    pub const fn knobs(&self) -> &Arc<Knobs> {
        &self.knobs
    }

    /// Adds a task of the simulator, such as a sweeper, that ends with it.
    pub fn own(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled_owned(task).await;
        });
    }

    /// Stops listening, lets answers in flight finish for a moment, and ends every task.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, drained).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Longer than any answer but the slow and the hung one, which nobody waits for at the end.
const GRACE: Duration = Duration::from_millis(500);
