//! The gateway of a configuration: wired, run, drained.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use adapter::dossier::Register;
use adapter::guard::{Guard, Guarded};
use admission::{Admission, Consents, Policy};
use anyhow::Context as _;
use edge::{Edge, Handed, Readiness, Recheck, Record};
use evidence::{
    Alarm, BatchStore, DossierStore, Evidence, RequestIdDeps, RequestIds, Shelf, SwitchStore, keys,
};
use exchange::{Clock, SystemClock};
use gate::{Batches, Gate, Switches, Synthetic};
use tokio::task::JoinHandle;

use crate::administration::{Administrator, Seen};
use crate::allocator;
use crate::batches;
use crate::cli::Serve;
use crate::config::{Checked, Config, chain};
use crate::dossiers::{self, Dossiers};
use crate::exit;
use crate::handed;
use crate::metrics::Metrics;
use crate::reload;
use crate::sharing::{self, Shared};
use crate::stop::Stop;
use crate::telemetry;

/// A gateway that runs in this process.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// The doors.
    pub(crate) doors: edge::Running,
    log: evidence::Handle,
    /// The request ids that were used.
    request_ids: RequestIds,
    /// What operators have done.
    administrator: Arc<Administrator>,
    /// The batch jobs that it runs.
    batches: batches::Run,
    /// What questions have left under way.
    dossiers: dossiers::Watch,
    watches: Vec<JoinHandle<()>>,
    sharing: Option<JoinHandle<()>>,
    /// The public keys of the log.
    pub(crate) keys: PublicKeys,
}

/// The names of the log's public keys, as verifiers take them.
#[derive(Clone, Debug)]
pub(crate) struct PublicKeys {
    /// Of checkpoints.
    pub(crate) log: String,
    /// Of receipts.
    pub(crate) receipt: String,
}

/// Runs the gateway of a configuration file until it is told to end.
pub(crate) fn run(arguments: &Serve) -> anyhow::Result<ExitCode> {
    let path = arguments.path();
    let config = Config::load(path).context("the configuration is refused")?;
    // What comes through a pipe cannot be read again.
    if config.edge.limits.memory_bytes.is_some() && path.is_file() {
        allocator::give_back().context("the program, to give memory back")?;
    }
    let handed = handed::take().context("the sockets that were handed over")?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(path, config, handed))?;
    Ok(exit::COMPLETE.into())
}

async fn serve(path: &Path, config: Config, handed: Handed) -> anyhow::Result<()> {
    let stop = Stop::listen()?;
    let telemetry = telemetry::start(&telemetry::Settings {
        node: config.node.clone(),
        clock: Arc::new(SystemClock),
    })?;
    let mut gateway = Gateway::start(path, config, &telemetry.metrics(), handed).await?;
    gateway.watch().await?;
    println!("ready https://localhost:{}", gateway.doors.address().port());
    stop.wait().await;
    gateway.stop().await?;
    tokio::task::spawn_blocking(move || telemetry.stop()).await?;
    Ok(())
}

impl Gateway {
    /// Opens the log, then the doors of a configuration that was read from that file.
    pub(crate) async fn start(
        path: &Path,
        config: Config,
        metrics: &Arc<Metrics>,
        handed: Handed,
    ) -> anyhow::Result<Self> {
        let (clock, manner): (Arc<dyn Clock>, _) = (Arc::new(SystemClock), Manner::of(&config));
        let mut checked = Checked::new(&config, &clock).context("the configuration is refused")?;
        let (readiness, shelf) = (Readiness::new(), Shelf::new(&config.evidence));
        let store = SwitchStore::new(&config.evidence);
        // Before the log is opened: a start that fails for an address in use leaves no record.
        let handed = handed.complete(&config.edge).await?;
        let (evidence, log, keys) = record(&config, &mut checked, &clock, metrics, &readiness)?;
        let guards = tell(metrics, &checked);
        let request_ids = request_ids(&config, &clock, metrics).await?;
        let dossiers = dossiers(checked.dossiers, &config, &evidence, &clock, metrics).await?;
        let (tls, consents) = (Arc::new(checked.tls), consents(config.consents.as_deref())?);
        let admission = admission(checked.policy, &clock, checked.shared.as_ref())
            .with_thresholds(config.thresholds)
            .with_consents(Arc::clone(&consents));
        let parts = reload::Parts {
            admission: Arc::new(admission),
            canaries: Arc::new(checked.canaries),
            protected: Arc::new(checked.protected),
            tls: Arc::clone(&tls),
            evidence,
            metrics: Arc::clone(metrics),
            clock: Arc::clone(&clock),
            recheck: Recheck::default(),
        };
        let sharing = share(checked.shared, &parts);
        let (switches, recheck) = (Arc::new(Switches::default()), parts.recheck.clone());
        let sweep = (checked.agencies.clone(), Arc::clone(&switches));
        let seen = Seen::new(consents, guards, &dossiers);
        let gate = Arc::new(gate(&parts, &switches, checked.agencies, &shelf, manner));
        let batches = jobs(&gate, &config, &clock);
        let opening = Administrator::open(path, parts, store, switches, seen);
        let administrator = opening.await.context("what operators have stopped")?;
        let deps = edge::Deps {
            gate,
            batches: Arc::clone(&batches),
            tls,
            trust_domain: config.trust_domain,
            clock,
            observer: Arc::clone(metrics) as _,
            readiness,
            log: shelf,
            request_ids: request_ids.clone(),
            metrics: rendered(metrics),
            administration: Arc::clone(&administrator) as _,
            recheck,
            handed,
        };
        let doors = Edge::start(config.edge, deps).await?;
        Ok(Self {
            dossiers: dossiers.watch(sweep),
            batches: batches::Run::begin(batches, doors.room()),
            doors,
            log,
            request_ids,
            keys,
            administrator,
            watches: Vec::new(),
            sharing,
        })
    }

    /// Looks after the files from now on: the configuration as it is now is the one in force, until a
    /// SIGHUP has it read again.
    pub(crate) async fn watch(&mut self) -> anyhow::Result<()> {
        let watching = self.administrator.watch().await;
        self.watches = watching.context("the configuration")?.into();
        self.watches.push(self.administrator.at_hangup()?);
        Ok(())
    }

    /// Takes no more calls, lets those in progress finish, and closes the log.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        for watch in self.watches {
            watch.abort();
        }
        tokio::join!(self.doors.drain(edge::Running::GRACE), self.batches.stop());
        if let Some(sharing) = self.sharing {
            sharing.abort();
        }
        self.dossiers.stop().await;
        let request_ids = self.request_ids;
        tokio::task::spawn_blocking(move || request_ids.close()).await?;
        self.log.close().await.context("the log does not close")
    }
}

/// The request ids that were used, as the last run has left them.
async fn request_ids(
    config: &Config,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<RequestIds> {
    let limits = &config.edge.limits;
    let deps = RequestIdDeps {
        kept: limits.request_id(),
        lasts: limits.question(),
        clock: Arc::clone(clock),
        observer: Arc::clone(metrics) as _,
    };
    let log = config.evidence.clone();
    let opening = tokio::task::spawn_blocking(move || RequestIds::open(&log, deps));
    opening.await?.context("the request ids that were used")
}

/// What questions have left under way, as the last run has left it.
async fn dossiers(
    register: Arc<Register>,
    config: &Config,
    evidence: &Evidence,
    clock: &Arc<dyn Clock>,
    metrics: &Metrics,
) -> anyhow::Result<Arc<Dossiers>> {
    metrics.dossiers(&register);
    let (store, clock) = (DossierStore::new(&config.evidence), Arc::clone(clock));
    let opening = Dossiers::open(register, store, evidence.clone(), clock);
    opening.await.context("the dossiers that were under way")
}

/// The batch jobs of this gate.
fn jobs(gate: &Arc<Gate>, config: &Config, clock: &Arc<dyn Clock>) -> Arc<Batches> {
    let store = BatchStore::new(&config.evidence, Arc::clone(clock));
    Batches::new(Arc::clone(gate), store)
}

/// Has the metrics show what is in force; the guards of the agencies.
fn tell(metrics: &Metrics, checked: &Checked) -> Arc<[Arc<Guard>]> {
    metrics.certificates(&checked.tls.lifetimes());
    metrics.policy(checked.policy.digest());
    let guards = checked.agencies.iter().map(|it| Arc::clone(&it.guard));
    let guards = guards.collect();
    metrics.guards(&guards);
    guards
}

/// What a scrape of the metrics is answered with.
fn rendered(metrics: &Arc<Metrics>) -> Arc<dyn Fn() -> String + Send + Sync> {
    let metrics = Arc::clone(metrics);
    Arc::new(move || metrics.render())
}

/// The registry of consents, if there is one.
fn consents(file: Option<&Path>) -> anyhow::Result<Arc<Consents>> {
    let opened = file.map(Consents::open).transpose();
    let opened = opened.context("the registry of consents")?;
    Ok(Arc::new(opened.unwrap_or_else(Consents::none)))
}

/// Who may ask what, and how often: of this node alone, or of several.
fn admission(policy: Policy, clock: &Arc<dyn Clock>, shared: Option<&Shared>) -> Admission {
    let clock = Arc::clone(clock);
    match shared {
        Some(shared) => Admission::shared(policy, clock, shared.sharing.clone()),
        None => Admission::new(policy, clock),
    }
}

/// Begins to share quotas with the other nodes, if there are some.
fn share(shared: Option<Shared>, parts: &reload::Parts) -> Option<JoinHandle<()>> {
    let (shared, leases) = shared.zip(parts.admission.leases())?;
    let metrics = Arc::clone(&parts.metrics);
    Some(tokio::spawn(sharing::share(shared, leases, metrics)))
}

/// The gate, which shares with the reloads what they replace.
fn gate(
    parts: &reload::Parts,
    switches: &Arc<Switches>,
    agencies: Vec<Guarded>,
    log: &Shelf,
    manner: Manner,
) -> Gate {
    Gate::new(gate::Deps {
        admission: Arc::clone(&parts.admission),
        records: Arc::new(parts.evidence.clone()),
        evidence: parts.evidence.clone(),
        log: log.clone(),
        agencies,
        clock: Arc::clone(&parts.clock),
        observer: Arc::clone(&parts.metrics) as _,
        canaries: Arc::clone(&parts.canaries),
        protected: Arc::clone(&parts.protected),
        switches: Arc::clone(switches),
        synthetic: manner.synthetic,
        verification_step: manner.verification_step,
        verdicts_kept: manner.verdicts_kept,
    })
}

/// What the configuration says of how the gate answers.
#[derive(Clone, Copy, Debug)]
struct Manner {
    synthetic: Synthetic,
    verification_step: Duration,
    verdicts_kept: Duration,
}

impl Manner {
    fn of(config: &Config) -> Self {
        Self {
            synthetic: if config.is_sandbox() {
                Synthetic::Served
            } else {
                Synthetic::Refused
            },
            verification_step: config.verification_step,
            verdicts_kept: config.verdicts_kept,
        }
    }
}

/// Opens the log. When it can no longer be written, nothing more is answered and the process ends.
fn record(
    config: &Config,
    checked: &mut Checked,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
    readiness: &Readiness,
) -> anyhow::Result<(Evidence, evidence::Handle, PublicKeys)> {
    let config = config.evidence.clone();
    let newest = config.at_start(&**clock).context("the log")?;
    let keys = keys::create_if_missing(&newest).context("the keys of the log")?;
    let public = PublicKeys {
        log: keys.log().to_string(),
        receipt: keys.receipt().to_string(),
    };
    metrics.readiness(readiness.clone());
    let readiness = readiness.clone();
    let deps = evidence::Deps {
        keys,
        clock: Arc::clone(clock),
        observer: Arc::clone(metrics) as _,
        witnesses: checked.witnesses.take().map(|it| Arc::new(it) as _),
        version: env!("CARGO_PKG_VERSION"),
        policy: *checked.policy.digest(),
        on_fatal: Alarm::new(move |error| {
            readiness.record(Record::Unwritable);
            let error = chain(error);
            eprintln!("lienthong: the record cannot be kept, ending: {error}");
            std::process::abort();
        }),
    };
    let (evidence, handle) = Evidence::start(config, deps).context("the log does not open")?;
    Ok((evidence, handle, public))
}
