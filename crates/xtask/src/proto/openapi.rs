//! Generates the OpenAPI 3.1 document of the REST door.

use anyhow::Result;
use prost_reflect::DescriptorPool;

/// The document as pretty JSON.
pub(crate) fn generate(_pool: &DescriptorPool) -> Result<String> {
    Ok("{}\n".to_owned())
}
