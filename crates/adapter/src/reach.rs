//! Which addresses of the network an agency may have, wherever they come from: a configuration, or
//! a name that somebody else answers for.
//!
//! Not here: the scheme and the certificate of an address (`endpoint`); redirects, which nobody
//! follows.
//!
//! *Invariant:* no connection is opened to an address of the link, of a cloud's metadata, of a
//! group, or of nobody, also not to one of IPv4 within one of IPv6; to this machine only where the
//! configuration says so.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tokio::net::TcpStream;
use tower::Service;

use crate::names;

/// Whether an agency may be on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    /// It may: its service or its relay runs here.
    Allowed,
    /// It may not.
    Refused,
}

/// An address that no agency has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Of the link, of a cloud's metadata, of a group, or of nobody.
    #[error("the address is none that an agency has")]
    Address,
    /// Of this machine, where the configuration does not say so.
    #[error("the address is this machine's, and the agency is not said to be here")]
    ThisMachine,
}

impl Loopback {
    /// Looks at an address.
    ///
    /// # Errors
    /// One that no agency has.
    pub fn admits(self, ip: IpAddr) -> Result<(), Refused> {
        let ip = meant(ip);
        if is_nobodys(ip) {
            Err(Refused::Address)
        } else if ip.is_loopback() && self == Self::Refused {
            Err(Refused::ThisMachine)
        } else {
            Ok(())
        }
    }

    /// The addresses of a host that an agency may have.
    ///
    /// # Errors
    /// A name that nobody knows, that nobody answers for in time, or of whose addresses none is
    /// admitted.
    pub async fn resolve(self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let mut refused = None;
        let found = names::look_up(host).await?;
        let admitted = found.iter().filter(|ip| match self.admits(**ip) {
            Ok(()) => true,
            Err(why) => {
                refused = Some(why);
                false
            }
        });
        let admitted: Vec<SocketAddr> = admitted.map(|ip| (*ip, port).into()).collect();
        match (admitted.is_empty(), refused) {
            (true, Some(why)) => Err(io::Error::new(io::ErrorKind::PermissionDenied, why)),
            (true, None) => Err(io::ErrorKind::NotFound.into()),
            (false, _) => Ok(admitted),
        }
    }

    /// Connects to a host, at an address that an agency may have.
    ///
    /// # Errors
    /// What [`Loopback::resolve`] says, or the last address at which nobody answers.
    pub async fn connect(self, host: &str, port: u16) -> io::Result<TcpStream> {
        TcpStream::connect(&*self.resolve(host, port).await?).await
    }
}

/// True for an error that says that an address was refused.
#[must_use]
pub fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    holds::<Refused>(error)
}

/// True for an error of the other side's certificate, or of the handshake.
#[must_use]
pub fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    holds::<rustls::Error>(error)
}

/// Looks for an error among the causes of another. What an error of the system wraps is not among
/// its causes.
fn holds<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
        .is_some_and(|inner| holds::<E>(inner));
    wrapped || error.is::<E>() || error.source().is_some_and(holds::<E>)
}

/// Resolves the names of an HTTP client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolver(pub(crate) Loopback);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let loopback = self.0;
        Box::pin(async move { Ok(loopback.resolve(name.as_str(), 0).await?.into_iter()) })
    }
}

/// Where an address leads: an address of IPv6 that stands for one of IPv4, there.
fn meant(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(six) => within(six).map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

/// The address of IPv4 within one of IPv6.
fn within(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        // `::` and `::1` are IPv6's own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Mapped, compatible, and translated by NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            of(high, low)
        }
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

fn is_nobodys(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.octets().first() == Some(&0)
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || METADATA_V4.contains(&ip)
        }
        IpAddr::V6(ip) => {
            ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unicast_link_local()
                || METADATA_V6.contains(&ip)
        }
    }
}

/// Where clouds tell a machine its secrets, besides 169.254.169.254, which is of the link.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(loopback: Loopback, ip: &str) -> Result<(), Refused> {
        loopback.admits(ip.parse().unwrap())
    }

    #[test]
    fn addresses_that_no_agency_has_are_refused_however_they_are_written() {
        for ip in [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "168.63.129.16",
            "::ffff:168.63.129.16",
            "::169.254.169.254",
            "::0.0.0.2",
            "64:ff9b::169.254.169.254",
            "64:ff9b::a83f:8110",
            "2002:a9fe:a9fe::1",
            "2002:e000:1::",
            "100.100.100.200",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
        ] {
            assert_eq!(admits(Loopback::Allowed, ip), Err(Refused::Address), "{ip}");
        }
        for ip in [
            "10.0.0.1",
            "192.168.1.1",
            "203.0.113.7",
            "2001:db8::1",
            "::ffff:203.0.113.7",
            "64:ff9b::203.0.113.7",
            "2002:cb00:7107::1",
            "fd20:ce::253",
        ] {
            assert_eq!(admits(Loopback::Refused, ip), Ok(()), "{ip}");
        }
    }

    #[test]
    fn this_machine_is_refused_unless_it_is_said() {
        for ip in [
            "127.0.0.1",
            "127.1.2.3",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::127.0.0.1",
            "2002:7f00:1::",
        ] {
            assert_eq!(admits(Loopback::Allowed, ip), Ok(()), "{ip}");
            assert_eq!(
                admits(Loopback::Refused, ip),
                Err(Refused::ThisMachine),
                "{ip}"
            );
        }
    }

    #[test]
    fn an_error_is_found_however_it_is_wrapped() {
        let inner = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        let error = io::Error::other(io::Error::other(inner));
        assert!(is_tls(&error) && !is_refused(&error));
        assert!(is_refused(&io::Error::other(Refused::Address)));
        assert!(!is_tls(&io::Error::from(io::ErrorKind::ConnectionRefused)));
    }

    #[tokio::test]
    async fn a_name_counts_by_what_it_resolves_to() {
        let refused = Loopback::Refused
            .resolve("localhost", 80)
            .await
            .unwrap_err();
        assert!(is_refused(&refused), "{refused}");
        let here = Loopback::Allowed.resolve("localhost", 80).await.unwrap();
        assert!(here.iter().all(|address| address.ip().is_loopback()));
    }
}
