//! The stanza `[agency.tax]`: nothing but the endpoint.

use serde::Deserialize;

/// The agency's own keys: none. Unknown keys are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {}
