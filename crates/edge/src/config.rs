//! The settings of the doors. Not here: certificates (crate `identity`).
//!
//! What no operator has a reason to change is a constant where it is used.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use exchange::{AgencyCode, Caller, SystemId};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

/// The settings of the three listeners.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the agencies call: gRPC and REST over mutual TLS.
    pub listen: SocketAddr,
    /// Balancers that pass TLS through: their connections, and no others, begin with a header of the
    /// PROXY protocol, version 2.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub proxy_protocol_from: Vec<IpNet>,
    /// Where the contract is published, over plain HTTP.
    #[serde(default = "public")]
    pub public: SocketAddr,
    /// Where health and metrics are read, over plain HTTP.
    #[serde(default = "operations")]
    pub operations: SocketAddr,
    /// Whether gRPC reflection is served: in a sandbox alone.
    #[serde(default)]
    pub reflection: bool,
    /// The address of the manual's page of errors, rendered; a reason in lower case is its fragment.
    #[serde(default = "help_base")]
    pub help_base: String,
    /// Whether a data tracker may ask at the operations listener, with numbers in queries.
    #[serde(default)]
    #[schemars(with = "Option<Names>")]
    pub find_usage: Option<FindUsage>,
    /// How much of everything.
    #[serde(default)]
    pub limits: Limits,
}

/// In whose name a data tracker asks: a system whose agreement has the duty
/// `LIST_ACCESSES`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Names")]
pub struct FindUsage {
    agency: AgencyCode,
    system: SystemId,
}

/// The names of a system as they are written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Names {
    /// The agency, as its certificates would spell it.
    agency: String,
    /// Its system.
    system: String,
}

impl TryFrom<Names> for FindUsage {
    type Error = &'static str;

    fn try_from(names: Names) -> Result<Self, Self::Error> {
        Ok(Self {
            agency: AgencyCode::parse(&names.agency).ok_or("`agency` is no agency code")?,
            system: SystemId::parse(&names.system).ok_or("`system` is no system id")?,
        })
    }
}

impl FindUsage {
    /// The caller that stands in the record; there is no certificate.
    pub(crate) fn caller(&self) -> Caller {
        Caller::new(self.agency.clone(), self.system.clone(), "")
    }
}

/// What one caller, one connection and one request may take.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The longest a TLS handshake may take, in milliseconds.
    pub handshake_ms: u64,
    /// How many handshakes may be in progress; one more cuts the oldest.
    pub handshakes: usize,
    /// How many connections may be open; never more than half of the descriptors that the process may
    /// have.
    pub connections: usize,
    /// How many connections may be open with one certificate.
    pub connections_per_certificate: usize,
    /// How many calls may be in progress. The most urgent find all of this room; while what is due
    /// waits for its turn, there is less.
    pub calls: NonZeroUsize,
    /// The memory of the process, in bytes: near it calls are shed, nearer almost all are refused.
    /// Without it memory is not looked at.
    pub memory_bytes: Option<NonZeroU64>,
    /// The longest the head of an HTTP/1 request may take, in milliseconds.
    pub header_ms: u64,
    /// A body may take this long, in milliseconds, and a second more per KiB received.
    pub body_ms: u64,
    /// The largest body of a request, in bytes.
    pub body_bytes: usize,
    /// The deadline of a call that names none, in milliseconds.
    pub deadline_ms: u64,
    /// The latest deadline a call may name, in milliseconds.
    pub deadline_max_ms: u64,
    /// A connection without a call is closed after this time, in milliseconds.
    pub idle_ms: u64,
    /// A connection is closed after this time, give or take a tenth, in milliseconds.
    pub age_ms: u64,
    /// The calls of a connection that is closed may take this much longer, in milliseconds.
    pub grace_ms: u64,
    /// How long a gateway that is told to end goes on taking calls, in milliseconds, while its health
    /// says that it ends: longer than balancers take to notice.
    pub leave_ms: u64,
    /// For how long a request id stands for one question, in milliseconds.
    pub request_id_ms: u64,
}

impl Config {
    /// The defaults for agencies that call at that address.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            proxy_protocol_from: Vec::new(),
            public: public(),
            operations: operations(),
            reflection: false,
            help_base: help_base(),
            find_usage: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_ms: HANDSHAKE_MS,
            handshakes: HANDSHAKES,
            connections: CONNECTIONS,
            connections_per_certificate: CONNECTIONS_PER_CERTIFICATE,
            calls: CALLS,
            memory_bytes: None,
            header_ms: HEADER_MS,
            body_ms: BODY_MS,
            body_bytes: BODY_BYTES,
            deadline_ms: DEADLINE_MS,
            deadline_max_ms: DEADLINE_MAX_MS,
            idle_ms: IDLE_MS,
            age_ms: AGE_MS,
            grace_ms: GRACE_MS,
            leave_ms: 0, // without a balancer nobody looks at health
            request_id_ms: REQUEST_ID_MS,
        }
    }
}

impl Limits {
    pub(crate) const fn handshake(&self) -> Duration {
        Duration::from_millis(self.handshake_ms)
    }

    pub(crate) const fn header(&self) -> Duration {
        Duration::from_millis(self.header_ms)
    }

    pub(crate) const fn body(&self) -> Duration {
        Duration::from_millis(self.body_ms)
    }

    pub(crate) const fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    pub(crate) const fn age(&self) -> Duration {
        Duration::from_millis(self.age_ms)
    }

    pub(crate) const fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    pub(crate) const fn leave(&self) -> Duration {
        Duration::from_millis(self.leave_ms)
    }

    /// For how long a request id stands for one question.
    #[must_use]
    pub const fn request_id(&self) -> Duration {
        Duration::from_millis(self.request_id_ms)
    }

    /// How long a question lasts at most: its latest deadline, and what it takes to say so.
    #[must_use]
    pub const fn question(&self) -> Duration {
        Duration::from_millis(self.deadline_max_ms.saturating_add(ENDING_MS))
    }
}

/// Two round trips over the worst link take less than 1 s.
const HANDSHAKE_MS: u64 = 5_000;
/// A handshake costs about 1 ms of CPU: a quarter of a second of one core, waiting at most.
const HANDSHAKES: usize = 256;
/// About 30 KiB each with TLS: 300 MB when every one of them is busy.
const CONNECTIONS: usize = 10_000;
/// A caller with 16 nodes may have four from each.
const CONNECTIONS_PER_CERTIFICATE: usize = 64;
/// As many as the record has places for; one in progress takes about 50 KiB.
const CALLS: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
/// A head is one packet or two; what takes longer is an attack.
const HEADER_MS: u64 = 5_000;
/// After it the rate must reach 1 KiB/s.
const BODY_MS: u64 = 5_000;
/// The largest mask of all fields takes 8 KiB.
const BODY_BYTES: usize = 64 << 10;
/// The slowest agency answers within 2 s when it is well.
const DEADLINE_MS: u64 = 3_000;
/// Nobody at a desk waits longer.
const DEADLINE_MAX_MS: u64 = 15_000;
/// Behind its deadline a question ends at once; a machine may stand still for a while.
const ENDING_MS: u64 = 5_000;
/// Longer than the pause between two citizens at a desk.
const IDLE_MS: u64 = 5 * 60 * 1_000;
/// Callers spread over the nodes again within this time after one was added.
const AGE_MS: u64 = 30 * 60 * 1_000;
/// Twice the latest deadline.
const GRACE_MS: u64 = 30_000;
/// A day, as the contract says.
const REQUEST_ID_MS: u64 = 24 * 60 * 60 * 1_000;

fn public() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 8080).into()
}

fn operations() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 9090).into()
}

/// A name that never resolves, until the operator says where the manual is published.
fn help_base() -> String {
    "https://lienthong.example/errors".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_enough_and_an_unknown_key_is_refused() {
        let config: Config = toml::from_str("listen = \"[::]:8443\"").unwrap();
        assert!(config.public.ip().is_loopback() && config.operations.ip().is_loopback());
        assert!(!config.reflection);
        let text = "listen = \"[::]:8443\"\n[limits]\nidle_ms = 7";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.limits.idle(), Duration::from_millis(7));
        assert_eq!(config.limits.handshake(), Duration::from_secs(5));
        for wrong in ["port = 1", "[limits]\nidle = 7"] {
            let text = format!("listen = \"[::]:8443\"\n{wrong}");
            assert!(toml::from_str::<Config>(&text).is_err(), "{wrong}");
        }
    }
}
