//! `lienthong sandbox`: a whole gateway on this machine, with five simulated agencies on their own
//! wires, and what to try in it.

mod description;
mod hints;
mod provision;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use agencies::ALL;
use anyhow::Context as _;
use edge::Handed;
use evidence::keys::PublicKeys;
use exchange::{Clock, SystemClock};
use tokio::task::JoinHandle;

use crate::cli;
use crate::config::Config;
use crate::serve::Gateway;
use crate::simulate::{Plan, Simulators};
use crate::stop::Stop;
use crate::{exit, lookup, simulate, telemetry};

pub(crate) use description::{Caller, Description, Log, Simulated, write_json};
pub(crate) use provision::{Ground, Listeners};

/// Runs a sandbox until it is told to end.
pub(crate) fn run(arguments: &cli::Sandbox) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(sandbox(arguments))?;
    Ok(exit::COMPLETE.into())
}

async fn sandbox(arguments: &cli::Sandbox) -> anyhow::Result<()> {
    let stop = Stop::listen()?;
    let scenario = simulate::scenario(&arguments.scenario)?;
    let _taken = Description::take(&arguments.dir)?;
    Description::remove(&arguments.dir)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ground = Ground::prepare(&arguments.dir, Arc::clone(&clock))?;
    let ground = ground.with_database(arguments.database.as_deref())?;
    let plan = Plan {
        seed: arguments.seed,
        prepared: 0,
        listen: None,
        control: None,
    };
    let entries: Vec<_> = ALL.iter().collect();
    let simulators = Simulators::start(&ground, &entries, plan, &clock).await?;
    simulators.can_play(scenario.as_ref())?;
    ground.configure(&Listeners::at(arguments.listen), simulators.stanzas())?;

    let config = Config::load(&ground.config_file()).context("the sandbox's configuration")?;
    let (origin, log_dir) = (config.evidence.origin.clone(), config.evidence.dir.clone());
    let telemetry = telemetry::start(&telemetry::Settings {
        node: config.node.clone(),
        clock: Arc::clone(&clock),
    })?;
    let file = ground.config_file();
    let mut gateway =
        Gateway::start(&file, config, &telemetry.metrics(), Handed::default()).await?;
    // Ports that were chosen freely are kept, so that `serve` finds the same gateway.
    ground.configure(&Listeners::of(&gateway), simulators.stanzas())?;
    gateway.watch().await?;

    let description = describe(&ground, &gateway, &simulators, &origin, &log_dir);
    if !arguments.quiet {
        println!("$ lienthong lookup {}\n", hints::FIRST);
        lookup::show_first(&ground.dir, &description, hints::FIRST).await?;
        hints::print(&arguments.dir, &description);
    }
    // Not before the first lookup, which shows a good day.
    let played = simulators.play(scenario);
    description.write(&ground.dir)?;
    let told = tokio::spawn(tell_keys(description.clone(), ground.dir.clone()));
    println!(
        "\nThe gateway is ready at {}. Stop it with Ctrl-C.",
        description.gateway
    );
    stop.wait().await;
    println!("stopping");
    played.inspect(JoinHandle::abort);
    told.abort();
    // Else it might write the description once more.
    told.await.ok();
    Description::remove(&ground.dir)?;
    gateway.stop().await?;
    simulators.stop().await;
    tokio::task::spawn_blocking(move || telemetry.stop()).await?;
    Ok(())
}

/// Keeps the description right when other keys sign the log.
async fn tell_keys(mut description: Description, dir: PathBuf) {
    let log = dir.join(&description.log.dir);
    let mut looks = tokio::time::interval(EVERY);
    loop {
        looks.tick().await;
        // What cannot be read is being replaced, or is read by those whom it concerns.
        let Ok(keys) = PublicKeys::read(&log) else {
            continue;
        };
        if description.log.tell(&keys)
            && let Err(error) = description.write(&dir)
        {
            tracing::error!(%error, "sandbox.json still names the keys of before");
        }
    }
}

/// How often it is looked whether other keys sign.
const EVERY: Duration = Duration::from_secs(1);

fn describe(
    ground: &Ground,
    gateway: &Gateway,
    simulators: &Simulators,
    origin: &str,
    log_dir: &Path,
) -> Description {
    let public = format!("http://{}", gateway.doors.public_address());
    let name = origin.split_once('/').map_or(origin, |(_, name)| name);
    let log_dir = log_dir.strip_prefix(&ground.dir).unwrap_or(log_dir);
    Description {
        gateway: format!("https://localhost:{}", gateway.doors.address().port()),
        operations: format!("http://{}", gateway.doors.operations_address()),
        ca: "pki/ca.pem".to_owned(),
        config: "lienthong.toml".to_owned(),
        callers: Ground::callers(),
        default_caller: "commune".to_owned(),
        agencies: simulators.described(),
        log: Log {
            origin: origin.to_owned(),
            dir: log_dir.display().to_string(),
            vkey: gateway.keys.log.clone(),
            receipt_vkey: gateway.keys.receipt.clone(),
            url: format!("{public}/{name}"),
        },
        public,
        pid: std::process::id(),
    }
}

impl Listeners {
    /// The agencies' listener at an address, the others on free ports of this machine.
    fn at(agencies: SocketAddr) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            agencies,
            public: any,
            operations: any,
        }
    }

    /// Free ports on this machine.
    pub(crate) fn any() -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// Where a gateway listens.
    const fn of(gateway: &Gateway) -> Self {
        Self {
            agencies: gateway.doors.address(),
            public: gateway.doors.public_address(),
            operations: gateway.doors.operations_address(),
        }
    }
}
