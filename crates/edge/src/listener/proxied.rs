//! Where a connection comes from: behind a balancer that passes TLS through, what that says.
//!
//! Such a balancer sends a header of the PROXY protocol, version 2 (its specification is HAProxy's), before
//! the first byte of TLS. Not here: who is calling, which the certificate alone says.
//!
//! *Invariant:* a balancer that is configured says it of every connection, and nobody else may.

use std::io;
use std::net::SocketAddr;

use ipnet::IpNet;
use ppp::v2::{Addresses, Command, Header, PROTOCOL_PREFIX};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Where the connection comes from that a socket from `peer` carries. What is no header from a
/// balancer is an error, and from anybody else is left for TLS to refuse.
///
/// # Errors
/// A balancer says nothing that can be read.
pub(crate) async fn source(
    socket: &mut (impl AsyncRead + Unpin),
    peer: SocketAddr,
    balancers: &[IpNet],
) -> io::Result<SocketAddr> {
    let ip = peer.ip().to_canonical();
    if !balancers.iter().any(|network| network.contains(&ip)) {
        return Ok(peer);
    }
    let mut bytes = Vec::with_capacity(USUAL);
    read(socket, &mut bytes, HEAD).await?;
    let (true, Some(len)) = (bytes.starts_with(PROTOCOL_PREFIX), bytes.last_chunk()) else {
        return Err(malformed("no header of the PROXY protocol"));
    };
    let len = usize::from(u16::from_be_bytes(*len));
    if len > MOST {
        return Err(malformed("a header that is too long"));
    }
    read(socket, &mut bytes, len).await?;
    let header = Header::try_from(&*bytes).map_err(|_| malformed("a header that is damaged"))?;
    Ok(match (header.command, header.addresses) {
        (Command::Proxy, Addresses::IPv4(it)) => (it.source_address, it.source_port).into(),
        (Command::Proxy, Addresses::IPv6(it)) => (it.source_address, it.source_port).into(),
        // The balancer looks whether we are there, or does not know.
        (Command::Local, _) | (Command::Proxy, Addresses::Unspecified | Addresses::Unix(_)) => peer,
    })
}

async fn read(
    socket: &mut (impl AsyncRead + Unpin),
    bytes: &mut Vec<u8>,
    len: usize,
) -> io::Result<()> {
    let begin = bytes.len();
    bytes.resize(begin + len, 0);
    let free = bytes.get_mut(begin..).unwrap_or_default();
    socket.read_exact(free).await.map(drop)
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Signature, version and command, family, and how long the rest is.
const HEAD: usize = 16;
/// That of IPv4 without anything else.
const USUAL: usize = HEAD + 12;
/// Two socket paths, or addresses with some tags: no balancer sends more.
const MOST: usize = 1_024;

#[cfg(test)]
mod tests {
    use ppp::v2::{Builder, Protocol, Version};

    use super::*;

    const BALANCER: &str = "10.0.0.7:40000";

    fn from(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// What a balancer sends before the first byte of TLS.
    fn header(command: Command, source: &str) -> Vec<u8> {
        let addresses = (from(source), from("10.0.0.1:8443"));
        let builder = Builder::with_addresses(Version::Two | command, Protocol::Stream, addresses);
        builder.build().unwrap()
    }

    /// The source that is read, and what is left behind it.
    async fn read_from(peer: &str, sent: &[u8]) -> (io::Result<SocketAddr>, Vec<u8>) {
        let balancers = ["10.0.0.0/24".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut left = sent;
        let read = source(&mut left, from(peer), &balancers).await;
        (read, left.to_vec())
    }

    #[tokio::test]
    async fn a_balancer_says_where_a_connection_comes_from() {
        let mut sent = header(Command::Proxy, "192.0.2.9:1234");
        sent.extend_from_slice(b"\x16\x03\x01");
        let (read, left) = read_from(BALANCER, &sent).await;
        assert_eq!(read.unwrap(), from("192.0.2.9:1234"));
        assert_eq!(left, b"\x16\x03\x01");
        // Also on a socket that speaks both families.
        let (read, _) = read_from("[::ffff:10.0.0.7]:40000", &sent).await;
        assert_eq!(read.unwrap(), from("192.0.2.9:1234"));
    }

    #[tokio::test]
    async fn its_own_health_check_comes_from_itself() {
        let sent = header(Command::Local, "192.0.2.9:1234");
        assert_eq!(read_from(BALANCER, &sent).await.0.unwrap(), from(BALANCER));
    }

    #[tokio::test]
    async fn nobody_else_says_so() {
        let sent = header(Command::Proxy, "192.0.2.9:1234");
        let (read, left) = read_from("10.0.1.7:40000", &sent).await;
        assert_eq!(read.unwrap(), from("10.0.1.7:40000"));
        assert_eq!(left, sent, "TLS refuses it");
    }

    #[tokio::test]
    async fn a_balancer_that_says_nothing_readable_is_refused() {
        let good = header(Command::Proxy, "192.0.2.9:1234");
        let mut version_one = good.clone();
        version_one[12] = 0x11;
        let mut endless = good.clone();
        endless[14..16].copy_from_slice(&[0xff, 0xff]);
        let mut too_short = good.clone();
        too_short[15] = 4;
        let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00\x00\x00";
        for bad in [&good[..20], &version_one, &endless, &too_short, tls, b""] {
            assert!(read_from(BALANCER, bad).await.0.is_err(), "{bad:02x?}");
        }
    }
}
