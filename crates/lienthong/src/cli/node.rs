//! Which node an operator speaks to. Not here: speaking.

use std::path::PathBuf;

use clap::Args;
use url::Url;

/// The node that is told.
#[derive(Debug, Args)]
pub(crate) struct Node {
    /// The sandbox that is told; `./sandbox` if none is named and one runs there.
    #[arg(long, value_name = "DIR", global = true, conflicts_with = "operations")]
    pub(crate) sandbox: Option<PathBuf>,
    /// The operations listener of the node that is told; `http://127.0.0.1:9090` if no sandbox is.
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) operations: Option<Url>,
}
