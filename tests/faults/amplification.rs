//! Callers who ask five times more at every error: what reaches the agency, on every wire.

use std::time::Duration;

use exchange::Source;
use serde_json::json;
use tests::{Beside, Rest, Sandbox};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::agencies::{journal, knob};
use crate::proxy::{Mode, Proxy};
use crate::scene::{configuration, without_circuits};
use crate::storm::asks;

/// A gateway without circuits that reaches every agency over a line of ours.
struct Scene {
    sandbox: Sandbox,
    lines: Vec<(Source, Proxy)>,
    gateway: Beside,
}

impl Scene {
    async fn with(mode: Mode) -> Self {
        let sandbox = Sandbox::start();
        let mut lines = Vec::new();
        for source in Source::ALL {
            let line = Proxy::before(&configuration(&sandbox), source).await;
            line.mode(mode);
            lines.push((source, line));
        }
        let gateway = Beside::start(&sandbox, "gw-2", |config| {
            without_circuits(config);
            for (source, line) in &lines {
                line.lead(config, *source);
            }
        });
        Self {
            sandbox,
            lines,
            gateway,
        }
    }

    /// Storms every agency at once, for one fault.
    async fn storms(&self, fault: &str) -> Vec<Storm> {
        let mut storms = JoinSet::new();
        for (source, line) in &self.lines {
            let before = Reached::so_far(&self.sandbox, *source, line).await;
            let caller = self.gateway.caller(&self.sandbox, "commune");
            storms.spawn(storm(*source, before, caller));
        }
        let mut ended = storms.join_all().await;
        ended.sort_by_key(|storm| storm.source);
        for (storm, (_, line)) in ended.iter_mut().zip(&self.lines) {
            let after = Reached::so_far(&self.sandbox, storm.source, line).await;
            storm.reached = after.since(storm.reached);
            println!("{fault}: {storm:?}");
        }
        ended
    }
}

/// What has reached an agency.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    questions: usize,
    logins: usize,
    polls: usize,
    connections: usize,
}

impl Reached {
    async fn so_far(sandbox: &Sandbox, source: Source, line: &Proxy) -> Self {
        let mut reached = Self {
            connections: line.connections(),
            ..Self::default()
        };
        for entry in journal(sandbox, source).await {
            match entry["operation"].as_str().unwrap() {
                "DangNhap" | "token" | "login" => reached.logins += 1,
                "api/hotich/traTrangThaiHoSo" | "api/hotich/ketQuaDangKyHS" => reached.polls += 1,
                _ => reached.questions += 1,
            }
        }
        reached
    }

    const fn since(self, before: Self) -> Self {
        Self {
            questions: self.questions - before.questions,
            logins: self.logins - before.logins,
            polls: self.polls - before.polls,
            connections: self.connections - before.connections,
        }
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

/// Callers who ask five times more at every error.
async fn storm(source: Source, reached: Reached, caller: Rest) -> Storm {
    let (begun, mut storming) = (Instant::now(), JoinSet::new());
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
    Storm {
        source,
        reached,
        arrived: storming.join_all().await.into_iter().sum(),
        took: begun.elapsed(),
    }
}

impl Storm {
    /// A tenth more than what was asked, three a second, and three of each of the ten seconds before that
    /// were saved.
    fn most(&self) -> f64 {
        let seconds = self.took.as_secs_f64() + 10.0;
        (self.arrived as f64).mul_add(1.1, 3.0 * seconds)
    }
}

/// Row L03: callers who ask five times more at every error, on every wire, whatever the error, without
/// any circuit: what reaches the agency is what they ask, a tenth of it, and three a second; for logins
/// and polls, which are counted apart, there is no reason.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_callers_is_not_made_worse() {
    let scene = Scene::with(Mode::Pass).await;
    let caller = scene.gateway.caller(&scene.sandbox, "commune");
    for source in Source::ALL {
        assert!(asks(&caller, source).await, "{source} is well");
    }
    for fault in ["server_error", "reset_before_head", "garbage"] {
        let knobs = json!({"faults": [{"fault": fault}]});
        for source in Source::ALL {
            knob(&scene.sandbox, source, &knobs).await;
        }
        for storm in scene.storms(fault).await {
            let Reached {
                questions,
                logins,
                polls,
                ..
            } = storm.reached;
            assert_eq!(storm.arrived, CALLERS * QUESTIONS * 6, "{storm:?}");
            assert!(questions as f64 <= storm.most(), "{fault}: {storm:?}");
            assert_eq!((logins, polls), (0, 0), "{fault}: {storm:?}");
            // Only what was not answered at all is asked again; of HTTP/2 a head may be on its way.
            match (fault, storm.source) {
                ("reset_before_head", Source::Tax) => {}
                ("reset_before_head", _) => assert!(questions > storm.arrived, "{storm:?}"),
                _ => assert_eq!(questions, storm.arrived, "{fault}: {storm:?}"),
            }
        }
    }
    for (source, line) in &scene.lines {
        knob(&scene.sandbox, *source, &json!({})).await;
        line.mode(Mode::Reset);
    }
    for storm in scene.storms("no line").await {
        let Reached {
            questions,
            connections,
            ..
        } = storm.reached;
        assert_eq!((storm.arrived, questions), (CALLERS * QUESTIONS * 6, 0));
        assert!(connections as f64 <= storm.most(), "{storm:?}");
    }
}

/// Row L03: nor where nobody can log in: the callers share the attempts, which become rare.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_callers_is_no_storm_of_logins() {
    let scene = Scene::with(Mode::Reset).await;
    for storm in scene.storms("no session").await {
        assert_eq!(storm.arrived, CALLERS * QUESTIONS * 6, "{storm:?}");
        let most = match storm.source {
            Source::Population | Source::Health | Source::CivilStatus => {
                storm.took.as_secs_f64() + 10.0
            }
            // Who they are is said as the connection opens.
            Source::Tax | Source::SocialSecurity => storm.most(),
        };
        assert!(storm.reached.connections as f64 <= most, "{storm:?}");
    }
}

const CALLERS: usize = 3;
const QUESTIONS: usize = 12;
