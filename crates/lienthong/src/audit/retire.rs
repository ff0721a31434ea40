//! `lienthong audit retire`: what is hidden in the log of a half-year, destroyed. Not here: how.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use evidence::{Alarm, Deps, NoObserver, keys};
use exchange::{Clock, SystemClock};

use crate::cli::Retire;
use crate::config::{Checked, Config, chain};
use crate::exit;

/// Destroys it.
pub(super) fn run(arguments: &Retire) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.config).context("the configuration is refused")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let checked = Checked::new(&config, &clock).context("the configuration is refused")?;
    let log = config.evidence;
    let deps = Deps {
        keys: keys::create_if_missing(&log.at_start(&*clock)?).context("the keys of the log")?,
        clock,
        observer: Arc::new(NoObserver),
        witnesses: checked.witnesses.map(|witnesses| Arc::new(witnesses) as _),
        version: env!("CARGO_PKG_VERSION"),
        policy: *checked.policy.digest(),
        on_fatal: Alarm::new(|error| {
            eprintln!(
                "lienthong: the record cannot be kept, ending: {}",
                chain(error)
            );
            std::process::abort();
        }),
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(evidence::retire(&log, deps, &arguments.half_year))?;
    println!(
        "{} is retired: its public log stays, and nothing opens it any more",
        arguments.half_year
    );
    Ok(exit::COMPLETE.into())
}
