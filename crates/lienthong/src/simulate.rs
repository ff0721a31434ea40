//! The simulated agencies: `lienthong sim`, and the sandbox's five.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use agencies::{ALL, Entry, Site};
use anyhow::{Context as _, bail};
use exchange::{Clock, Source, SystemClock};
use sim::{Handle, Knobs, Scenario, Stage, StageConfig, World};
use tokio::task::JoinHandle;

use crate::cli::{Played, Sim};
use crate::exit;
use crate::sandbox::{Ground, Listeners, Simulated, write_json};
use crate::stop::Stop;

/// How many questions a simulator's journal keeps.
const JOURNAL: usize = 10_000;

/// Simulators that run in this process.
#[derive(Debug, Default)]
pub(crate) struct Simulators {
    running: Vec<(&'static Entry, Handle)>,
    stanzas: toml::Table,
}

/// How simulators are to be started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// The seed of the citizens.
    pub(crate) seed: u64,
    /// How many rendered answers each keeps.
    pub(crate) prepared: usize,
    /// The address of the wire, for a single simulator; a free one otherwise.
    pub(crate) listen: Option<SocketAddr>,
    /// The address of the control listener, for a single simulator.
    pub(crate) control: Option<SocketAddr>,
}

/// Runs one simulated agency, or all, until stopped.
pub(crate) fn run(arguments: &Sim) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(simulate(arguments))?;
    Ok(exit::COMPLETE.into())
}

async fn simulate(arguments: &Sim) -> anyhow::Result<()> {
    let stop = Stop::listen()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entries: Vec<&'static Entry> = match arguments.agency.as_str() {
        "all" => ALL.iter().collect(),
        name => ALL
            .iter()
            .filter(|entry| entry.source.name() == name)
            .collect(),
    };
    if entries.is_empty() {
        let known: Vec<_> = ALL.iter().map(|entry| entry.source.name()).collect();
        bail!(
            "no agency {}; there are {}, and all",
            arguments.agency,
            known.join(", ")
        );
    }
    let ground = Ground::prepare(&arguments.dir, Arc::clone(&clock))?;
    let single = entries.len() == 1;
    let plan = Plan {
        seed: arguments.seed,
        prepared: arguments.prepared,
        listen: single.then_some(arguments.listen),
        control: single.then_some(arguments.control),
    };
    let scenario = scenario(&arguments.scenario)?;
    let simulators = Simulators::start(&ground, &entries, plan, &clock).await?;
    simulators.can_play(scenario.as_ref())?;
    let played = simulators.play(scenario);
    if !ground.config_file().exists() {
        ground.configure(&Listeners::any(), &simulators.stanzas)?;
    }
    let described = simulators.described();
    for (name, Simulated { url, control }) in &described {
        println!("{name} {url} control {control}");
    }
    write_json(&described, &ground.dir.join("sims.json"))?;
    stop.wait().await;
    played.inspect(JoinHandle::abort);
    simulators.stop().await;
    std::fs::remove_file(ground.dir.join("sims.json")).ok();
    Ok(())
}

impl Simulators {
    /// Starts simulators on the ground of a sandbox.
    pub(crate) async fn start(
        ground: &Ground,
        entries: &[&'static Entry],
        plan: Plan,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let world = Arc::new(World::new(plan.seed));
        let mut simulators = Self::default();
        for entry in entries {
            let name = entry.source.name();
            let site = Site {
                root: ground.dir.clone(),
                folder: PathBuf::from("agencies").join(name),
                authority: Arc::clone(&ground.authority),
                world: Arc::clone(&world),
                clock: Arc::clone(clock),
                prepared: plan.prepared,
            };
            std::fs::create_dir_all(site.file(""))?;
            let failed = || format!("the simulated {name} does not start");
            let mut stanza = (entry.simulator.provision)(&site).with_context(failed)?;
            let stage = bind(entry, plan, ground).await.with_context(failed)?;
            let url = (entry.simulator.url)(stage.address());
            let handle = (entry.simulator.start)(stage, &site).with_context(failed)?;
            stanza.insert("url".to_owned(), url.into());
            simulators.stanzas.insert(name.to_owned(), stanza.into());
            simulators.running.push((entry, handle));
        }
        Ok(simulators)
    }

    /// The stanzas `[agency.<name>]` of a gateway that asks these simulators.
    pub(crate) const fn stanzas(&self) -> &toml::Table {
        &self.stanzas
    }

    /// Where each is.
    pub(crate) fn described(&self) -> BTreeMap<String, Simulated> {
        let each = self.running.iter();
        each.map(|(entry, handle)| {
            let simulated = Simulated {
                url: (entry.simulator.url)(handle.address()),
                control: format!("http://{}", handle.control_address()),
            };
            (entry.source.name().to_owned(), simulated)
        })
        .collect()
    }

    /// Looks whether they can play a scenario, if there is one.
    ///
    /// # Errors
    /// A step that one of them cannot do.
    pub(crate) fn can_play(&self, scenario: Option<&Scenario>) -> anyhow::Result<()> {
        let fits = scenario.map_or(Ok(()), |scenario| scenario.fits(&self.knobs()));
        fits.context("the scenario")
    }

    /// Begins to play a scenario on them, if there is one.
    pub(crate) fn play(&self, scenario: Option<Scenario>) -> Option<JoinHandle<()>> {
        let (scenario, stage) = (scenario?, self.knobs());
        Some(tokio::spawn(async move { scenario.play(&stage).await }))
    }

    fn knobs(&self) -> Vec<(Source, Arc<Knobs>)> {
        let stage = self.running.iter();
        stage
            .map(|(entry, handle)| (entry.source, Arc::clone(handle.knobs())))
            .collect()
    }

    /// Stops them all.
    pub(crate) async fn stop(self) {
        for (_, handle) in self.running {
            handle.stop().await;
        }
    }
}

/// The scenario that is named, or that is in the file of that name.
pub(crate) fn scenario(played: &Played) -> anyhow::Result<Option<Scenario>> {
    let Some(name) = &played.scenario else {
        return Ok(None);
    };
    if let Some(known) = Scenario::built_in(name) {
        return Ok(Some(known));
    }
    let known: Vec<_> = Scenario::names().collect();
    let text = std::fs::read_to_string(name).with_context(|| {
        format!(
            "no scenario {name}; there are {}, and files",
            known.join(", ")
        )
    })?;
    let scenario = Scenario::parse(&text).with_context(|| name.clone())?;
    Ok(Some(scenario))
}

/// Binds where the plan says, else where the sandbox had the agency before, else anywhere.
async fn bind(entry: &Entry, plan: Plan, ground: &Ground) -> anyhow::Result<Stage> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = |listen| StageConfig {
        source: entry.source,
        listen,
        control: plan.control.unwrap_or(any),
        journal: if plan.prepared == 0 { JOURNAL } else { 0 },
    };
    if let Some(listen) = plan.listen {
        return Ok(Stage::bind(&config(listen)).await?);
    }
    if let Some(before) = port_before(entry, ground) {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, before));
        if let Ok(stage) = Stage::bind(&config(listen)).await {
            return Ok(stage);
        }
    }
    Ok(Stage::bind(&config(any)).await?)
}

fn port_before(entry: &Entry, ground: &Ground) -> Option<u16> {
    let table = ground.configured()?;
    let stanza = table.get("agency")?.get(entry.source.name())?;
    let url: url::Url = stanza.get("url")?.as_str()?.parse().ok()?;
    url.port()
}
