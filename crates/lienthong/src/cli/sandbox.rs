//! The arguments of `sandbox` and `sim`, and what simulated agencies go through.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    /// Where keys, certificates, configuration and log are kept; an existing sandbox goes on.
    #[arg(long, default_value = "./sandbox")]
    pub(crate) dir: PathBuf,
    /// Where the gateway listens for agencies; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// Do not run the first lookup.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// The seed of the synthetic citizens.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// A file with the connection string of a PostgreSQL that keeps index, keyring and lock store.
    #[arg(long, value_name = "FILE")]
    pub(crate) database: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) scenario: Played,
}

/// What the simulated agencies go through.
#[derive(Debug, Args)]
pub(crate) struct Played {
    /// Disturb the simulated agencies: `bad-day`, `log-outs`, `maintenance`, or a file of your own.
    #[arg(long, value_name = "NAME|FILE", long_help = SCENARIO)]
    pub(crate) scenario: Option<String>,
}

const SCENARIO: &str = "\
Disturb the simulated agencies: `bad-day` (all five at once), `log-outs`, `maintenance`, or a file of your own.

A file is TOML: from which second on which agency does what. What a step does not name is at rest again; the same seed
and the same questions meet the same faults.

  seed = 7
  repeat_s = 60
  [[step]]
  at_s = 10
  agency = \"population\"       # or \"all\"
  latency = { exponential = { mean_ms = 40 } }
  again = { seconds = 20 }
  fault = [{ fault = \"maintenance\" }, { fault = \"hang\", probability = 0.1 }]

`GET /faults` at an agency's control address lists what its wire can do; `PUT /knobs` there does one step by hand.";

/// Arguments of `sim`.
#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// The agency: population, health, `civil_status`, tax or `social_security`; `all` for every one.
    pub(crate) agency: String,
    /// Where the agency's wire is spoken; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Where the simulator is controlled.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) control: SocketAddr,
    /// The sandbox whose CA and secrets are used; made if it is not there.
    #[arg(long, default_value = "./sandbox")]
    pub(crate) dir: PathBuf,
    /// The seed of the synthetic citizens.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Keep this many rendered answers, and no journal: for benchmarks.
    #[arg(long, default_value_t = 0)]
    pub(crate) prepared: usize,
    #[command(flatten)]
    pub(crate) scenario: Played,
}
