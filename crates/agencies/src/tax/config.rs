//! The stanza `[agency.tax]`: nothing but the endpoint.

use schemars::JsonSchema;
use serde::Deserialize;

/// The agency's own keys: none. Unknown keys are refused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {}
