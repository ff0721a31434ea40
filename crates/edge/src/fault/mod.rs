//! The one mapping of a fault to what leaves: code, status, text, details.
//!
//! Not here: which faults there are (crate `exchange`).
//!
//! *Invariant:* all text comes from the reason; `detail` and cause of a fault stay in the log.

mod grpc;
mod problem;
mod text;

use std::time::Duration;

use exchange::{Fault, Reason, RequestId, Retry};
use http::StatusCode;
use tonic::Code;
use uuid::Uuid;

use crate::method::ALLOW;
use text::Text;

/// How a reason is told at the two doors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) code: Code,
    pub(crate) status: StatusCode,
}

/// The code and the status of every reason.
pub(crate) const fn meaning(reason: Reason) -> Meaning {
    use Reason as R;
    let (code, status) = match reason {
        R::InvalidSubjectId
        | R::InvalidArgument
        | R::InvalidJson
        | R::ReadMaskRequired
        | R::ReadMaskWildcard
        | R::UnknownFieldPath
        | R::PiiInUrl
        | R::PurposeUnknown
        | R::SecondFactorRequired
        | R::AgreementRequired
        | R::SyntheticId
        | R::PageTokenInvalid
        | R::DossierRequired
        | R::ConsentRequired => (Code::InvalidArgument, StatusCode::BAD_REQUEST),
        R::UnsupportedMediaType => (Code::InvalidArgument, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        R::PayloadTooLarge => (Code::ResourceExhausted, StatusCode::PAYLOAD_TOO_LARGE),
        R::IdentityMismatch
        | R::CallerUnknown
        | R::AgencySuspended
        | R::SystemSuspended
        | R::PurposeSuspended
        | R::AgreementExpired
        | R::AgreementUnknown
        | R::PurposeNotAllowed
        | R::OutOfHours
        | R::ConsentInvalid
        | R::OwnRecord
        | R::DutyNotGranted
        | R::ClaimNotGranted
        | R::OfficerRequired
        | R::EnumerationSuspected => (Code::PermissionDenied, StatusCode::FORBIDDEN),
        R::PersonNotFound | R::RecordNotFound | R::BatchJobNotFound => {
            (Code::NotFound, StatusCode::NOT_FOUND)
        }
        R::SubjectAmbiguous | R::CheckpointNotKept => {
            (Code::FailedPrecondition, StatusCode::CONFLICT)
        }
        R::RequestIdReused => (Code::FailedPrecondition, StatusCode::UNPROCESSABLE_ENTITY),
        R::RequestInProgress => (Code::Aborted, StatusCode::CONFLICT),
        R::QuotaExceeded => (Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS),
        R::NotServed => (Code::Unimplemented, StatusCode::NOT_FOUND),
        R::DeadlineExceeded => (Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT),
        R::SourceAnswerInvalid => (Code::Unavailable, StatusCode::BAD_GATEWAY),
        R::RequiredSourceUnavailable
        | R::AllSourcesUnavailable
        | R::Maintenance
        | R::SourceSuspended
        | R::Overloaded
        | R::AuditBackpressure
        | R::AuditUnavailable
        | R::Draining => (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
        R::Internal => (Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
    };
    Meaning { code, status }
}

/// True if a call that fails so cannot be read, or is for nothing that is served.
pub(crate) const fn is_malformed(reason: Reason) -> bool {
    let code = meaning(reason).code;
    matches!(code, Code::InvalidArgument | Code::Unimplemented)
        || matches!(reason, Reason::PayloadTooLarge)
}

/// Everything that leaves about one fault, worked out once for whichever door.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    fault: &'a Fault,
    text: Text,
    request_id: RequestId,
    help: String,
    retry_after: Option<Duration>,
}

impl<'a> Told<'a> {
    /// `help_base` is the page that explains every reason, each under its name in lower case.
    pub(crate) fn new(fault: &'a Fault, request_id: RequestId, help_base: &str) -> Self {
        Self {
            text: text::of(fault.reason),
            help: format!("{help_base}#{}", fault.reason.name().to_ascii_lowercase()),
            retry_after: retry_after(fault),
            fault,
            request_id,
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        match self.allow() {
            Some(_) => StatusCode::METHOD_NOT_ALLOWED,
            None => meaning(self.fault.reason).status,
        }
    }

    /// The HTTP methods that are allowed, if another one was used.
    pub(crate) fn allow(&self) -> Option<&str> {
        let mut pairs = self.fault.metadata.iter();
        pairs.find_map(|(key, value)| (*key == ALLOW).then_some(value.as_str()))
    }

    /// When to come again.
    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// When to come again, with up to a quarter more, so that all who wait do not come at once.
fn retry_after(fault: &Fault) -> Option<Duration> {
    let after = match fault.reason.retry() {
        Retry::After => fault.retry_after.unwrap_or(SOON),
        Retry::No | Retry::CallerDecides => return None,
    };
    let [chance, ..] = Uuid::new_v4().into_bytes();
    Some(after.mul_f64(1.0 + 0.25 * f64::from(chance) / f64::from(u8::MAX)))
}

/// The name of a code, as gRPC spells it.
pub(crate) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The domain of every reason.
pub(crate) const DOMAIN: &str = "lienthong";
/// When to come again, if nobody knows better.
const SOON: Duration = Duration::from_secs(1);
