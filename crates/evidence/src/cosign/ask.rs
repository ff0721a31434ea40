//! One witness: what it is asked, what its answers mean, and when it is asked again.
//!
//! *Invariant:* the log is called set back only by a size above every one that was ever shown, or by
//! a proof that the witness refuses though it begins where the witness says and our tiles agree.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::pause::pause;
use super::said::Said;
use super::{Latest, NotCosigned, Shared};
use crate::Error;
use crate::keys::VerifierKey;
use crate::note::{Signature, SignedCheckpoint, read_lines};
use crate::publish::{Store, seconds};
use crate::tree::{Hash, proof};
use crate::witness::{Answer, Request};

/// One witness, by its URL.
#[derive(Debug)]
pub(super) struct Asker {
    shared: Arc<Shared>,
    name: String,
    url: String,
    keys: Vec<VerifierKey>,
    /// The size it is believed to know.
    known: u64,
    /// The size of the checkpoint that it need not be asked about again.
    done: Option<u64>,
    /// How often it has failed since it last cosigned.
    failures: u32,
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Asked {
    /// The signatures, each with its key.
    Cosigned(Vec<(VerifierKey, Signature)>),
    /// It has seen a newer checkpoint already.
    Overtaken,
}

/// Why nothing came of it.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is asked again.
    Failed(NotCosigned),
    /// It knows more of the log than the log itself, or another one.
    SetBack(Error),
}

impl From<NotCosigned> for Trouble {
    fn from(why: NotCosigned) -> Self {
        Self::Failed(why)
    }
}

impl Asker {
    /// Those of the policy that have a URL; who stands there twice is asked once for both keys.
    pub(super) fn all(shared: &Arc<Shared>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for witness in &shared.quorum.policy().witnesses {
            let Some(url) = &witness.url else { continue };
            let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
            match all.iter_mut().find(|asker| asker.url == url) {
                Some(asker) => asker.keys.push(witness.key.clone()),
                None => all.push(Self {
                    shared: Arc::clone(shared),
                    name: witness.name.clone(),
                    url,
                    keys: vec![witness.key.clone()],
                    known: 0,
                    done: None,
                    failures: 0,
                }),
            }
        }
        all
    }

    /// Offers each checkpoint until the last one, or until nobody offers any more.
    ///
    /// # Errors
    /// The log was set back.
    pub(super) async fn run(mut self, mut offers: watch::Receiver<Latest>) -> Result<(), Error> {
        loop {
            let Latest { signed, is_last } = offers.borrow_and_update().clone();
            let size = signed.checkpoint().size;
            if self.done != Some(size) {
                let asked = self.ask(&signed).await;
                self.take(&signed, asked)?;
            }
            if is_last {
                return Ok(());
            }
            let is_open = if self.done == Some(size) {
                offers.changed().await.is_ok()
            } else {
                tokio::select! {
                    () = sleep(pause(self.failures)) => true,
                    // The last one is offered at once: there is no later.
                    last = offers.wait_for(|latest| latest.is_last) => last.is_ok(),
                }
            };
            if !is_open {
                return Ok(());
            }
        }
    }

    /// Hands on what came of a question.
    ///
    /// # Errors
    /// The log was set back.
    pub(super) fn take(
        &mut self,
        signed: &SignedCheckpoint,
        asked: Result<Asked, Trouble>,
    ) -> Result<(), Error> {
        let (size, shared) = (signed.checkpoint().size, &self.shared);
        match asked {
            Ok(Asked::Overtaken) => {}
            Ok(Asked::Cosigned(signatures)) => {
                let (keys, lines): (Vec<_>, Vec<_>) = signatures.into_iter().unzip();
                let is_met = shared.quorum.add(size, keys);
                shared.inbox.cosigned(size, lines, is_met);
                self.known = size;
            }
            Err(Trouble::SetBack(error)) => return Err(error),
            Err(Trouble::Failed(why)) => {
                let is_first = self.failures == 0;
                shared.observer.not_cosigned(&self.name, &why, is_first);
                self.failures = self.failures.saturating_add(1);
                return Ok(());
            }
        }
        if self.failures > 0 {
            shared.observer.cosigns_again(&self.name);
        }
        (self.failures, self.done) = (0, Some(size));
        Ok(())
    }

    /// Asks for a cosignature. Where the witness knows another size than we think, it is asked again
    /// from that one; only what it refuses then speaks against the log.
    ///
    /// # Errors
    /// It does not cosign, or says that the log was set back.
    pub(super) async fn ask(&mut self, signed: &SignedCheckpoint) -> Result<Asked, Trouble> {
        let size = signed.checkpoint().size;
        let (mut old, mut told) = (self.known.min(size), None);
        for _ in 0..ROUNDS {
            let answer = self.post(old, signed).await?;
            let is_told = told == Some(old);
            match Said::of(&answer) {
                Said::Lines(lines) => return Ok(Asked::Cosigned(self.verify(signed, lines)?)),
                Said::Knows(knows) if knows > self.announced() => {
                    let problem = format!("but it has only {}", self.announced());
                    return Err(self.set_back(knows, problem));
                }
                Said::Knows(knows) if knows > size => {
                    self.known = knows;
                    return Ok(Asked::Overtaken);
                }
                Said::Knows(knows) if knows != old => {
                    (self.known, told, old) = (knows, Some(knows), knows);
                }
                // Of that very size, it knows another tree.
                Said::Knows(_) | Said::Conflict if is_told && old == size => {
                    return Err(self.fork(old, signed));
                }
                Said::Inconsistent if is_told && old > 0 => return Err(self.fork(old, signed)),
                // It is asked from nothing, so that it says what it knows.
                Said::Knows(_) | Said::Conflict | Said::Inconsistent if !is_told && old > 0 => {
                    old = 0;
                }
                Said::Inconsistent => return Err(NotCosigned::Inconsistent.into()),
                Said::Knows(_) | Said::Conflict => return Err(NotCosigned::Conflict.into()),
                Said::Nothing(why) => return Err(why.into()),
            }
        }
        Err(NotCosigned::Conflict.into())
    }

    async fn post(&self, old: u64, signed: &SignedCheckpoint) -> Result<Answer, NotCosigned> {
        let proof = self.prove(old, signed).map_err(NotCosigned::Unproved)?;
        let request = Request {
            old,
            proof,
            checkpoint: signed.clone(),
        };
        let post = self.shared.witnesses.post(&self.url, request.to_string());
        match timeout(PATIENCE, post).await {
            Ok(answer) => answer.map_err(NotCosigned::Unreachable),
            Err(_) => Err(NotCosigned::Slow(PATIENCE)),
        }
    }

    fn prove(&self, old: u64, signed: &SignedCheckpoint) -> Result<Vec<Hash>, Error> {
        let mut tiles = Store::new(&self.shared.dir);
        let proof = proof::consistency(&mut tiles, old, signed.checkpoint().size)?;
        Ok(proof.unwrap_or_default())
    }

    /// Those of the lines that are signatures of its keys over this checkpoint, made about now.
    fn verify(
        &self,
        signed: &SignedCheckpoint,
        lines: &[u8],
    ) -> Result<Vec<(VerifierKey, Signature)>, NotCosigned> {
        let text = std::str::from_utf8(lines).ok();
        let lines = text.and_then(|text| read_lines(text.strip_suffix('\n')?).ok());
        let lines = lines.ok_or(NotCosigned::Unusable("holds no signature lines"))?;
        let now = seconds(&*self.shared.clock);
        let (checkpoint, text) = (signed.checkpoint(), signed.note().text());
        let mut good: Vec<(VerifierKey, Signature)> = Vec::new();
        for line in lines {
            let mut keys = self.keys.iter().filter(|key| key.claims(&line));
            let key = keys.find(|key| {
                let time = key.signed(checkpoint, text, &line.bytes);
                time.is_some_and(|time| time.abs_diff(now) <= SKEW)
            });
            if let Some(key) = key
                && good.iter().all(|(known, _)| known != key)
            {
                good.push((key.clone(), line));
            }
        }
        if good.is_empty() {
            let problem = "holds no signature of its key over the checkpoint, made about now";
            return Err(NotCosigned::Unusable(problem));
        }
        Ok(good)
    }

    /// The alarm that the witness knows another log, if our own tiles agree with the proof.
    fn fork(&self, old: u64, signed: &SignedCheckpoint) -> Trouble {
        let checkpoint = signed.checkpoint();
        let agrees = || -> Result<bool, Error> {
            let mut tiles = Store::new(&self.shared.dir);
            let root = proof::root_before(&mut tiles, old, checkpoint.size)?;
            let new = (checkpoint.size, &checkpoint.root);
            let proof = self.prove(old, signed)?;
            Ok(proof::is_consistent((old, &root), new, &proof))
        };
        match agrees() {
            Ok(true) => self.set_back(old, "but its records are others".to_owned()),
            Ok(false) => Trouble::Failed(NotCosigned::Unproved(Error::Public {
                path: self.shared.dir.clone(),
                problem: "has tiles that do not lead to its checkpoint",
            })),
            Err(error) => Trouble::Failed(NotCosigned::Unproved(error)),
        }
    }

    fn set_back(&self, size: u64, problem: String) -> Trouble {
        Trouble::SetBack(Error::Rollback {
            known: format!("the witness {} ({})", self.name, self.url),
            size,
            problem,
        })
    }

    fn announced(&self) -> u64 {
        self.shared.announced.load(Ordering::SeqCst)
    }
}

/// How often a witness is asked about one checkpoint: from what it knew, from nothing, from what it
/// says, and once more if another has brought it a checkpoint meanwhile.
const ROUNDS: u32 = 4;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How far the clock of a witness may be from ours, in seconds: a quarter of an hour is more than
/// any clock that is looked after, and less than a wrong time zone.
const SKEW: u64 = 15 * 60;
