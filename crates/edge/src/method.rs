//! Which method a request is for, at which door.
//!
//! One spelling of every path: nothing is decoded or normalised, so whatever else looks at a path
//! sees what is seen here.

use api::routes::{ROUTES, Rpc, Verb};
use exchange::{Fault, Reason};
use http::header::{CONTENT_TYPE, UPGRADE};
use http::request::Parts;
use http::{Method, Version};

/// Which door a request came through; decides the form of every answer, errors too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// gRPC: HTTP/2, and a content type that says so.
    Grpc,
    /// REST: everything else.
    Rest,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A method of the contract.
    Rpc(Rpc),
    /// A call of a data tracker.
    Tracked(Tracked),
    /// Health or reflection, over gRPC.
    Service,
    /// A resource that is there, asked with another HTTP method than this one.
    Other(Verb),
    /// A method of the contract at the wrong door: without the content type of gRPC.
    NoGrpc,
    /// Nothing that is served.
    Nothing,
}

/// A call of a data tracker, over REST alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tracked {
    FindUsage,
    UsagePeriod,
    Heartbeat,
}

impl Tracked {
    /// Every one.
    pub(crate) const ALL: [Self; 3] = [Self::FindUsage, Self::UsagePeriod, Self::Heartbeat];

    /// The call at a path.
    pub(crate) fn of(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.path() == path)
    }

    /// Its path, which the Data Tracker gives.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::FindUsage => "/v2/findUsage",
            Self::UsagePeriod => "/v2/usagePeriod",
            Self::Heartbeat => "/v2/heartbeat",
        }
    }

    /// Its name in traces and metrics.
    const fn name(self) -> &'static str {
        match self {
            Self::FindUsage => "tracker.v2/findUsage",
            Self::UsagePeriod => "tracker.v2/usagePeriod",
            Self::Heartbeat => "tracker.v2/heartbeat",
        }
    }

    /// Its HTTP method: where a number is given, a body holds it.
    pub(crate) const fn verb(self) -> Verb {
        match self {
            Self::FindUsage => Verb::Post,
            Self::UsagePeriod | Self::Heartbeat => Verb::Get,
        }
    }

    /// What a request with that HTTP method is for.
    fn target(self, method: &Method) -> Target {
        if *method == verb(self.verb()) {
            Target::Tracked(self)
        } else {
            Target::Other(self.verb())
        }
    }
}

impl Door {
    pub(crate) fn of(head: &Parts) -> Self {
        let content_type = head.headers.get(CONTENT_TYPE);
        let says_so = content_type.is_some_and(|value| value.as_bytes().starts_with(GRPC));
        if says_so && head.version == Version::HTTP_2 {
            Self::Grpc
        } else {
            Self::Rest
        }
    }

    pub(crate) fn target(self, head: &Parts) -> Target {
        let path = head.uri.path();
        match self {
            Self::Grpc if head.method != Method::POST => Target::Nothing,
            Self::Grpc => match of_path(path) {
                Some(rpc) => Target::Rpc(rpc),
                None if path.starts_with(HEALTH) || path.starts_with(REFLECTION) => Target::Service,
                None => Target::Nothing,
            },
            Self::Rest => match ROUTES.iter().find(|route| route.value(path).is_some()) {
                Some(route) if head.method == verb(route.verb) => Target::Rpc(route.rpc),
                Some(route) => Target::Other(route.verb),
                None if let Some(tracked) = Tracked::of(path) => tracked.target(&head.method),
                None if of_path(path).is_some() => Target::NoGrpc,
                None => Target::Nothing,
            },
        }
    }
}

impl Target {
    /// The full name of the method, as gRPC, traces and metrics spell it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rpc(rpc) => name(rpc),
            Self::Tracked(tracked) => tracked.name(),
            Self::Service | Self::Other(_) | Self::NoGrpc | Self::Nothing => OTHER,
        }
    }

    /// True if the answer is a stream.
    pub(crate) const fn streams(self) -> bool {
        matches!(
            self,
            Self::Service | Self::Rpc(Rpc::StreamCitizen | Rpc::WatchCheckpoints)
        )
    }

    /// True if agencies are asked while the answer is sent.
    pub(crate) const fn asks_on(self) -> bool {
        matches!(self, Self::Rpc(Rpc::StreamCitizen))
    }

    /// The fault of a request that is for no method of the contract.
    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::Other(Verb::Get) => not_allowed("GET"),
            Self::Other(Verb::Post) => not_allowed("POST"),
            Self::NoGrpc => Fault::new(Reason::UnsupportedMediaType, "gRPC without its type"),
            Self::Rpc(_) | Self::Tracked(_) | Self::Service | Self::Nothing => {
                Fault::new(Reason::NotServed, "nothing is served there")
            }
        }
    }
}

/// Refuses what turns a connection into something else.
pub(crate) fn check(head: &Parts) -> Result<(), Fault> {
    if matches!(head.method, Method::CONNECT | Method::TRACE) {
        Err(not_allowed("GET, POST"))
    } else if head.headers.contains_key(UPGRADE) {
        let detail = "an upgrade of the protocol is asked for";
        Err(Fault::new(Reason::InvalidArgument, detail))
    } else {
        Ok(())
    }
}

/// The full name of a method, as gRPC, traces and metrics spell it.
const fn name(rpc: Rpc) -> &'static str {
    match rpc {
        Rpc::LookupCitizen => "lienthong.v1.CitizenService/LookupCitizen",
        Rpc::StreamCitizen => "lienthong.v1.CitizenService/StreamCitizen",
        Rpc::ResolveIdentifier => "lienthong.v1.CitizenService/ResolveIdentifier",
        Rpc::ListFields => "lienthong.v1.CatalogueService/ListFields",
        Rpc::ListPurposes => "lienthong.v1.CatalogueService/ListPurposes",
        Rpc::ListGrants => "lienthong.v1.CatalogueService/ListGrants",
        Rpc::GetQuota => "lienthong.v1.CatalogueService/GetQuota",
        Rpc::SearchRecords => "lienthong.v1.AuditService/SearchRecords",
        Rpc::GetInclusionProof => "lienthong.v1.AuditService/GetInclusionProof",
        Rpc::GetConsistencyProof => "lienthong.v1.AuditService/GetConsistencyProof",
        Rpc::WatchCheckpoints => "lienthong.v1.AuditService/WatchCheckpoints",
        Rpc::EraseSubject => "lienthong.v1.AuditService/EraseSubject",
        Rpc::ListMyAccesses => "lienthong.v1.DataSubjectService/ListMyAccesses",
        Rpc::VerifyAttributes => "lienthong.v1.VerificationService/VerifyAttributes",
        Rpc::CreateBatchJob => "lienthong.v1.BatchService/CreateBatchJob",
        Rpc::GetBatchJob => "lienthong.v1.BatchService/GetBatchJob",
        Rpc::ListBatchJobResults => "lienthong.v1.BatchService/ListBatchJobResults",
        Rpc::CancelBatchJob => "lienthong.v1.BatchService/CancelBatchJob",
    }
}

/// The HTTP method of a route, as it is written.
pub(crate) const fn verb(verb: Verb) -> Method {
    match verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
    }
}

fn of_path(path: &str) -> Option<Rpc> {
    let full = path.strip_prefix('/')?;
    let mut rpcs = ROUTES.iter().map(|route| route.rpc);
    rpcs.find(|rpc| name(*rpc) == full)
}

fn not_allowed(allow: &'static str) -> Fault {
    Fault::new(Reason::NotServed, "not with this HTTP method").with(ALLOW, allow)
}

/// The public pair that tells which HTTP methods a resource has.
pub(crate) const ALLOW: &str = "allow";

/// The name of every method that is not of the contract.
pub(crate) const OTHER: &str = "_OTHER";

const GRPC: &[u8] = b"application/grpc";
const HEALTH: &str = "/grpc.health.v1.Health/";
const REFLECTION: &str = "/grpc.reflection.";
