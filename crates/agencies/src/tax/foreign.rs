//! What the department may send, for tests that send anything.

use api::agency::v1::{LookupRecordResponse, ResolveIdentifierResponse, StreamObligationsResponse};
use exchange::{CitizenId, FieldSet, Identifier, Source};
use prost::Message as _;

use super::translate;

/// Decodes the bytes as each answer, and translates what is in it. A record is about whom it says.
pub(super) fn read(bytes: &[u8]) {
    let obligations = StreamObligationsResponse::decode(bytes).unwrap_or_default();
    if let Ok(response) = LookupRecordResponse::decode(bytes)
        && let Some(asked) = CitizenId::from_agency(&response.personal_id)
    {
        let fields = FieldSet::of(Source::Tax);
        translate::record(&asked, &fields, response, obligations.obligations).ok();
    }
    if let Ok(response) = ResolveIdentifierResponse::decode(bytes)
        && let Some(asked) = CitizenId::from_agency("999099000001")
    {
        translate::resolution(&Identifier::Personal(asked), &response).ok();
    }
}
