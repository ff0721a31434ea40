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

/// By how much something has grown from the first look to the last, on the line of least squares.
pub fn growth(looks: &[f64]) -> f64 {
    let count = looks.len() as f64;
    let places = || (0..looks.len()).map(|place| place as f64);
    let (place, value) = (
        places().sum::<f64>() / count,
        looks.iter().sum::<f64>() / count,
    );
    let together = places().zip(looks).map(|(x, y)| (x - place) * (y - value));
    let alone = places().map(|x| (x - place) * (x - place));
    together.sum::<f64>() / alone.sum::<f64>() * (count - 1.0)
}

/// The memory of a sandbox's process, in KiB.
pub fn resident(sandbox: &Sandbox) -> u64 {
    resident_of(sandbox.pid())
}

/// The memory of a process, in KiB.
pub fn resident_of(pid: u32) -> u64 {
    memory_of(pid, "VmRSS:")
}

/// The most memory that a process had since [`forget_peak`], in KiB.
pub fn peak_of(pid: u32) -> u64 {
    memory_of(pid, "VmHWM:")
}

/// Has the kernel forget the most memory that a process had.
pub fn forget_peak(pid: u32) {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("a process of ours");
}

fn memory_of(pid: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    let status = status.expect("it is alive");
    let line = status.lines().find(|line| line.starts_with(what));
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

    /// What a machine with other work takes away of half of the answers, and at times; a source that is
    /// waited for takes a second or more.
    const fn noise(&self) -> [Duration; 2] {
        match self {
            Self::Catalogue => [Duration::from_millis(50), Duration::from_secs(1)],
            Self::Lookup(_) => [Duration::from_millis(40), Duration::from_millis(150)],
        }
    }
}

/// How long the answers of a gateway took.
#[derive(Debug, Default)]
struct Took(Vec<Duration>);

impl Took {
    /// The time within which so many of 100 came.
    fn within(&mut self, of_100: usize) -> Duration {
        self.0.sort_unstable();
        let at = (self.0.len() * of_100).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }

    /// The time within which half came, and that of 99 of 100.
    fn times(&mut self) -> [Duration; 2] {
        [50, 99].map(|of_100| self.within(of_100))
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

    /// The times of asking for a while when nothing else is done.
    async fn in_quiet(asks: Asks, rest: Rest) -> [Duration; 2] {
        let quiet = Self::begin(asks, rest).await;
        sleep(Duration::from_millis(500)).await;
        quiet.stop().await.times()
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
    /// Those before and after, of which the times before were these.
    Apart(Box<Rest>, [Duration; 2]),
    /// Those of a gateway beside, at the same time.
    Beside(Neighbour),
}

impl Before {
    /// Looks at how a sandbox is, and has another caller ask from now on, for what needs no agency.
    pub async fn attack(sandbox: &Sandbox) -> Self {
        let (asks, rest) = (Asks::Catalogue, Rest::new(sandbox, "portal"));
        let before = Neighbour::in_quiet(asks.clone(), rest.clone()).await;
        forget_peak(sandbox.pid());
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
        forget_peak(pid);
        Self {
            pid,
            resident: resident_of(pid),
            here: Neighbour::begin(asks.clone(), here).await,
            quiet: Quiet::Beside(beside),
            asks,
        }
    }

    /// Looks at what has become of it: the process lives, had at no time grown by 32 MiB, and the other
    /// caller was answered within twice the time of a quiet gateway, half of the answers and 99 of 100, or
    /// within what a busy machine takes away.
    /// How often the other caller has asked it about a citizen.
    pub async fn has_survived(self) -> usize {
        let mut here = self.here.stop().await;
        let grown = peak_of(self.pid).saturating_sub(self.resident);
        assert!(grown < 32 << 10, "it has grown by {grown} KiB");
        let (loud, noise) = (here.times(), self.asks.noise());
        let lookups = match self.asks {
            Asks::Catalogue => 0,
            Asks::Lookup(_) => 1 + here.0.len(),
        };
        let quiet = match self.quiet {
            // The slower of before and after: the machine may have got other work meanwhile.
            Quiet::Apart(rest, before) => {
                let after = Neighbour::in_quiet(self.asks, *rest).await;
                let ([half, most], [half_after, most_after]) = (before, after);
                [half.max(half_after), most.max(most_after)]
            }
            Quiet::Beside(beside) => beside.stop().await.times(),
        };
        println!("another caller: half and 99 % {loud:.1?}, {quiet:.1?} where it is quiet");
        for (loud, (quiet, noise)) in loud.into_iter().zip(quiet.into_iter().zip(noise)) {
            assert!(
                loud < (quiet * 2).max(noise),
                "another caller waits {loud:?}, and {quiet:?} where it is quiet"
            );
        }
        lookups
    }
}

/// Who a gateway is asked about by another caller.
const NEIGHBOUR: &str = "999099000001";
/// Between two questions of another caller: the machine is not theirs alone.
const PAUSE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
