//! Listeners: opened here, or taken from who has opened them before and keeps them open while this
//! process is replaced.
//!
//! Not here: how they are handed over, which is between the program and its supervisor.

use std::io;
use std::mem;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::{Config, Error};

/// Sockets that somebody has opened before; each is for the listener that is configured at its
/// address.
#[derive(Debug, Default)]
pub struct Handed(Vec<(SocketAddr, std::net::TcpListener)>);

impl Handed {
    /// Sockets that listen.
    ///
    /// # Errors
    /// One of them is none that can be used.
    pub fn new(sockets: Vec<std::net::TcpListener>) -> io::Result<Self> {
        let sockets = sockets.into_iter().map(|socket| {
            socket.set_nonblocking(true)?;
            Ok((socket.local_addr()?, socket))
        });
        sockets.collect::<io::Result<_>>().map(Self)
    }

    /// Opens every listener of a configuration for which no socket was handed over, so that none is
    /// missing later. Who connects waits until the doors are open.
    ///
    /// # Errors
    /// A listener cannot be opened, or a socket is for none.
    pub async fn complete(mut self, config: &Config) -> Result<Self, Error> {
        let mut open = Vec::new();
        for (listener, address) in [
            ("agencies", config.listen),
            ("public", config.public),
            ("operations", config.operations),
        ] {
            let (socket, _) = self.open(listener, address).await?;
            let socket = socket.into_std().map_err(|source| Error::Bind {
                listener,
                address,
                source,
            })?;
            open.push((address, socket));
        }
        self.is_empty()?;
        Ok(Self(open))
    }

    /// All of them.
    pub(crate) fn take(&mut self) -> Self {
        mem::take(self)
    }

    /// The socket that was handed over for an address, or one that is opened there.
    pub(crate) async fn open(
        &mut self,
        listener: &'static str,
        address: SocketAddr,
    ) -> Result<(TcpListener, SocketAddr), Error> {
        let failed = |source| Error::Bind {
            listener,
            address,
            source,
        };
        let place = self.0.iter().position(|(its, _)| *its == address);
        let socket = match place.map(|place| self.0.swap_remove(place)) {
            Some((_, socket)) => TcpListener::from_std(socket),
            None => TcpListener::bind(address).await,
        };
        let socket = socket.map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?;
        Ok((socket, bound))
    }

    /// Sees that every one was for some listener: who connects to another would wait for ever.
    pub(crate) fn is_empty(&self) -> Result<(), Error> {
        match self.0.first() {
            Some((address, _)) => Err(Error::Handed { address: *address }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket() -> (std::net::TcpListener, SocketAddr) {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    #[tokio::test]
    async fn a_socket_that_is_handed_over_is_the_listener_at_its_address() {
        let (kept, address) = socket();
        let mut handed = Handed::new(vec![kept.try_clone().unwrap()]).unwrap();
        let (_, elsewhere) = handed
            .open("public", ([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        assert_ne!(elsewhere, address);
        assert!(handed.is_empty().is_err(), "nobody has taken it");
        // A socket of its own could not be opened there.
        let (listener, bound) = handed.open("agencies", address).await.unwrap();
        assert_eq!(bound, address);
        assert!(handed.is_empty().is_ok());
        let (_client, accepted) =
            tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
        accepted.unwrap();
    }
}
