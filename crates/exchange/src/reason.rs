//! The closed catalogue of reasons for which a call fails.
//!
//! Here: name, whose fault, whether to retry. The gRPC code, the HTTP status and the texts stand
//! in the `edge`; the pages for people in `manual/errors.md`.

use std::fmt;

use crate::Origin;

/// Whether the same call may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Not without changing something.
    No,
    /// Yes, after the time in `RetryInfo`.
    After,
    /// The caller knows best.
    CallerDecides,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $origin:ident, $retry:ident;)*) => {
        /// Why a call failed; the `reason` of `google.rpc.ErrorInfo` in domain `lienthong`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Every reason, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, such as `QUOTA_EXCEEDED`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whose fault it is.
            #[must_use]
            pub const fn origin(self) -> Origin {
                match self { $(Self::$variant => Origin::$origin,)* }
            }

            /// Whether to try again.
            #[must_use]
            pub const fn retry(self) -> Retry {
                match self { $(Self::$variant => Retry::$retry,)* }
            }
        }
    };
}

reasons! {
    /// The subject's number is malformed.
    InvalidSubjectId = "INVALID_SUBJECT_ID", Caller, No;
    /// A field of the request is missing or malformed, and no narrower reason fits.
    InvalidArgument = "INVALID_ARGUMENT", Caller, No;
    /// The body is no JSON, or JSON the contract does not know.
    InvalidJson = "INVALID_JSON", Caller, No;
    /// The mask is missing or empty.
    ReadMaskRequired = "READ_MASK_REQUIRED", Caller, No;
    /// The mask asks for everything.
    ReadMaskWildcard = "READ_MASK_WILDCARD", Caller, No;
    /// A path of the mask names no field of the catalogue.
    UnknownFieldPath = "UNKNOWN_FIELD_PATH", Caller, No;
    /// A personal id stands in the URL.
    PiiInUrl = "PII_IN_URL", Caller, No;
    /// The purpose is in no catalogue.
    PurposeUnknown = "PURPOSE_UNKNOWN", Caller, No;
    /// The agreement asks for name and birth date beside the number.
    SecondFactorRequired = "SECOND_FACTOR_REQUIRED", Caller, No;
    /// Several agreements fit the purpose; one must be named.
    AgreementRequired = "AGREEMENT_REQUIRED", Caller, No;
    /// A synthetic id outside a sandbox.
    SyntheticId = "SYNTHETIC_ID", Caller, No;
    /// The page token is not this caller's, or not for this query.
    PageTokenInvalid = "PAGE_TOKEN_INVALID", Caller, No;
    /// A header claims another identity than the certificate's.
    IdentityMismatch = "IDENTITY_MISMATCH", Caller, No;
    /// The certificate names no caller this gateway knows.
    CallerUnknown = "CALLER_UNKNOWN", Caller, No;
    /// The agency is switched off.
    AgencySuspended = "AGENCY_SUSPENDED", Caller, No;
    /// The system is switched off.
    SystemSuspended = "SYSTEM_SUSPENDED", Caller, No;
    /// The purpose is switched off.
    PurposeSuspended = "PURPOSE_SUSPENDED", Caller, No;
    /// The agreement is not yet, or no longer, valid.
    AgreementExpired = "AGREEMENT_EXPIRED", Caller, No;
    /// The agreement that the caller names is none of the caller's.
    AgreementUnknown = "AGREEMENT_UNKNOWN", Caller, No;
    /// No agreement of the caller covers the purpose.
    PurposeNotAllowed = "PURPOSE_NOT_ALLOWED", Caller, No;
    /// The agreement is for other hours.
    OutOfHours = "OUT_OF_HOURS", Caller, No;
    /// The officer asks about themselves, and the agreement does not let them.
    OwnRecord = "OWN_RECORD", Caller, No;
    /// The agreement asks for the id of a registered consent.
    ConsentRequired = "CONSENT_REQUIRED", Caller, No;
    /// No registered consent of that id is the person's, for the agency and the purpose, today.
    ConsentInvalid = "CONSENT_INVALID", Caller, No;
    /// No agreement of the caller for the purpose grants the duty that the call needs.
    DutyNotGranted = "DUTY_NOT_GRANTED", Caller, No;
    /// A claim rests on a field that the agreement does not let the caller verify.
    ClaimNotGranted = "CLAIM_NOT_GRANTED", Caller, No;
    /// The agreement asks for the officer's id.
    OfficerRequired = "OFFICER_REQUIRED", Caller, No;
    /// The purpose asks for a procedure or a dossier number.
    DossierRequired = "DOSSIER_REQUIRED", Caller, No;
    /// The pattern of questions looks like scraping.
    EnumerationSuspected = "ENUMERATION_SUSPECTED", Caller, No;
    /// Every source asked says that it knows no such person.
    PersonNotFound = "PERSON_NOT_FOUND", Caller, No;
    /// The log has no such record, or none under a checkpoint yet.
    RecordNotFound = "RECORD_NOT_FOUND", Caller, No;
    /// The caller has no such batch job, or it has expired.
    BatchJobNotFound = "BATCH_JOB_NOT_FOUND", Caller, No;
    /// The number names several people.
    SubjectAmbiguous = "SUBJECT_AMBIGUOUS", Caller, No;
    /// A proof to another checkpoint than the latest is asked for.
    CheckpointNotKept = "CHECKPOINT_NOT_KEPT", Caller, No;
    /// The request id was used for another request.
    RequestIdReused = "REQUEST_ID_REUSED", Caller, No;
    /// The same request is running.
    RequestInProgress = "REQUEST_IN_PROGRESS", Caller, After;
    /// A quota is spent: of the caller, of the officer, or of the sources asked.
    QuotaExceeded = "QUOTA_EXCEEDED", Caller, After;
    /// The body is larger than the limit.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", Caller, No;
    /// The content type or encoding is not served here.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", Caller, No;
    /// No such method or resource.
    NotServed = "NOT_SERVED", Caller, No;
    /// The time the caller gave is over.
    DeadlineExceeded = "DEADLINE_EXCEEDED", Caller, CallerDecides;
    /// A source the caller requires gave no answer.
    RequiredSourceUnavailable = "REQUIRED_SOURCE_UNAVAILABLE", Agency, After;
    /// No source gave an answer.
    AllSourcesUnavailable = "ALL_SOURCES_UNAVAILABLE", Agency, After;
    /// The one source asked answered something that is no answer.
    SourceAnswerInvalid = "SOURCE_ANSWER_INVALID", Agency, After;
    /// The one source asked is under announced maintenance.
    Maintenance = "MAINTENANCE", Agency, After;
    /// Every source asked is switched off.
    SourceSuspended = "SOURCE_SUSPENDED", Gateway, After;
    /// Too much work; this call was not begun.
    Overloaded = "OVERLOADED", Gateway, After;
    /// The record of the exchange cannot keep up; no agency was asked.
    AuditBackpressure = "AUDIT_BACKPRESSURE", Gateway, After;
    /// The record of the exchange cannot be written.
    AuditUnavailable = "AUDIT_UNAVAILABLE", Gateway, After;
    /// The gateway is shutting down.
    Draining = "DRAINING", Gateway, After;
    /// A defect of the gateway.
    Internal = "INTERNAL", Gateway, No;
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
