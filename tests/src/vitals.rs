//! How a gateway is: what it counts, what it holds, what it has recorded, how fast it answers others.

use std::time::Duration;

use exchange::Source;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::{Ran, Rest, Sandbox, field_of, question};

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
pub fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
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
    Catalogue,
    /// About a citizen, at sources that nobody disturbs.
    Lookup(String),
}

impl Asks {
    /// For a field of every source that is not disturbed.
    fn all_but(disturbed: &[Source]) -> Self {
        let sources = Source::ALL.into_iter();
        let quiet = sources.filter(|source| !disturbed.contains(source));
        let mask: Vec<&str> = quiet.map(field_of).collect();
        match mask.is_empty() {
            true => Self::Catalogue,
            false => Self::Lookup(mask.join(",")),
        }
    }

    /// Asks once; how long that took.
    async fn put(&self, rest: &Rest) -> Duration {
        let begun = Instant::now();
        match self {
            Self::Catalogue => {
                let answer = rest.get("/v1/fields").await.unwrap();
                assert_eq!(answer.status, 200, "another caller is not answered");
            }
            Self::Lookup(mask) => {
                let question = question(NEIGHBOUR, "ONE_STOP_DESK", mask).to_string();
                let patient = [("prefer", "wait=15")];
                let answer = rest.post("/v1/citizens:lookup", question, &patient).await;
                let answer = answer.unwrap();
                let answered = answer.text.matches("SOURCE_STATE_OK").count();
                let asked = mask.split(',').count();
                assert_eq!(answered, asked, "another caller: {}", answer.text);
            }
        }
        begun.elapsed()
    }

    /// What a machine with other work takes away at times; a source that is waited for takes a second
    /// or more.
    const fn noise(&self) -> Duration {
        match self {
            Self::Catalogue => Duration::from_secs(1),
            Self::Lookup(_) => Duration::from_millis(300),
        }
    }
}

/// How long the answers of a gateway took.
#[derive(Debug, Default)]
struct Took(Vec<Duration>);

impl Took {
    /// The time within which 99 of 100 came.
    fn p99(&mut self) -> Duration {
        self.0.sort_unstable();
        let at = (self.0.len() * 99).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }
}

/// Another caller, who goes on asking until told to stop.
#[derive(Debug)]
struct Neighbour {
    stop: oneshot::Sender<()>,
    asking: JoinHandle<Took>,
}

impl Neighbour {
    /// Begins to ask a gateway.
    async fn begin(asks: Asks, rest: Rest) -> Self {
        // The first question opens a connection.
        asks.put(&rest).await;
        let (stop, mut stopped) = oneshot::channel();
        let asking = tokio::spawn(async move {
            let mut took = Took::default();
            while stopped.try_recv().is_err() {
                took.0.push(asks.put(&rest).await);
                sleep(PAUSE).await;
            }
            took
        });
        Self { stop, asking }
    }

    /// Stops; how long the answers took.
    async fn stop(self) -> Took {
        self.stop.send(()).ok();
        self.asking.await.expect("another caller is answered")
    }

    /// The p99 of asking for a while when nothing else is done.
    async fn in_quiet(asks: Asks, rest: Rest) -> Duration {
        let quiet = Self::begin(asks, rest).await;
        sleep(Duration::from_millis(500)).await;
        quiet.stop().await.p99()
    }
}

/// A gateway before something is done to it, to be looked at again after.
#[derive(Debug)]
pub struct Before {
    pid: u32,
    asks: Asks,
    resident: u64,
    here: Neighbour,
    quiet: Quiet,
}

/// What another caller's answers are held against.
#[derive(Debug)]
enum Quiet {
    /// Those before and after, of which the p99 was that before.
    Apart(Box<Rest>, Duration),
    /// Those of a gateway beside, at the same time.
    Beside(Neighbour),
}

impl Before {
    /// Looks at how a sandbox is, and has another caller ask from now on, for what needs no agency.
    pub async fn attack(sandbox: &Sandbox) -> Self {
        let (asks, rest) = (Asks::Catalogue, Rest::new(sandbox, "portal"));
        let before = Neighbour::in_quiet(asks.clone(), rest.clone()).await;
        Self {
            pid: sandbox.pid(),
            resident: resident(sandbox),
            here: Neighbour::begin(asks.clone(), rest.clone()).await,
            quiet: Quiet::Apart(Box::new(rest), before),
            asks,
        }
    }

    /// Looks at how a gateway is, and has another caller ask from now on, there and at a gateway that
    /// nobody disturbs, for a field of every source but those that are disturbed.
    pub async fn disturbed(pid: u32, here: Rest, beside: Rest, disturbed: &[Source]) -> Self {
        let asks = Asks::all_but(disturbed);
        let beside = Neighbour::begin(asks.clone(), beside).await;
        Self {
            pid,
            resident: resident_of(pid),
            here: Neighbour::begin(asks.clone(), here).await,
            quiet: Quiet::Beside(beside),
            asks,
        }
    }

    /// Looks at what has become of it: the process lives, has not grown by 32 MiB, and the other caller
    /// was answered within twice the time of a quiet gateway, or within what a busy machine takes away.
    /// How often the other caller has asked it about a citizen.
    pub async fn has_survived(self) -> usize {
        let mut here = self.here.stop().await;
        let grown = resident_of(self.pid).saturating_sub(self.resident);
        assert!(grown < 32 << 10, "it has grown by {grown} KiB");
        let (loud, noise) = (here.p99(), self.asks.noise());
        let lookups = match self.asks {
            Asks::Catalogue => 0,
            Asks::Lookup(_) => 1 + here.0.len(),
        };
        let quiet = match self.quiet {
            // The slower of before and after: the machine may have got other work meanwhile.
            Quiet::Apart(rest, before) => Neighbour::in_quiet(self.asks, *rest).await.max(before),
            Quiet::Beside(beside) => beside.stop().await.p99(),
        };
        assert!(
            loud < (quiet * 2).max(noise),
            "another caller waits {loud:?}, and {quiet:?} where it is quiet"
        );
        lookups
    }
}

/// Who a gateway is asked about by another caller.
const NEIGHBOUR: &str = "999099000001";
/// Between two questions of another caller: the machine is not theirs alone.
const PAUSE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
