//! How a gateway is: what it counts, what it holds, what it has recorded, how fast it answers others.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::{Ran, Rest, Sandbox};

/// What `/metrics` of a sandbox says.
#[derive(Clone, Debug)]
pub struct Metrics {
    operations: Rest,
}

impl Metrics {
    /// Those of a sandbox.
    pub fn of(sandbox: &Sandbox) -> Self {
        let operations = Rest::plain(sandbox.text("/operations"));
        Self { operations }
    }

    /// Those of a gateway whose operations listener is there.
    pub fn at(operations: &str) -> Self {
        let operations = Rest::plain(operations);
        Self { operations }
    }

    /// The sum of a counter over all series that have these labels, as they are written.
    pub async fn count(&self, name: &str, labels: &str) -> u64 {
        let text = self.operations.get("/metrics").await.unwrap().text;
        let lines = text.lines().filter(|line| line.contains(labels));
        let values = lines.filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let is_it = rest.starts_with(['{', ' ']);
            is_it.then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let sum = values.sum::<f64>() as u64;
        sum
    }

    /// Waits until a counter is above what it was.
    pub async fn grows(&self, name: &str, labels: &str, before: u64) -> u64 {
        let begun = Instant::now();
        loop {
            let count = self.count(name, labels).await;
            if count > before {
                return count;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{name}{{{labels}}} stays at {before}"
            );
            sleep(LOOK).await;
        }
    }
}

/// How many records of a kind a sandbox has made, such as `ACCESS` or `DENIED`.
pub fn records(sandbox: &Sandbox, kind: &str) -> u64 {
    recorded(&sandbox.verify(None), kind)
}

/// How many records of a kind `lienthong audit verify` has found.
pub fn recorded(verified: &Ran, kind: &str) -> u64 {
    let mut lines = verified.out.lines();
    let line = lines.find(|line| line.trim().starts_with(kind));
    line.and_then(|line| line.split_whitespace().last()?.parse().ok())
        .unwrap_or_default()
}

/// The memory of a sandbox's process, in KiB.
pub fn resident(sandbox: &Sandbox) -> u64 {
    resident_of(sandbox.pid())
}

/// The memory of a process, in KiB.
pub fn resident_of(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    let status = status.expect("it is alive");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let size = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    size.expect("its memory")
}

/// The time of a process's work so far.
pub fn cpu(sandbox: &Sandbox) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", sandbox.pid()));
    let stat = stat.expect("it is alive");
    // The name of the program may hold blanks; it ends with the last bracket.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10) // 100 ticks a second on every Linux
}

/// What another caller asks, over and over.
#[derive(Clone, Debug)]
enum Asks {
    /// For the catalogue, which no agency is asked for.
    Catalogue(Rest),
    /// About a citizen, at a source that nobody disturbs.
    Lookup(Rest, &'static str),
}

impl Asks {
    async fn once(&self) {
        match self {
            Self::Catalogue(rest) => {
                let answer = rest.get("/v1/fields").await.unwrap();
                assert_eq!(answer.status, 200, "another caller is not answered");
            }
            Self::Lookup(rest, mask) => {
                let answer = rest.lookup(NEIGHBOUR, "ONE_STOP_DESK", mask).await;
                assert_eq!(answer.status, 200, "another caller: {}", answer.text);
                let state = "SOURCE_STATE_OK";
                assert!(
                    answer.text.contains(state),
                    "another caller: {}",
                    answer.text
                );
            }
        }
    }

    /// What a machine with other work takes away at times.
    const fn noise(&self) -> Duration {
        match self {
            Self::Catalogue(_) => Duration::from_secs(1),
            Self::Lookup(..) => Duration::from_millis(100),
        }
    }
}

/// Another caller, who goes on asking until told to stop.
#[derive(Debug)]
struct Neighbour {
    stop: oneshot::Sender<()>,
    asking: JoinHandle<Vec<Duration>>,
}

impl Neighbour {
    /// Begins to ask.
    fn begin(asks: Asks) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let asking = tokio::spawn(async move {
            let mut took = Vec::new();
            while stopped.try_recv().is_err() {
                let begun = Instant::now();
                asks.once().await;
                took.push(begun.elapsed());
            }
            took
        });
        Self { stop, asking }
    }

    /// Stops; how often it was answered, and the time within which 99 of 100 answers came.
    async fn stop(self) -> (u64, Duration) {
        self.stop.send(()).ok();
        let mut took = self.asking.await.expect("another caller is answered");
        took.sort_unstable();
        let at = (took.len() * 99).div_ceil(100).saturating_sub(1);
        (took.len() as u64, took.get(at).copied().unwrap_or_default())
    }

    /// Asks for a while, when nothing else is done.
    async fn in_quiet(asks: Asks) -> (u64, Duration) {
        let quiet = Self::begin(asks);
        sleep(Duration::from_millis(500)).await;
        quiet.stop().await
    }
}

/// A gateway before something is done to it, to be looked at again after.
#[derive(Debug)]
pub struct Before {
    pid: u32,
    asks: Asks,
    resident: u64,
    asked: u64,
    quiet: Duration,
    neighbour: Neighbour,
}

impl Before {
    /// Looks at how a sandbox is, and has another caller ask from now on, for what needs no agency.
    pub async fn attack(sandbox: &Sandbox) -> Self {
        let asks = Asks::Catalogue(Rest::new(sandbox, "portal"));
        Self::of(sandbox.pid(), asks).await
    }

    /// Looks at how a gateway is, and has another caller ask from now on for fields of a source that
    /// stays undisturbed.
    pub async fn disturbed(pid: u32, rest: Rest, mask: &'static str) -> Self {
        Self::of(pid, Asks::Lookup(rest, mask)).await
    }

    async fn of(pid: u32, asks: Asks) -> Self {
        let (asked, quiet) = Neighbour::in_quiet(asks.clone()).await;
        Self {
            resident: resident_of(pid),
            asked,
            quiet,
            neighbour: Neighbour::begin(asks.clone()),
            pid,
            asks,
        }
    }

    /// Looks at what it has done: the process lives, has not grown by 32 MiB, and the other caller was
    /// answered within twice the time as before or after, or within what a busy machine takes away.
    /// How often the other caller has asked.
    pub async fn has_survived(self) -> u64 {
        let (during, loud) = self.neighbour.stop().await;
        let grown = resident_of(self.pid).saturating_sub(self.resident);
        assert!(grown < 32 << 10, "it has grown by {grown} KiB");
        let noise = self.asks.noise();
        let (after, quiet) = Neighbour::in_quiet(self.asks).await;
        // The slower of before and after: the machine may have got other work meanwhile.
        let quiet = quiet.max(self.quiet);
        let most = (quiet * 2).max(noise);
        assert!(
            loud < most,
            "another caller waits {loud:?}, and {quiet:?} in quiet"
        );
        self.asked + during + after
    }
}

/// Who a gateway is asked about by another caller.
const NEIGHBOUR: &str = "999099000001";
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
