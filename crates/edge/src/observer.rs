//! What the doors tell whoever counts. Not here: a metrics library.

use std::fmt;
use std::time::Duration;

use exchange::{AgencyCode, Criticality, Reason};
use identity::Why;

use crate::Pressure;

/// Is told what happens at the doors; called on the road, so it returns at once.
pub trait Observer: Send + Sync + fmt::Debug {
    /// A call is over.
    fn call(&self, _call: &Call<'_>) {}
    /// A connection was not taken.
    fn turned_away(&self, _why: TurnedAway) {}
    /// A connection was cut.
    fn cut(&self, _why: Cut) {}
    /// That many connections are open on the agencies' listener.
    fn connections(&self, _open: usize) {}
    /// A call was shed.
    fn shed(&self, _class: Criticality, _why: Shed) {}
    /// How much is done at once; told ten times a second.
    fn load(&self, _load: &Load) {}
}

/// One call that is over.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The full name of the method, or `_OTHER`; the same for both doors.
    pub method: &'static str,
    /// The name of the gRPC code; that of the reason for REST too.
    pub code: &'static str,
    /// The calling agency.
    pub agency: &'a AgencyCode,
    /// How urgent the caller says it is; none if the request could not be read.
    pub criticality: Option<Criticality>,
    /// `COMPLETE` or `PARTIAL`, for an answer that says so.
    pub completeness: Option<&'static str>,
    /// Why the call failed; none if it succeeded, or if the caller left.
    pub reason: Option<Reason>,
    /// From the head of the request to the end of the answer.
    pub took: Duration,
}

/// How much is done at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// The calls in progress.
    pub running: usize,
    /// How many there may be.
    pub limit: usize,
    /// How long what was due waited for its turn, at least.
    pub waited: Duration,
    /// How short memory is.
    pub pressure: Pressure,
}

/// Why a call was shed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shed {
    /// Too many are in progress.
    Calls,
    /// Memory is short.
    Memory,
}

impl Shed {
    /// Every value, so that a metric can start each at zero.
    pub const ALL: [Self; 2] = [Self::Calls, Self::Memory];

    /// The value of the label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Memory => "memory",
        }
    }
}

/// Why a connection was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TurnedAway {
    /// The handshake failed.
    Tls(Why),
    /// The handshake took too long.
    Slow,
    /// The handshake was the oldest of too many.
    Crowd,
    /// A balancer does not say where it comes from.
    Sourceless,
    /// The certificate names no caller.
    Nameless,
    /// The certificate has too many connections open.
    PerCertificate,
    /// Too many connections are open.
    Full,
    /// Memory is short.
    Memory,
    /// The doors were closing.
    Draining,
}

impl TurnedAway {
    /// Every value, so that a metric can start each at zero.
    pub fn all() -> impl Iterator<Item = Self> {
        let own = [
            Self::Slow,
            Self::Crowd,
            Self::Sourceless,
            Self::Nameless,
            Self::PerCertificate,
            Self::Full,
            Self::Memory,
            Self::Draining,
        ];
        Why::ALL.into_iter().map(Self::Tls).chain(own)
    }

    /// The value of the label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls(why) => why.name(),
            Self::Slow => "timeout",
            Self::Crowd => "crowd",
            Self::Sourceless => "proxy_header",
            Self::Nameless => "identity",
            Self::PerCertificate => "per_certificate",
            Self::Full => "full",
            Self::Memory => "memory",
            Self::Draining => "draining",
        }
    }
}

/// Why a connection was cut, through its own fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// It was flooded with frames or resets.
    Flood,
    /// What it sent is no HTTP.
    Malformed,
    /// A head took too long.
    Slow,
    /// Its certificate has ended or is no longer admitted.
    Certificate,
}

impl Cut {
    /// Every value, so that a metric can start each at zero.
    pub const ALL: [Self; 4] = [Self::Flood, Self::Malformed, Self::Slow, Self::Certificate];

    /// The value of the label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flood => "flood",
            Self::Malformed => "malformed",
            Self::Slow => "slow",
            Self::Certificate => "certificate",
        }
    }
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
