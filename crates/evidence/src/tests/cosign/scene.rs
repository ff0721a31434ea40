//! A log with two witnesses in this process, which behave as a test wants them to.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::super::*;
use crate::keys::{PublicKeys, VerifierKey};
use crate::note::{Policy, SignedCheckpoint};
use crate::verify::{Directory, FetchError, prove_consistency};
use crate::witness::{Answer, Refused, Request, Witness};
use crate::{NotCosigned, Observer, Witnesses};

/// How a witness behaves.
#[derive(Clone, Copy, Debug)]
pub(in crate::tests) enum Mood {
    /// As the protocol says.
    Honest,
    /// Nobody listens.
    Gone,
    /// It takes the request and never answers.
    Silent,
    /// It always answers this: status, whether the type is that of a size, body.
    Says(u16, bool, &'static str),
    /// Before it answers, somebody brings it a newer checkpoint.
    Overtaken,
    /// It cosigns, and then changes a letter of its first line.
    Garbles,
}

/// Witnesses in this process, by their URL.
#[derive(Debug, Default)]
pub(in crate::tests) struct Town {
    witnesses: Mutex<BTreeMap<String, (Witness, Mood)>>,
    /// Where those who overtake find the log.
    log: PathBuf,
    pub(in crate::tests) overtook: AtomicUsize,
}

impl Town {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Witness, Mood)>> {
        self.witnesses.lock().unwrap()
    }

    pub(in crate::tests) fn set(&self, name: &str, mood: Mood) {
        let url = format!("https://{name}.example/add-checkpoint");
        self.lock().get_mut(&url).unwrap().1 = mood;
    }

    /// Brings the witness the checkpoint that is shown, when that is newer than the one offered.
    async fn overtake(&self, url: &str, request: &str) {
        let offered = Request::parse(request).unwrap().checkpoint;
        let shown = || {
            prove_consistency(&mut Directory(self.log.clone()), 0)
                .unwrap()
                .0
        };
        until(|| shown().checkpoint().size > offered.checkpoint().size).await;
        let bring = |old| {
            let (checkpoint, proof) =
                prove_consistency(&mut Directory(self.log.clone()), old).unwrap();
            let request = Request {
                old,
                proof: proof.unwrap(),
                checkpoint,
            };
            let mut witnesses = self.lock();
            let (witness, _) = witnesses.get_mut(url).unwrap();
            witness.add_checkpoint(&request.to_string())
        };
        if let Err(Refused::Stale(known)) = bring(0) {
            bring(known).unwrap();
            self.overtook.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn answer(&self, url: &str, request: &str) -> Option<Result<Answer, FetchError>> {
        assert!(Request::parse(request).is_ok(), "{request}");
        let mut witnesses = self.lock();
        let (witness, mood) = witnesses.get_mut(url).unwrap();
        let mut honest = || Answer::from(&witness.add_checkpoint(request));
        Some(Ok(match *mood {
            Mood::Silent => return None,
            Mood::Gone => return Some(Err("nobody listens".into())),
            Mood::Honest | Mood::Overtaken => honest(),
            Mood::Says(status, is_size, body) => Answer {
                status,
                is_size,
                body: body.into(),
            },
            Mood::Garbles => {
                let mut answer = honest();
                // Of the first line, whose key is in the policy.
                answer.body[60] ^= 1;
                answer
            }
        }))
    }
}

impl Witnesses for Town {
    fn post<'a>(
        &'a self,
        url: &'a str,
        request: String,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, FetchError>> + Send + 'a>> {
        Box::pin(async move {
            let mood = self.lock().get(url).unwrap().1;
            if matches!(mood, Mood::Overtaken) {
                self.overtake(url, &request).await;
            }
            match self.answer(url, &request) {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

/// Notes what the log tells of witnesses.
#[derive(Debug, Default)]
pub(in crate::tests) struct Told(pub(in crate::tests) Mutex<Vec<String>>);

impl Observer for Told {
    fn not_cosigned(&self, witness: &str, why: &NotCosigned, is_first: bool) {
        let kind = NotCosigned::KINDS[why.kind()];
        let told = format!("{witness} {kind} {is_first}");
        self.0.lock().unwrap().push(told);
    }

    fn not_published(&self, _: &Error) {
        self.0.lock().unwrap().push("not published".to_owned());
    }

    fn cosigns_again(&self, witness: &str) {
        self.0.lock().unwrap().push(format!("{witness} again"));
    }
}

impl Told {
    pub(in crate::tests) fn has(&self, told: &str) -> bool {
        self.0.lock().unwrap().iter().any(|it| it == told)
    }
}

/// A log with two witnesses, `w1` and `w2`.
pub(in crate::tests) struct Scene {
    pub(in crate::tests) desk: Desk,
    pub(in crate::tests) town: Arc<Town>,
    pub(in crate::tests) told: Arc<Told>,
    /// Of the witnesses.
    pub(in crate::tests) clocks: [Arc<TestClock>; 2],
}

/// The log while it is written.
pub(in crate::tests) struct Running {
    evidence: Evidence,
    pub(in crate::tests) handle: Handle,
    pub(in crate::tests) alarm: Receiver<String>,
}

impl Scene {
    pub(in crate::tests) fn new(quorum: &str) -> Self {
        let mut desk = Desk::new();
        desk.config.publish_ms = 1;
        keys::create_if_missing(&desk.config).unwrap();
        let home = desk.path().parent().unwrap().to_owned();
        let logs = PublicKeys::read(desk.path()).unwrap().log;
        let town = Arc::new(Town {
            log: desk.config.dir.clone(),
            ..Town::default()
        });
        let mut policy = String::new();
        let clocks = [(); 2].map(|()| Arc::new(TestClock::new(NOW_MS)));
        for (name, clock) in ["w1", "w2"].into_iter().zip(&clocks) {
            let (dir, clock) = (home.join(name), Arc::clone(clock));
            let key = format!("{name}.example/1");
            let witness = Witness::open(&dir, &key, logs.clone(), clock).unwrap();
            let (key, url) = (
                witness.keys()[0].to_string(),
                format!("https://{name}.example"),
            );
            policy += &format!("witness {name} {key} {url}/\n");
            let url = format!("{url}/add-checkpoint");
            town.lock().insert(url, (witness, Mood::Honest));
        }
        let file = home.join("policy");
        std::fs::write(&file, format!("{policy}group g {quorum} w1 w2\nquorum g\n")).unwrap();
        desk.config.witness_policy = Some(file);
        Self {
            desk,
            town,
            told: Arc::default(),
            clocks,
        }
    }

    pub(in crate::tests) fn try_start(&self) -> Result<Running, Error> {
        self.try_start_with(Some(Arc::clone(&self.town) as Arc<dyn Witnesses>))
    }

    pub(in crate::tests) fn try_start_with(
        &self,
        witnesses: Option<Arc<dyn Witnesses>>,
    ) -> Result<Running, Error> {
        let (ring, alarm) = channel();
        let deps = Deps {
            keys: keys::create_if_missing(&self.desk.config)?,
            clock: Arc::clone(&self.desk.clock) as Arc<dyn Clock>,
            observer: Arc::clone(&self.told) as Arc<dyn Observer>,
            witnesses,
            version: "0.1.0",
            policy: POLICY,
            // Nobody listens to a log that has been dropped.
            on_fatal: Alarm::new(move |error| drop(ring.send(error.to_string()))),
        };
        let (evidence, handle) = Evidence::start(self.desk.config.clone(), deps)?;
        Ok(Running {
            evidence,
            handle,
            alarm,
        })
    }

    pub(in crate::tests) fn start(&self) -> Running {
        self.try_start().unwrap()
    }

    pub(in crate::tests) fn refusal(&self) -> String {
        self.try_start().err().unwrap().to_string()
    }

    pub(in crate::tests) async fn record(&self, running: &Running, count: usize) {
        for _ in 0..count {
            self.desk.exchange(&running.evidence).await;
        }
    }

    /// The sizes of the checkpoints that are shown while records come for 2.5 s.
    pub(in crate::tests) async fn sizes_shown(&self, running: &Running) -> Vec<u64> {
        let mut sizes = Vec::new();
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(2_500) {
            self.record(running, 1).await;
            let size = shown(self.desk.path());
            if sizes.last() != Some(&size) {
                sizes.push(size);
            }
        }
        sizes
    }

    fn policy(&self) -> Policy {
        self.desk.config.witnesses().unwrap().unwrap()
    }

    /// The size of the checkpoint that is shown, and how many witnesses of the policy have cosigned.
    pub(in crate::tests) fn shown(&self) -> (u64, usize) {
        let text = std::fs::read_to_string(self.desk.path().join("checkpoint")).unwrap();
        let signed = SignedCheckpoint::parse(&text).unwrap();
        let own = PublicKeys::read(self.desk.path()).unwrap().log;
        let first: Vec<&str> = text.lines().skip(4).map(|line| &line[..20]).collect();
        assert_eq!(first[0], first[1], "the log's own lines come first");
        let witnesses = self.policy().witnesses;
        let keys: Vec<VerifierKey> = witnesses.into_iter().map(|witness| witness.key).collect();
        let all = [own.clone(), keys].concat();
        let signers = signed.verify(&all).unwrap().len();
        (signed.checkpoint().size, signers - own.len())
    }

    /// Waits until a checkpoint of at least that size has so many cosignatures.
    pub(in crate::tests) async fn cosigned(&self, size: u64, count: usize) {
        let shown = || {
            let shown = self.shown();
            shown.0 >= size && shown.1 == count
        };
        until(shown).await;
    }
}

impl Running {
    /// Ends it as a crash would.
    pub(in crate::tests) fn crash(self) {
        drop(self.handle);
    }

    pub(in crate::tests) async fn alarm(&self) -> String {
        let mut rung = None;
        until(|| {
            rung = self.alarm.try_recv().ok();
            rung.is_some()
        })
        .await;
        rung.unwrap()
    }
}

/// Looks now and then until it is so.
pub(in crate::tests) async fn until(mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(20), "not in time");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
