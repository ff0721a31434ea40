//! `lienthong check-config`.

use std::process::ExitCode;
use std::sync::Arc;

use exchange::{Clock, SystemClock};

use crate::cli::Serve;
use crate::config::{Checked, Problems};
use crate::exit;

/// Says everything that is wrong with a configuration, or that nothing is.
pub(crate) fn run(arguments: &Serve) -> anyhow::Result<ExitCode> {
    // Clients want a runtime to be made in, though none connects.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let _entered = runtime.enter();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let path = arguments.path();
    match Checked::load(path, &clock) {
        Ok((config, checked)) => {
            let agencies: Vec<_> = checked
                .agencies
                .iter()
                .map(|a| a.guard.source().name())
                .collect();
            println!("{}: fine", path.display());
            println!(
                "  node {}, trust domain {}",
                config.node,
                config.trust_domain.as_str()
            );
            println!("  agencies: {}", agencies.join(", "));
            println!("  purposes: {}", checked.policy.purposes().len());
            Ok(exit::COMPLETE.into())
        }
        Err(problems) => {
            report(&problems);
            Ok(exit::FAILED.into())
        }
    }
}

fn report(problems: &Problems) {
    eprintln!("{problems}");
    let plural = if problems.len() == 1 { "" } else { "s" };
    eprintln!("{} problem{plural}", problems.len());
}
