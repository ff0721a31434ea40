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
    /// Health or reflection, over gRPC.
    Service,
    /// A resource that is there, asked with another HTTP method than this one.
    Other(Verb),
    /// A method of the contract at the wrong door: without the content type of gRPC.
    NoGrpc,
    /// Nothing that is served.
    Nothing,
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
            Self::Rest => match ROUTES.iter().find(|route| route.path == path) {
                Some(route) if head.method == verb(route.verb) => Target::Rpc(route.rpc),
                Some(route) => Target::Other(route.verb),
                None if of_path(path).is_some() => Target::NoGrpc,
                None => Target::Nothing,
            },
        }
    }
}

impl Target {
    /// The method of the contract, if it is one.
    pub(crate) const fn rpc(self) -> Option<Rpc> {
        match self {
            Self::Rpc(rpc) => Some(rpc),
            Self::Service | Self::Other(_) | Self::NoGrpc | Self::Nothing => None,
        }
    }

    /// The fault of a request that is for no method of the contract.
    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::Other(Verb::Get) => not_allowed("GET"),
            Self::Other(Verb::Post) => not_allowed("POST"),
            Self::NoGrpc => Fault::new(Reason::UnsupportedMediaType, "gRPC without its type"),
            Self::Rpc(_) | Self::Service | Self::Nothing => {
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
pub(crate) const fn name(rpc: Option<Rpc>) -> &'static str {
    match rpc {
        Some(Rpc::LookupCitizen) => "lienthong.v1.CitizenService/LookupCitizen",
        Some(Rpc::StreamCitizen) => "lienthong.v1.CitizenService/StreamCitizen",
        Some(Rpc::ResolveIdentifier) => "lienthong.v1.CitizenService/ResolveIdentifier",
        Some(Rpc::ListFields) => "lienthong.v1.CatalogueService/ListFields",
        Some(Rpc::ListPurposes) => "lienthong.v1.CatalogueService/ListPurposes",
        Some(Rpc::ListGrants) => "lienthong.v1.CatalogueService/ListGrants",
        Some(Rpc::GetQuota) => "lienthong.v1.CatalogueService/GetQuota",
        Some(Rpc::SearchRecords) => "lienthong.v1.AuditService/SearchRecords",
        Some(Rpc::GetInclusionProof) => "lienthong.v1.AuditService/GetInclusionProof",
        Some(Rpc::GetConsistencyProof) => "lienthong.v1.AuditService/GetConsistencyProof",
        Some(Rpc::WatchCheckpoints) => "lienthong.v1.AuditService/WatchCheckpoints",
        Some(Rpc::EraseSubject) => "lienthong.v1.AuditService/EraseSubject",
        Some(Rpc::ListMyAccesses) => "lienthong.v1.DataSubjectService/ListMyAccesses",
        None => OTHER,
    }
}

/// True if the answer of a method is a stream.
pub(crate) const fn streams(rpc: Rpc) -> bool {
    matches!(rpc, Rpc::StreamCitizen | Rpc::WatchCheckpoints)
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
    rpcs.find(|rpc| name(Some(*rpc)) == full)
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
