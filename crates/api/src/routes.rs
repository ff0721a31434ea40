//! The REST routes of the contract.

#[path = "generated/routes.rs"]
mod generated;

pub use generated::ROUTES;

/// The HTTP method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `GET`; the request message is empty.
    Get,
    /// `POST`; the body is the request message.
    Post,
}

/// A method of the public contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rpc {
    /// `CitizenService.LookupCitizen`.
    LookupCitizen,
    /// `CitizenService.StreamCitizen`.
    StreamCitizen,
    /// `CitizenService.ResolveIdentifier`.
    ResolveIdentifier,
    /// `CatalogueService.ListFields`.
    ListFields,
    /// `CatalogueService.ListPurposes`.
    ListPurposes,
    /// `CatalogueService.ListGrants`.
    ListGrants,
    /// `CatalogueService.GetQuota`.
    GetQuota,
    /// `AuditService.SearchRecords`.
    SearchRecords,
    /// `AuditService.GetInclusionProof`.
    GetInclusionProof,
    /// `AuditService.GetConsistencyProof`.
    GetConsistencyProof,
    /// `AuditService.WatchCheckpoints`.
    WatchCheckpoints,
    /// `AuditService.EraseSubject`.
    EraseSubject,
    /// `DataSubjectService.ListMyAccesses`.
    ListMyAccesses,
    /// `VerificationService.VerifyAttributes`.
    VerifyAttributes,
}

/// One REST route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method.
    pub verb: Verb,
    /// The path.
    pub path: &'static str,
    /// The method it stands for.
    pub rpc: Rpc,
}
