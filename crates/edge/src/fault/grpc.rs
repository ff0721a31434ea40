//! A fault as gRPC tells it: a status with the details of `google.rpc`.

use std::collections::HashMap;

use exchange::Violation;
use tonic::Status;
use tonic_types::{
    BadRequest, ErrorDetail, ErrorInfo, FieldViolation, Help, HelpLink, LocalizedMessage,
    QuotaFailure, QuotaViolation, RequestInfo, RetryInfo, StatusExt as _,
};

use super::{DOMAIN, Told, meaning};

impl Told<'_> {
    /// The status of a call that failed so.
    pub(crate) fn grpc(&self) -> Status {
        let fault = self.fault;
        let pairs = fault.metadata.iter();
        let mut metadata: HashMap<String, String> = pairs
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        let violations = fitting(&fault.violations);
        let left_out = fault.violations.len() - violations.len();
        if left_out > 0 {
            metadata.insert("violationsLeftOut".to_owned(), left_out.to_string());
        }
        let mut details: Vec<ErrorDetail> = Vec::with_capacity(8);
        details.push(ErrorInfo::new(fault.reason.name(), DOMAIN, metadata).into());
        details.push(RequestInfo::new(self.request_id.to_string(), "").into());
        if !violations.is_empty() {
            details.push(BadRequest::new(violations).into());
        }
        if let Some(after) = self.retry_after {
            details.push(RetryInfo::new(Some(after)).into());
        }
        if let Some(quota) = &fault.quota {
            let violation = QuotaViolation::new(quota.policy, &quota.description);
            details.push(QuotaFailure::new([violation]).into());
        }
        let link = HelpLink::new(self.text.en.title, &self.help);
        details.push(Help::new([link]).into());
        details.push(LocalizedMessage::new("vi", self.text.vi.message).into());
        details.push(LocalizedMessage::new("en", self.text.en.message).into());
        let code = meaning(fault.reason).code;
        Status::with_error_details_vec(code, self.text.en.message, details)
    }
}

/// The first violations, as many as the metadata of an answer have room for.
fn fitting(violations: &[Violation]) -> Vec<FieldViolation> {
    let mut room = VIOLATIONS_BYTES;
    let fits = violations.iter().take_while(|violation| {
        let size = violation.field.len() + violation.description.len() + FRAME_BYTES;
        let fits = size <= room;
        room = room.saturating_sub(size);
        fits
    });
    fits.map(|violation| {
        let mut told = FieldViolation::new(&violation.field, &violation.description);
        violation.reason.name().clone_into(&mut told.reason);
        told
    })
    .collect()
}

/// Clients refuse more than 8 KiB of metadata. In base64 this is 5.3 KiB, and 1.5 KiB the rest.
const VIOLATIONS_BYTES: usize = 4 << 10;
/// Tags and lengths of one violation, and its reason.
const FRAME_BYTES: usize = 32;
