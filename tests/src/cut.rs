//! A line over TCP that can be cut, as between two halves of a network: what is sent does not arrive, and
//! nobody is told.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A line to one address.
#[derive(Debug)]
pub struct Cuttable {
    /// Where it begins.
    pub address: SocketAddr,
    is_cut: watch::Sender<bool>,
    accepting: AbortHandle,
}

impl Cuttable {
    /// A line that is not cut.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_cut, watched) = watch::channel(false);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, target, watched.clone()));
            }
        });
        Self {
            address,
            is_cut,
            accepting: accepting.abort_handle(),
        }
    }

    /// Cuts it.
    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Mends it: what was sent meanwhile arrives.
    pub fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

impl Drop for Cuttable {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(near: TcpStream, target: SocketAddr, is_cut: watch::Receiver<bool>) {
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    tokio::spawn(pass(from_far, to_near, is_cut.clone()));
    pass(from_near, to_far, is_cut).await;
}

/// Passes on what comes, while the line is not cut.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut is_cut: watch::Receiver<bool>) {
    let mut bytes = Vec::with_capacity(1 << 16);
    while let Ok(1..) = from.read_buf(&mut bytes).await {
        let is_whole = is_cut.wait_for(|is_cut| !is_cut).await.is_ok();
        if !is_whole || to.write_all(&bytes).await.is_err() {
            return;
        }
        bytes.clear();
    }
}
