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
    /// `BatchService.CreateBatchJob`.
    CreateBatchJob,
    /// `BatchService.GetBatchJob`.
    GetBatchJob,
    /// `BatchService.ListBatchJobResults`.
    ListBatchJobResults,
    /// `BatchService.CancelBatchJob`.
    CancelBatchJob,
}

/// One REST route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method.
    pub verb: Verb,
    /// The path, with its variable in braces if it has one.
    pub path: &'static str,
    /// What stands before and behind the variable.
    pub around: Option<(&'static str, &'static str)>,
    /// The method it stands for.
    pub rpc: Rpc,
}

impl Route {
    /// The value of the variable in a path of this route, empty if the route has none; none if the
    /// path is of another one.
    #[must_use]
    pub fn value<'p>(&self, path: &'p str) -> Option<&'p str> {
        let Some((before, behind)) = self.around else {
            return (self.path == path).then_some("");
        };
        let value = path.strip_prefix(before)?.strip_suffix(behind)?;
        (!value.is_empty() && !value.contains(['/', ':'])).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<(Rpc, &str)> {
        let mut found = ROUTES
            .iter()
            .filter_map(|route| Some((route.rpc, route.value(path)?)));
        let first = found.next();
        assert_eq!(found.next(), None, "{path} is two routes");
        first
    }

    #[test]
    fn a_path_is_one_route_and_has_its_variable() {
        assert_eq!(found("/v1/batchJobs"), Some((Rpc::CreateBatchJob, "")));
        assert_eq!(found("/v1/batchJobs/7"), Some((Rpc::GetBatchJob, "7")));
        let results = found("/v1/batchJobs/7/results");
        assert_eq!(results, Some((Rpc::ListBatchJobResults, "7")));
        let cancel = found("/v1/batchJobs/7:cancel");
        assert_eq!(cancel, Some((Rpc::CancelBatchJob, "7")));
        for path in [
            "/v1/batchJobs/",
            "/v1/batchJobs//results",
            "/v1/batchJobs/:cancel",
            "/v1/batchJobs/7/8",
            "/v1/batchJobs/7:stop",
            "/v1/fields/7",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
