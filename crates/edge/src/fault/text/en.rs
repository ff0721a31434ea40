//! Title and message of every reason in English.

use exchange::Reason as R;

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) const fn of(reason: R) -> [&'static str; 2] {
    match reason {
        R::InvalidSubjectId => [
            "Malformed number",
            "The number of the person is malformed. See the violations, correct it and ask again.",
        ],
        R::InvalidArgument => [
            "Malformed request",
            "A part of the request is missing or malformed. See the violations.",
        ],
        R::InvalidJson => [
            "Malformed JSON",
            "The body is no JSON that the contract knows. See the violations.",
        ],
        R::ReadMaskRequired => [
            "No fields named",
            "The read mask is empty. Name the fields you need; ListFields has them all.",
        ],
        R::ReadMaskWildcard => [
            "Wildcard in the read mask",
            "The read mask holds a wildcard, which is refused. Name each field you need.",
        ],
        R::UnknownFieldPath => [
            "Unknown field",
            "A path of the read mask names no field of the catalogue. ListFields has them all.",
        ],
        R::PiiInUrl => [
            "Personal id in the URL",
            "The URL holds what reads as a personal id. Send ids in the body only.",
        ],
        R::PurposeUnknown => [
            "Unknown purpose",
            "The purpose is in no catalogue. ListPurposes has them all.",
        ],
        R::SecondFactorRequired => [
            "Name and birth date required",
            "The agreement asks for the name and birth date of the person beside the number.",
        ],
        R::AgreementRequired => [
            "Agreement required",
            "Several of your agreements fit the purpose. Name the one you ask under.",
        ],
        R::SyntheticId => [
            "Synthetic person",
            "The number is of a synthetic person, which only a sandbox serves.",
        ],
        R::PageTokenInvalid => [
            "Invalid page token",
            "The page token is not yours, is not for this query, or has expired. Begin at the first page.",
        ],
        R::IdentityMismatch => [
            "Identity claimed in a header",
            "A header claims an identity. The client certificate alone says who is calling; remove the header.",
        ],
        R::CallerUnknown => [
            "Unknown caller",
            "No agreement is open to the system that the certificate names.",
        ],
        R::AgencySuspended => [
            "Agency suspended",
            "Access of this agency is suspended. Contact the operator of the gateway.",
        ],
        R::SystemSuspended => [
            "System suspended",
            "Access of this system is suspended. Contact the operator of the gateway.",
        ],
        R::PurposeSuspended => [
            "Purpose suspended",
            "Nobody may ask for this purpose for the time being. Contact the operator of the gateway.",
        ],
        R::AgreementExpired => [
            "Agreement not in force",
            "The agreement is not yet, or no longer, in force.",
        ],
        R::AgreementUnknown => [
            "Not your agreement",
            "The agreement that you name is none of yours. ListGrants has yours.",
        ],
        R::PurposeNotAllowed => [
            "Purpose not allowed",
            "No agreement of yours covers this purpose, or the one that you name does not. ListGrants has what you may ask.",
        ],
        R::ConsentRequired => [
            "Consent required",
            "The agreement asks for the id of a consent that the person has given.",
        ],
        R::ConsentInvalid => [
            "Consent not valid",
            "No consent of that id covers this person, your agency and the purpose today.",
        ],
        R::OutOfHours => [
            "Out of hours",
            "Your agreement for this purpose is for other hours.",
        ],
        R::OwnRecord => [
            "Own record",
            "An officer may not ask about themselves under this agreement.",
        ],
        R::DutyNotGranted => [
            "Duty not granted",
            "Your agreement for this purpose does not grant what the call needs. ListGrants has your duties.",
        ],
        R::ClaimNotGranted => [
            "Claim not granted",
            "Your agreement does not let you verify this. See the violations; ListGrants has what you may verify.",
        ],
        R::OfficerRequired => [
            "Officer required",
            "The purpose or the agreement asks for the id of the officer.",
        ],
        R::DossierRequired => [
            "Procedure or dossier required",
            "The purpose or the agreement asks for a procedure or a dossier number. See the violations.",
        ],
        R::EnumerationSuspected => [
            "Pattern of scraping",
            "The pattern of your questions looks like scraping. Contact the operator of the gateway.",
        ],
        R::PersonNotFound => [
            "Person not found",
            "Every source asked says that it knows no such person.",
        ],
        R::RecordNotFound => [
            "Record not found",
            "The log has no such record, or it is under no checkpoint yet. Ask again in a second if it was just made.",
        ],
        R::BatchJobNotFound => [
            "Batch job not found",
            "You have no batch job with this id, or it has expired and its results are destroyed.",
        ],
        R::SubjectAmbiguous => [
            "Several people",
            "The number names several people. Ask by the personal id.",
        ],
        R::CheckpointNotKept => [
            "Checkpoint not kept",
            "Only the latest checkpoint is kept. Ask with size 0 for a proof that leads to it.",
        ],
        R::RequestIdReused => [
            "Request id reused",
            "The request id was used for another request. Make a new one for each question.",
        ],
        R::RequestInProgress => [
            "Request in progress",
            "The same request is running. Wait for its answer.",
        ],
        R::QuotaExceeded => [
            "Quota spent",
            "Your quota is spent. Ask again after the time given.",
        ],
        R::PayloadTooLarge => [
            "Request too large",
            "The request is larger than is allowed.",
        ],
        R::UnsupportedMediaType => [
            "Unsupported content type",
            "The content type or encoding is not served here. REST takes application/json in UTF-8.",
        ],
        R::NotServed => [
            "Not served",
            "No such method, resource or encoding is served here.",
        ],
        R::DeadlineExceeded => [
            "Out of time",
            "The time given for the call is over. Nothing was released.",
        ],
        R::RequiredSourceUnavailable => [
            "Required source gave no answer",
            "A source that you require gave no answer. Ask again later, or do not require it.",
        ],
        R::AllSourcesUnavailable => [
            "No source gave an answer",
            "No source gave an answer. This says nothing about the person. Ask again later.",
        ],
        R::SourceAnswerInvalid => [
            "Unusable answer of the source",
            "The source answered with something that cannot be used. Ask once more later.",
        ],
        R::Maintenance => [
            "Source under maintenance",
            "The source is under announced maintenance. Ask again after the time given.",
        ],
        R::SourceSuspended => [
            "Source suspended",
            "The source is not asked for the time being. This says nothing about the person. Ask again after the time given.",
        ],
        R::Overloaded => [
            "Overloaded",
            "The gateway has too much work and has not begun this call. Ask again after the time given.",
        ],
        R::AuditBackpressure => [
            "Records cannot keep up",
            "Records cannot keep up, so no source was asked. Ask again after the time given.",
        ],
        R::AuditUnavailable => [
            "Records cannot be written",
            "The record of the call cannot be written, so nothing is released. Ask again later.",
        ],
        R::Draining => [
            "Shutting down",
            "This node is shutting down. Ask again; another one will answer.",
        ],
        R::Internal => [
            "Internal error",
            "The gateway has failed. Give the request id to its operator.",
        ],
    }
}
