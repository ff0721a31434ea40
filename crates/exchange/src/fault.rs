//! Why an exchange fails: what, whose fault, and whether to try again.

use std::fmt;
use std::time::Duration;

use crate::Reason;

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The caller's: bad input, no right, quota spent.
    Caller,
    /// An agency's.
    Agency,
    /// The gateway's own.
    Gateway,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, as a path of the request in the contract: `subject.personal_id`.
    pub field: String,
    /// What is wrong. Never repeats the value.
    pub description: String,
    /// Its reason.
    pub reason: Reason,
}

/// Which quota was spent, and when to come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaViolation {
    /// The name of the quota, as in the `RateLimit-Policy` header.
    pub policy: &'static str,
    /// What the quota allows, for people.
    pub description: String,
    /// The requests that a full quota allows at once.
    pub limit: u32,
    /// The time in which an empty quota is full again.
    pub window: Duration,
}

/// The one error that crosses crates on the road of a request; one pointer wide.
///
/// What leaves the gateway comes from `reason`, `violations` and the like; `detail` and the source
/// go to the log alone.
#[derive(Debug)]
pub struct Fault(Box<FaultDetails>);

/// What a [`Fault`] holds, reached by dereferencing it.
#[derive(Debug)]
pub struct FaultDetails {
    /// What it is; decides code, status and text at the doors.
    pub reason: Reason,
    /// Everything that is wrong with the request, for faults of the caller.
    pub violations: Vec<Violation>,
    /// When to come again, if that is known.
    pub retry_after: Option<Duration>,
    /// Which quota was spent.
    pub quota: Option<QuotaViolation>,
    /// Public key-value pairs, such as the agreement id.
    pub metadata: Vec<(&'static str, String)>,
    /// For the log; never leaves.
    pub detail: String,
    /// The cause, for the log.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Fault {
    /// A fault with nothing but its reason and a word for the log.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self(Box::new(FaultDetails {
            reason,
            violations: Vec::new(),
            retry_after: None,
            quota: None,
            metadata: Vec::new(),
            detail: detail.into(),
            cause: None,
        }))
    }

    /// A fault of bad input: the first violation gives the reason.
    #[must_use]
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let first = violations.first().map(|v| v.reason);
        let mut fault = Self::new(
            first.unwrap_or(Reason::InvalidArgument),
            "the request is malformed",
        );
        fault.violations = violations;
        fault
    }

    /// The same fault with a time to come again.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// The same fault with a public key-value pair.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// The same fault with another word for the log.
    #[must_use]
    pub fn detailed(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same fault with its cause.
    #[must_use]
    pub fn because(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// Whose fault it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.reason.origin()
    }
}

impl std::ops::Deref for Fault {
    type Target = FaultDetails;

    fn deref(&self) -> &FaultDetails {
        &self.0
    }
}

impl std::ops::DerefMut for Fault {
    fn deref_mut(&mut self) -> &mut FaultDetails {
        &mut self.0
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
