//! `bench startup`: how long a server takes from its start to its first good answer.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use rustls::ClientConfig;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use url::Url;

use crate::connection;
use crate::load::answers;
use crate::question::{Questions, Sources};
use crate::sandbox::Sandbox;

/// Arguments of `startup`.
#[derive(Debug, Args)]
pub(crate) struct Startup {
    /// The directory of the sandbox.
    #[arg(long)]
    dir: PathBuf,
    /// Which sources the first answer is to come from.
    #[arg(long, value_enum)]
    sources: Sources,
    /// The server and its arguments; it prints `ready URL` when it accepts.
    #[arg(last = true, required = true)]
    program: Vec<OsString>,
}

impl Startup {
    /// Starts it, asks until it answers, ends it; returns JSON.
    ///
    /// # Errors
    /// It does not start, or gives no good answer.
    pub(crate) async fn run(&self) -> anyhow::Result<String> {
        let tls = Sandbox::new(&self.dir).caller()?;
        let questions = Questions::new(self.sources);
        let (program, arguments) = self.program.split_first().context("no program")?;
        let begun = Instant::now();
        let mut server = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| program.display().to_string())?;
        let deadline = begun + PATIENCE;
        let answered = first_answer(&mut server, &tls, &questions, deadline).await;
        let elapsed = begun.elapsed();
        end(&mut server).await?;
        answered?;
        Ok(serde_json::json!({ "ms": elapsed.as_secs_f64() * 1e3 }).to_string())
    }
}

/// Asks again and again until there is a good answer, or time is up.
async fn first_answer(
    server: &mut Child,
    tls: &Arc<ClientConfig>,
    questions: &Questions,
    deadline: Instant,
) -> anyhow::Result<()> {
    let url = timeout_at(deadline, ready(server))
        .await
        .context("not ready in time")??;
    loop {
        let tried = timeout_at(deadline, attempt(&url, tls, questions)).await;
        match tried.context("no answer in time")? {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > deadline => {
                return Err(error).context("no good answer in time");
            }
            Err(_) => sleep(STEP).await,
        }
    }
}

async fn attempt(url: &Url, tls: &Arc<ClientConfig>, questions: &Questions) -> anyhow::Result<()> {
    let mut client = connection::open(url, tls).await?;
    answers(&mut client, questions).await
}

/// Waits until the server says where it is.
async fn ready(server: &mut Child) -> anyhow::Result<Url> {
    let out = server.stdout.take().context("no output")?;
    let mut lines = BufReader::new(out).lines();
    while let Some(line) = lines.next_line().await? {
        let Some(url) = line.strip_prefix("ready ") else {
            continue;
        };
        let url = url.parse()?;
        // What it prints from here on is of no interest, but must not fill the pipe.
        drop(tokio::spawn(async move {
            while let Ok(Some(_)) = lines.next_line().await {}
        }));
        return Ok(url);
    }
    bail!("the server ended before it was ready")
}

/// Tells it to end, and waits.
async fn end(server: &mut Child) -> anyhow::Result<()> {
    let pid = server
        .id()
        .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    if let Some(pid) = pid {
        kill_process(pid, Signal::TERM)?;
    }
    if timeout(PATIENCE, server.wait()).await.is_err() {
        server.kill().await?;
    }
    Ok(())
}

/// How long a failed try waits for the next.
const STEP: Duration = Duration::from_millis(2);

/// How long a server may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(30);
