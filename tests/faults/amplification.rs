//! Callers who ask five times more at every error: what reaches the agency, on every wire.

use std::time::Duration;

use exchange::Source;
use futures_util::future::join_all;
use serde_json::json;
use tests::row::{Caller, Row};
use tests::{Sandbox, set};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::agencies::{knob, taken};
use crate::proxy::{Mode, Proxy};
use crate::scene::{configuration, without_circuits};
use crate::storm::asks;

/// A gateway without circuits that reaches every agency over a line of ours.
struct Scene {
    sandbox: Sandbox,
    lines: Vec<(Source, Proxy)>,
    row: Row,
}

impl Scene {
    /// One whose lines are in that mode from the beginning, and whose agencies have a time to answer by
    /// themselves, if one is said.
    async fn with(mode: Mode, timeout: Option<Duration>) -> Self {
        let sandbox = Sandbox::start();
        let mut lines = Vec::new();
        for source in Source::ALL {
            let line = Proxy::before(&configuration(&sandbox), source).await;
            line.mode(mode);
            lines.push((source, line));
        }
        let row = Row::begin(&sandbox, "storm", &Source::ALL, |config| {
            without_circuits(config);
            for (source, line) in &lines {
                line.lead(config, *source);
                if let Some(timeout) = timeout {
                    let timeout = i64::try_from(timeout.as_millis()).unwrap();
                    set(config, &format!("agency.{source}"), "timeout_ms", timeout);
                }
            }
        });
        let row = row.await;
        Self {
            sandbox,
            lines,
            row,
        }
    }

    /// The lines of all agencies.
    fn mode(&self, mode: Mode) {
        self.lines.iter().for_each(|(_, line)| line.mode(mode));
    }

    /// Every agency has this fault.
    async fn spoils(&self, fault: &str) {
        let knobs = json!({"faults": [{"fault": fault}]});
        for source in Source::ALL {
            knob(&self.sandbox, source, &knobs).await;
        }
    }

    /// Every agency is well, and has no failures in a row.
    async fn is_well(&self) {
        for (source, line) in &self.lines {
            knob(&self.sandbox, *source, &json!({})).await;
            line.mode(Mode::Pass);
            assert!(asks(&self.row.caller, *source).await, "{source} is well");
        }
    }

    /// Storms every agency at once, for one fault.
    async fn storms(&self, fault: &str) -> Vec<Storm> {
        let storms = self
            .lines
            .iter()
            .map(|(source, line)| self.storm(*source, line));
        let ended = join_all(storms).await;
        for storm in &ended {
            println!("{fault}: {storm:?}");
        }
        ended
    }

    /// Storms an agency twice. The first time spends whatever retries were saved up, and is not counted.
    async fn storm(&self, source: Source, line: &Proxy) -> Storm {
        storm(source, &self.row.caller).await;
        let begun = Instant::now();
        Reached::since(&self.sandbox, source, line, 0).await;
        let connections = line.connections();
        let arrived = storm(source, &self.row.caller).await;
        let took = begun.elapsed();
        Storm {
            source,
            reached: Reached::since(&self.sandbox, source, line, connections).await,
            arrived,
            took,
        }
    }
}

/// What has reached an agency.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    questions: usize,
    logins: usize,
    polls: usize,
    /// Questions that it was asked and was no longer waited for.
    taken_back: usize,
    connections: usize,
}

impl Reached {
    /// What has reached it since this was last asked, and since there were so many connections.
    async fn since(sandbox: &Sandbox, source: Source, line: &Proxy, connections: usize) -> Self {
        let mut reached = Self {
            connections: line.connections() - connections,
            ..Self::default()
        };
        for entry in taken(sandbox, source).await {
            match entry["operation"].as_str().unwrap() {
                "DangNhap" | "token" | "login" => reached.logins += 1,
                "traTrangThaiHoSo" | "ketQuaDangKyHS" => reached.polls += 1,
                "cancel" => reached.taken_back += 1,
                _ => reached.questions += 1,
            }
        }
        reached
    }
}

/// A storm at one agency.
#[derive(Debug)]
struct Storm {
    source: Source,
    reached: Reached,
    /// How often callers asked.
    arrived: usize,
    took: Duration,
}

/// Callers who ask five times more at every error; how often they asked.
pub(crate) async fn storm(source: Source, caller: &Caller) -> usize {
    let mut storming = JoinSet::new();
    for _ in 0..CALLERS {
        let caller = caller.anew();
        storming.spawn(async move {
            let mut asked = 0;
            for _ in 0..QUESTIONS {
                for _ in 0..=5 {
                    asked += 1;
                    if asks(&caller, source).await {
                        break;
                    }
                }
            }
            asked
        });
    }
    storming.join_all().await.into_iter().sum()
}

impl Storm {
    /// A tenth more than what was asked, and three a second; of what was saved up before, less than one
    /// call is left.
    fn most(&self) -> f64 {
        let asked = (self.arrived as f64).mul_add(1.1, 1.0);
        self.took.as_secs_f64().mul_add(3.0, asked)
    }
}

/// Row L03: callers who ask five times more at every error, on every wire, whatever the error, without
/// any circuit: what reaches the agency is what they ask, a tenth of it, and three a second; logins and
/// polls are counted apart.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_callers_is_not_made_worse() {
    let scene = Scene::with(Mode::Pass, None).await;
    for fault in [
        "server_error",
        "reset_before_head",
        "garbage",
        "session_refused",
    ] {
        scene.is_well().await;
        scene.spoils(fault).await;
        for storm in scene.storms(fault).await {
            let Reached {
                questions,
                logins,
                polls,
                ..
            } = storm.reached;
            assert_eq!(storm.arrived, ARRIVE, "{storm:?}");
            assert!(questions as f64 <= storm.most(), "{fault}: {storm:?}");
            assert_eq!(polls, 0, "{fault}: {storm:?}");
            let logs_in = !matches!(storm.source, Source::Tax | Source::SocialSecurity);
            match fault {
                // Who asks at once shares a login.
                "session_refused" if logs_in => {
                    assert!((1..=ARRIVE / 2).contains(&logins), "{storm:?}");
                }
                _ => assert_eq!(logins, 0, "{fault}: {storm:?}"),
            }
            // Only what was not answered at all is asked again; of HTTP/2 a head may be on its way.
            match (fault, storm.source) {
                ("reset_before_head", Source::Tax) => {}
                ("reset_before_head", _) => assert!(questions > storm.arrived, "{storm:?}"),
                _ => assert_eq!(questions, storm.arrived, "{fault}: {storm:?}"),
            }
        }
    }
    scene.is_well().await;
    scene.mode(Mode::Reset);
    for storm in scene.storms("no line").await {
        let Reached {
            questions,
            connections,
            ..
        } = storm.reached;
        assert_eq!((storm.arrived, questions), (ARRIVE, 0));
        assert!(connections as f64 <= storm.most(), "{storm:?}");
    }
    scene.row.ends().await;
}

/// Row L03: nor where agencies take every question and never answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_at_agencies_that_hang_is_not_made_worse() {
    let scene = Scene::with(Mode::Pass, Some(Duration::from_millis(250))).await;
    scene.is_well().await;
    scene.spoils("hang").await;
    for storm in scene.storms("hang").await {
        assert_eq!(storm.arrived, ARRIVE, "{storm:?}");
        let reached = storm.reached;
        // What takes its time is not asked again.
        assert_eq!(
            (reached.questions, reached.logins),
            (ARRIVE, 0),
            "{storm:?}"
        );
        // Where a question opens a dossier, it is the dossier that hangs, and is polled for.
        let polls = storm.source == Source::CivilStatus;
        let most = if polls { ARRIVE * POLLS } else { 0 };
        assert_eq!(reached.polls > 0, polls, "{storm:?}");
        assert!(reached.polls <= most, "{storm:?}");
        // A statement is taken back over a connection of its own, a moment later.
        let taken_back = if polls { 0 } else { ARRIVE };
        let late = taken_back.abs_diff(reached.taken_back);
        assert!(late <= CALLERS, "{storm:?}");
    }
    scene.row.ends().await;
}

/// Row L03: nor where nobody can log in: the callers share the attempts, which become rare.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_callers_is_no_storm_of_logins() {
    let scene = Scene::with(Mode::Reset, None).await;
    for storm in scene.storms("no session").await {
        assert_eq!(storm.arrived, ARRIVE, "{storm:?}");
        let most = match storm.source {
            Source::Population | Source::Health | Source::CivilStatus => {
                storm.took.as_secs_f64() + 1.0
            }
            // Who they are is said as the connection opens.
            Source::Tax | Source::SocialSecurity => storm.most(),
        };
        assert!(storm.reached.connections as f64 <= most, "{storm:?}");
    }
    scene.row.ends().await;
}

const CALLERS: usize = 3;
const QUESTIONS: usize = 12;
/// How often a dossier may be polled for in a quarter of a second.
const POLLS: usize = 5;
/// How often they ask: once, and five times more.
const ARRIVE: usize = CALLERS * QUESTIONS * 6;
