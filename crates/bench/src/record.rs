//! `bench record`: the record alone, at a fixed rate: how long an exchange waits for its receipt,
//! what CPU it takes and what it writes.
//!
//! Everything on that a gateway has on; agencies are a timer. The load runs in the same process, so
//! its own CPU is part of what is measured.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use evidence::{Alarm, Attempt, Config, Deps, Evidence, NoObserver, Outcome, SourceOutcome, keys};
use exchange::{
    AgencyCode, Caller, Clock as _, Criticality, FieldSet, Identifier, IdentifierKind, MatchHints,
    OfficerId, PurposeCode, Request, RequestId, Source, SourceSet, SourceState, Subject,
    SystemClock, SystemId,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::latency::Latencies;
use crate::pace::{Pace, STEP};
use crate::process;

/// Arguments of `record`.
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// The directory on the disk; the log is made below it, and removed again.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// How many exchanges a second.
    #[arg(long, default_value_t = 5_000.0)]
    pub(crate) rate: f64,
    /// How long, in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// How long the agencies take, in microseconds.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) agencies_us: u64,
    /// How long commits are gathered at most, in milliseconds; as a gateway does if left out.
    #[arg(long)]
    pub(crate) gather_ms: Option<u64>,
}

impl Record {
    /// Records; returns JSON.
    ///
    /// # Errors
    /// The disk cannot be written, or does not keep up.
    pub(crate) async fn run(&self) -> anyhow::Result<String> {
        ensure!(self.rate > 0.0, "a rate is more than nothing");
        let dir = self.dir.join("record.probe");
        if dir.exists() {
            std::fs::remove_dir_all(&dir).with_context(|| dir.display().to_string())?;
        }
        let report = self.measure(&dir).await;
        // Also after an error: it is as large as all that was written.
        std::fs::remove_dir_all(&dir).with_context(|| dir.display().to_string())?;
        report
    }

    async fn measure(&self, dir: &std::path::Path) -> anyhow::Result<String> {
        let mut config = Config::new(dir.join("log"), "bench.example/record", "bench");
        config.gather_ms = self.gather_ms.unwrap_or(config.gather_ms);
        let deps = Deps {
            keys: keys::create_if_missing(&config)?,
            clock: Arc::new(SystemClock),
            observer: Arc::new(NoObserver),
            witnesses: None,
            version: env!("CARGO_PKG_VERSION"),
            policy: [7; 32],
            on_fatal: Alarm::new(|error| eprintln!("{error}")),
        };
        let (evidence, handle) = Evidence::start(config, deps)?;
        let desk = Arc::new(Desk::new(
            evidence,
            Duration::from_micros(self.agencies_us),
        )?);
        let waits = Arc::new(Mutex::new(Latencies::default()));
        let own = std::process::id();
        let (cpu, written) = (process::cpu_time(own)?, process::written_bytes(own)?);
        let machine = process::CoreTime::now()?;
        let (mut pace, begun) = (Pace::new(self.rate), Instant::now());
        let mut open = JoinSet::new();
        while begun.elapsed().as_secs_f64() < self.seconds {
            for _ in 0..pace.due() {
                open.spawn(Arc::clone(&desk).exchange(Arc::clone(&waits)));
            }
            sleep(STEP).await;
            while let Some(outcome) = open.try_join_next() {
                outcome??;
            }
        }
        while let Some(outcome) = open.join_next().await {
            outcome??;
        }
        let took = begun.elapsed();
        let stolen = process::CoreTime::now()?.stolen_since(&machine);
        let cpu = process::cpu_time(own)?.saturating_sub(cpu);
        let written = process::written_bytes(own)? - written;
        handle.close().await?;
        let waits = std::mem::take(&mut *waits.lock().unwrap_or_else(|it| it.into_inner()));
        let count = waits.len();
        ensure!(count > 0, "no time for a single exchange");
        Ok(serde_json::json!({
            "exchanges": count,
            "per_second": count as f64 / took.as_secs_f64(),
            "stolen": stolen,
            "wait_us": waits.quantiles(),
            "cpu_us": cpu.as_secs_f64() * 1e6 / count as f64,
            "written_bytes": written / count as u64,
        })
        .to_string())
    }
}

/// One question, asked again and again.
struct Desk {
    evidence: Evidence,
    agencies: Duration,
    caller: Caller,
    request: Request,
    sources: [SourceOutcome; 1],
}

impl Desk {
    fn new(evidence: Evidence, agencies: Duration) -> anyhow::Result<Self> {
        let subject = Subject {
            identifier: Identifier::parse(IdentifierKind::Personal, "999099000001", 2026)
                .map_err(|_| anyhow::anyhow!("no identifier"))?,
            hints: MatchHints::default(),
        };
        let mask = FieldSet::of(Source::Tax);
        Ok(Self {
            evidence,
            agencies,
            caller: Caller::new(
                AgencyCode::parse("G18").context("no agency")?,
                SystemId::parse("tax-web").context("no system")?,
                &"ab".repeat(32),
            ),
            request: Request {
                context: exchange::CallContext {
                    id: RequestId::parse("0190163d-8694-739b-aea5-966c26f8ad91")
                        .context("no id")?,
                    purpose: PurposeCode::parse("TAX_REG")?,
                    agreement: None,
                    procedure: None,
                    dossier: None,
                    officer: Some(OfficerId::parse("CB-0417")?),
                    consent: None,
                    criticality: Criticality::BackOffice,
                    reason: None,
                },
                subject,
                mask,
                required: SourceSet::EMPTY,
                dry_run: false,
            },
            sources: [SourceOutcome {
                source: Source::Tax,
                state: SourceState::Ok,
                released: mask,
                masked: FieldSet::EMPTY,
                as_of: Some(SystemClock.now()),
                record: Some([9; 32]),
            }],
        })
    }

    async fn exchange(self: Arc<Self>, waits: Arc<Mutex<Latencies>>) -> anyhow::Result<()> {
        let open = self.evidence.open(&Attempt {
            caller: &self.caller,
            request: &self.request,
            criticality: self.request.criticality,
            visibility: exchange::Visibility::Citizen,
            flags: exchange::FlagSet::NONE,
            repeats: None,
            agreement: "A-113",
            policy: &[7; 32],
        });
        let open = open.map_err(|fault| anyhow::anyhow!("{fault:?}"))?;
        sleep(self.agencies).await;
        let outcome = Outcome {
            sources: &self.sources,
            failure: None,
            ..Outcome::default()
        };
        let since = Instant::now();
        let receipt = self.evidence.seal(open, &outcome).await;
        receipt.map_err(|fault| anyhow::anyhow!("{fault:?}"))?;
        waits
            .lock()
            .unwrap_or_else(|it| it.into_inner())
            .add(since.elapsed());
        Ok(())
    }
}
