//! Where the bench takes place: release binaries, a sandbox, simulators, a sink for spans.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize as _;
use serde_json::Value;

use super::cores::{self, Cores};
use super::handshake::{HandshakeReport, Shaken};
use super::measured::{Admissions, Guards, Quantiles, Report};
use super::record::{Alone, RecordReport};
use super::running::{Running, pinned, run};
use super::under_test::{Server, Sources};
use crate::process;

/// A sandbox whose simulators run, without a gateway.
pub(super) struct Site {
    bench: PathBuf,
    lienthong: PathBuf,
    cores: Cores,
    dir: PathBuf,
    logs: PathBuf,
    seconds: u32,
    spans: String,
    metrics: String,
    // Dropped in this order.
    simulators: Running,
    sink: Running,
}

impl Site {
    /// Builds what is measured, and starts what it needs.
    pub(super) fn prepare(root: &Path, seconds: u32) -> Result<Self> {
        println!("==> build");
        let build = ["build", "--release", "-p", "lienthong", "-p", "bench"];
        process::run(&mut process::cargo(root, &build))?;
        let target = target(root)?;
        let release = target.join("release");
        let (bench, lienthong) = (release.join("bench"), release.join("lienthong"));
        let ground = target.join("bench");
        if ground.exists() {
            std::fs::remove_dir_all(&ground)?;
        }
        let (dir, logs) = (ground.join("sandbox"), ground.join("logs"));
        std::fs::create_dir_all(&dir)?;
        std::fs::create_dir_all(&logs)?;
        let cores = Cores::find()?;
        cores.leave_the_server_alone()?;
        println!("==> simulators and sink");
        let mut sink = pinned(&bench, &cores.others, &bench);
        let mut sink = Running::start("sink", sink.arg("sink"), &logs)?;
        let spans = sink.ready()?;
        let simulators = simulators(pinned(&bench, &cores.others, &lienthong), &dir, &logs)?;
        std::fs::write(dir.join("agreements.toml"), AGREEMENTS)?;
        let metrics = metrics_at_a_known_port(&dir.join("lienthong.toml"))?;
        Ok(Self {
            bench,
            lienthong,
            cores,
            dir,
            logs,
            seconds,
            spans,
            metrics,
            simulators,
            sink,
        })
    }

    /// On what is measured, and what disturbs it.
    pub(super) fn circumstances(&self) -> String {
        let busy = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let busy = busy.split(' ').next().unwrap_or_default();
        let shared = if self.cores.shared() {
            "; ONE CORE FOR ALL: the load disturbs the server"
        } else {
            ""
        };
        format!(
            "server on core {}, all else on {}; load of the machine {busy}{shared}",
            cores::list(&self.cores.server),
            cores::list(&self.cores.others),
        )
    }

    /// Starts a server alone on its core, loads it until it can take no more, and ends it.
    pub(super) fn closed(
        &self,
        server: Server,
        sources: Sources,
        concurrency: u32,
    ) -> Result<Report> {
        let concurrency = ["--concurrency".to_owned(), concurrency.to_string()];
        self.load(server, sources, concurrency)
    }

    /// Starts a server alone on its core, asks it at a fixed rate, and ends it.
    pub(super) fn open(&self, server: Server, sources: Sources, rate: f64) -> Result<Report> {
        let rate = ["--rate".to_owned(), rate.to_string()];
        self.load(server, sources, rate)
    }

    /// How long the disk of the log takes to make a batch durable, while nothing else runs.
    pub(super) fn disk(&self) -> Result<Quantiles> {
        let mut command = pinned(&self.bench, &self.cores.server, &self.bench);
        command.arg("disk").arg("--dir").arg(&self.dir);
        let seconds = ["--seconds".to_owned(), self.seconds.to_string()];
        let printed = run("disk", &mut command, seconds, &self.logs)?;
        let printed: Value = serde_json::from_str(&printed)?;
        let sync = printed.get("sync_us").context("the disk has no times")?;
        Ok(Quantiles::deserialize(sync)?)
    }

    /// The record alone at that rate, on the server's core, and the disk just after.
    pub(super) fn record(&self, rate: u32) -> Result<Alone> {
        let mut command = pinned(&self.bench, &self.cores.server, &self.bench);
        command.arg("record").arg("--dir").arg(&self.dir);
        command.args(["--rate", &rate.to_string()]);
        let seconds = ["--seconds".to_owned(), self.seconds.to_string()];
        let printed = run("record", &mut command, seconds, &self.logs)?;
        Ok(Alone {
            rate,
            report: RecordReport::read(&printed)?,
            sync: self.disk()?,
        })
    }

    /// Starts a gateway alone on its core, opens connections to it as fast as it takes them, and ends
    /// it.
    pub(super) fn handshakes(&self, (name, exchange): (&str, &'static str)) -> Result<Shaken> {
        let mut command = self.server(Server::Gateway);
        self.telemetry(&mut command);
        let mut running = Running::start("server", &mut command, &self.logs)?;
        let (url, pid) = (running.ready()?, running.pid().to_string());
        let mut command = pinned(&self.bench, &self.cores.others, &self.bench);
        command.arg("handshakes").arg("--dir").arg(&self.dir);
        command.args(["--url", &url, "--pid", &pid, "--exchange", name]);
        let seconds = ["--seconds".to_owned(), self.seconds.to_string()];
        let printed = run("handshakes", &mut command, seconds, &self.logs)?;
        running.end()?;
        Ok(Shaken {
            exchange,
            report: HandshakeReport::read(&printed)?,
        })
    }

    /// What admission costs on the core of the server.
    pub(super) fn admission(&self) -> Result<Admissions> {
        let mut command = pinned(&self.bench, &self.cores.server, &self.bench);
        let printed = run("admission", command.arg("admission"), [""; 0], &self.logs)?;
        serde_json::from_str(&printed).context("admission says nothing sensible")
    }

    /// What the guard of a source adds to a call on the core of the server.
    pub(super) fn guard(&self) -> Result<Guards> {
        let mut command = pinned(&self.bench, &self.cores.server, &self.bench);
        let printed = run("guard", command.arg("guard"), [""; 0], &self.logs)?;
        serde_json::from_str(&printed).context("guard says nothing sensible")
    }

    /// How long a gateway takes to its first answer, in milliseconds.
    pub(super) fn startup(&self, sources: Sources) -> Result<f64> {
        let mut command = pinned(&self.bench, &self.cores.others, &self.bench);
        command.arg("startup").arg("--dir").arg(&self.dir);
        command.args(["--sources", sources.argument(), "--"]);
        let server = self.server(Server::Gateway);
        command.arg(server.get_program()).args(server.get_args());
        self.telemetry(&mut command);
        let printed = run("startup", &mut command, [""; 0], &self.logs)?;
        let printed: Value = serde_json::from_str(&printed)?;
        printed
            .get("ms")
            .and_then(Value::as_f64)
            .context("the start-up has no time")
    }

    /// Ends everything; how many spans came.
    pub(super) fn end(self) -> Result<u64> {
        self.simulators.end()?;
        let printed = self.sink.end()?;
        let spans = printed.lines().find_map(|line| line.strip_prefix("spans "));
        Ok(spans
            .context("the sink does not say how many spans came")?
            .parse()?)
    }

    fn load(&self, server: Server, sources: Sources, how: [String; 2]) -> Result<Report> {
        let mut command = self.server(server);
        self.telemetry(&mut command);
        let mut running = Running::start("server", &mut command, &self.logs)?;
        let url = running.ready()?;
        let mut command = pinned(&self.bench, &self.cores.others, &self.bench);
        command.arg("load").arg("--dir").arg(&self.dir);
        let (pid, seconds) = (running.pid().to_string(), self.seconds.to_string());
        let sources = sources.argument();
        command.args([
            "--url",
            &url,
            "--pid",
            &pid,
            "--sources",
            sources,
            "--seconds",
            &seconds,
        ]);
        if server == Server::Gateway {
            command.args(["--metrics", &self.metrics]);
        }
        let printed = run("load", &mut command, how, &self.logs)?;
        let printed = Report::read(&printed)?;
        running.end()?;
        Ok(printed)
    }

    fn server(&self, server: Server) -> Command {
        let program = match server {
            Server::Passthrough => &self.bench,
            Server::Gateway => &self.lienthong,
        };
        let mut command = pinned(&self.bench, &self.cores.server, program);
        match server {
            Server::Passthrough => command.arg("passthrough").arg("--dir").arg(&self.dir),
            Server::Gateway => {
                let config = self.dir.join("lienthong.toml");
                command.arg("serve").arg("--config").arg(config)
            }
        };
        command
    }

    /// Spans are made and exported, one trace in a hundred.
    fn telemetry(&self, command: &mut Command) {
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &self.spans)
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
            .env("OTEL_METRICS_EXPORTER", "none")
            .env("OTEL_LOGS_EXPORTER", "none")
            .env("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
            .env("OTEL_TRACES_SAMPLER_ARG", "0.01");
    }
}

fn simulators(mut command: Command, dir: &Path, logs: &Path) -> Result<Running> {
    command
        .args(["sim", "all", "--prepared", PREPARED])
        .arg("--dir")
        .arg(dir);
    let mut simulators = Running::start("simulators", &mut command, logs)?;
    simulators.wait_for_file(&dir.join("sims.json"))?;
    Ok(simulators)
}

/// Has the operations listener of a gateway at a port that is free now; where its metrics are then.
fn metrics_at_a_known_port(config: &Path) -> Result<String> {
    let mut settings: toml::Table = toml::from_str(&std::fs::read_to_string(config)?)?;
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let edge = settings.get_mut("edge").and_then(toml::Value::as_table_mut);
    let edge = edge.context("the configuration has no [edge]")?;
    edge.insert("operations".to_owned(), free.to_string().into());
    std::fs::write(config, toml::to_string(&settings)?)?;
    Ok(format!("http://{free}/metrics"))
}

/// Where cargo builds.
fn target(root: &Path) -> Result<PathBuf> {
    let metadata = ["metadata", "--no-deps", "--format-version", "1"];
    let metadata = process::output(&mut process::cargo(root, &metadata))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let target = metadata.get("target_directory").and_then(Value::as_str);
    Ok(PathBuf::from(
        target.context("cargo names no target directory")?,
    ))
}

/// How many answers each simulator keeps: a thousand citizens, two masks, and twice that, as half
/// of what is kept goes at a time.
const PREPARED: &str = "4096";

const AGREEMENTS: &str = include_str!("agreements.toml");
