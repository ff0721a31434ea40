//! The agencies' listener: mutual TLS, and who may keep a connection for how long.
//!
//! Not here: which certificates are believed (crate `identity`).

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use exchange::{Caller, Clock};
use http::HeaderValue;
use identity::{ALPN_H2, CallerIdentity, ServerTls, TrustDomain, why};
use ipnet::IpNet;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connection::{Activity, Ends, Protocol, converse};
use super::limits::{Handshakes, PerCertificate, Place, connections};
use super::proxied;
use crate::config::{Config, Limits};
use crate::overload::Overload;
use crate::stack::Stack;
use crate::{Deps, Observer, TurnedAway};

/// The agencies' listener.
pub(crate) struct Agencies {
    limits: Limits,
    balancers: Vec<IpNet>,
    tls: Arc<ServerTls>,
    trust_domain: TrustDomain,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    stack: Arc<Stack>,
    overload: Arc<Overload>,
    ends: Ends,
    rechecks: watch::Receiver<()>,
    handshakes: Handshakes,
    per_certificate: Arc<PerCertificate>,
    open: AtomicUsize,
}

/// Who is at the other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    /// The verified caller.
    pub(crate) caller: Caller,
    /// The end of its certificate, if that is near.
    pub(crate) expires_in: Option<HeaderValue>,
    /// Its calls.
    pub(crate) activity: Arc<Activity>,
}

impl Agencies {
    pub(crate) fn new(
        config: Config,
        deps: Deps,
        (stack, overload): (Arc<Stack>, Arc<Overload>),
        ends: Ends,
        rechecks: watch::Receiver<()>,
    ) -> Self {
        Self {
            handshakes: Handshakes::new(config.limits.handshakes),
            per_certificate: PerCertificate::new(config.limits.connections_per_certificate),
            limits: config.limits,
            balancers: config.proxy_protocol_from,
            tls: deps.tls,
            trust_domain: deps.trust_domain,
            clock: deps.clock,
            observer: deps.observer,
            stack,
            overload,
            ends,
            rechecks,
            open: AtomicUsize::new(0),
        }
    }

    /// Accepts until stopped, and waits for the connections that are open.
    pub(crate) fn serve(self: Arc<Self>, listener: TcpListener) -> impl Future<Output = ()> + Send {
        let stop = self.ends.stop.clone();
        let most = connections(self.limits.connections);
        super::accept(listener, stop, move |socket, peer, open| {
            if open >= most {
                self.turn_away(TurnedAway::Full);
                return None;
            }
            if self.overload.is_out_of_memory() {
                self.turn_away(TurnedAway::Memory);
                return None;
            }
            Some(Box::pin(Arc::clone(&self).connection(socket, peer)))
        })
    }

    /// One connection, from its first byte to its last.
    async fn connection(self: Arc<Self>, socket: TcpStream, peer: SocketAddr) {
        let admitted = match self.handshake(socket, peer).await {
            Ok(stream) => self.admit(&stream).map(|identity| (stream, identity)),
            Err(turned_away) => Err(turned_away),
        };
        let (stream, (identity, _place)) = match admitted {
            Ok(admitted) => admitted,
            Err(turned_away) => return self.turn_away(turned_away),
        };
        let _open = Open::new(&self);
        let (_, session) = stream.get_ref();
        let protocol = match session.alpn_protocol() {
            Some(ALPN_H2) => Protocol::Http2,
            _ => Protocol::Http1,
        };
        let chain = session.peer_certificates().unwrap_or_default().to_vec();
        let left = until(identity.not_after, self.clock.now());
        let peer = Arc::new(Peer {
            caller: identity.caller,
            expires_in: expires_in(left),
            activity: Activity::new(),
        });
        let activity = Arc::clone(&peer.activity);
        let over = async {
            tokio::select! {
                () = sleep(left) => {}
                () = self.refused(&chain) => {}
            }
        };
        let caller = peer.caller.clone();
        let stack = Arc::clone(&self.stack);
        let answer = move |request| Arc::clone(&stack).answer(Arc::clone(&peer), request);
        let (limits, ends) = (&self.limits, &self.ends);
        let cut = converse(stream, protocol, &activity, limits, ends, over, answer).await;
        if let Some(why) = cut {
            let (agency, system, why_name) = (caller.agency(), caller.system(), why.name());
            tracing::info!(%agency, %system, why = why_name, "a connection was cut");
            self.observer.cut(why);
        }
    }

    async fn handshake(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
    ) -> Result<TlsStream<TcpStream>, TurnedAway> {
        let crowded = self.handshakes.begin(peer.ip());
        // Without it small answers wait for the acknowledgement of the one before.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a socket keeps its delay");
        }
        tokio::select! {
            shaken = timeout(self.limits.handshake(), self.shake(socket, peer, &crowded)) => {
                shaken.unwrap_or(Err(TurnedAway::Slow))
            }
            () = crowded.notified() => Err(TurnedAway::Crowd),
            () = self.ends.cut.cancelled() => Err(TurnedAway::Draining),
        }
    }

    async fn shake(
        &self,
        mut socket: TcpStream,
        peer: SocketAddr,
        place: &Arc<Notify>,
    ) -> Result<TlsStream<TcpStream>, TurnedAway> {
        let source = proxied::source(&mut socket, peer, &self.balancers).await;
        let source = source.map_err(|error| {
            tracing::warn!(%peer, %error, "a balancer does not say where a connection comes from");
            TurnedAway::Sourceless
        })?;
        if source != peer {
            self.handshakes.comes_from(place, source.ip());
        }
        let shaken = TlsAcceptor::from(self.tls.current()).accept(socket).await;
        shaken.map_err(|error| {
            let why = why(&error);
            tracing::info!(%source, why = why.name(), %error, "a handshake failed");
            TurnedAway::Tls(why)
        })
    }

    /// Reads who is calling, and takes a place among the connections of that certificate.
    fn admit(&self, stream: &TlsStream<TcpStream>) -> Result<(CallerIdentity, Place), TurnedAway> {
        let (_, session) = stream.get_ref();
        let leaf = session.peer_certificates().and_then(<[_]>::first);
        let identity = leaf.ok_or(TurnedAway::Nameless).and_then(|leaf| {
            CallerIdentity::from_certificate(leaf, &self.trust_domain).map_err(|violation| {
                tracing::warn!(%violation, "a certificate names no caller");
                TurnedAway::Nameless
            })
        })?;
        let place = self.per_certificate.take(identity.caller.certificate());
        Ok((identity, place.ok_or(TurnedAway::PerCertificate)?))
    }

    /// Waits until a reload of the certificates no longer admits this client.
    async fn refused(&self, chain: &[CertificateDer<'_>]) {
        let mut rechecks = self.rechecks.clone();
        while rechecks.changed().await.is_ok() {
            if let Err(error) = self.tls.verify_client(chain) {
                tracing::info!(%error, "a connection is closed: its certificate is not admitted");
                return;
            }
        }
        std::future::pending().await
    }

    fn turn_away(&self, why: TurnedAway) {
        tracing::debug!(why = why.name(), "a connection was turned away");
        self.observer.turned_away(why);
    }
}

/// One connection in the gauge of those that are open.
struct Open<'a>(&'a Agencies);

impl<'a> Open<'a> {
    fn new(agencies: &'a Agencies) -> Self {
        let before = agencies.open.fetch_add(1, Ordering::Relaxed);
        agencies.observer.connections(before + 1);
        Self(agencies)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let before = self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.observer.connections(before.saturating_sub(1));
    }
}

/// The time from one moment to a later one, or none.
fn until(end: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(now)).unwrap_or_default()
}

/// What the caller is told of its certificate's end: `12d`, from 30 days before it.
fn expires_in(left: Duration) -> Option<HeaderValue> {
    let days = left.as_secs() / (24 * 60 * 60);
    (days < WARN_DAYS)
        .then(|| HeaderValue::try_from(format!("{days}d")).ok())
        .flatten()
}

/// As long as an agency may need to have one issued.
const WARN_DAYS: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_told_in_its_last_thirty_days() {
        let day = Duration::from_hours(24);
        assert_eq!(expires_in(day * 31), None);
        assert_eq!(expires_in(day * 12).unwrap(), "12d");
        assert_eq!(expires_in(Duration::ZERO).unwrap(), "0d");
    }
}
