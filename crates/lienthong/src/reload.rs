//! What changes while the gateway runs: agreements, canaries, certificates and revocation lists.
//!
//! SIGHUP and an operator's `POST /admin/config:reload` have the whole configuration read again;
//! the files of certificates and revocation lists are also looked at every few seconds, since an
//! authority replaces them whenever it likes. Everything else changes with a restart only, and a
//! configuration that changes it is refused.
//!
//! *Invariant:* what is in force stays until all that comes in its place is good; no agreement is
//! in force before the record says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use admission::{Admission, Reload};
use edge::{Effect, Recheck, Reloaded};
use evidence::Evidence;
use exchange::Clock;
use gate::Listed;
use identity::{ServerTls, Stamps};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use crate::config::{Checked, Fixed, Problems, chain};
use crate::metrics::{Metrics, Reading};

/// What can be replaced, and how that is told.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) admission: Arc<Admission>,
    pub(crate) canaries: Arc<Listed>,
    pub(crate) protected: Arc<Listed>,
    pub(crate) tls: Arc<ServerTls>,
    pub(crate) evidence: Evidence,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recheck: Recheck,
}

/// Replaces what is in force.
#[derive(Debug)]
pub(crate) struct Reloads {
    path: PathBuf,
    parts: Parts,
    /// What only a restart changes, as the running gateway has it; one reload at a time.
    fixed: Mutex<Option<Fixed>>,
}

impl Reloads {
    pub(crate) fn new(path: &Path, parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            path: path.to_owned(),
            parts,
            fixed: Mutex::new(None),
        })
    }

    /// Looks after the files from now on: the configuration as it is now is the one in force.
    ///
    /// # Errors
    /// The configuration cannot be read.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<JoinHandle<()>, Problems> {
        *self.fixed.lock().await = Some(Fixed::load(&self.path)?);
        Ok(tokio::spawn(Arc::clone(self).watch()))
    }

    /// Reads the configuration again at each SIGHUP.
    pub(crate) fn at_hangup(self: &Arc<Self>) -> std::io::Result<JoinHandle<()>> {
        let hangups = signal(SignalKind::hangup())?;
        Ok(tokio::spawn(Arc::clone(self).listen(hangups)))
    }

    async fn listen(self: Arc<Self>, mut hangups: Signal) {
        while hangups.recv().await.is_some() {
            // What is wrong is in the log by now.
            drop(self.read(Effect::InForce).await);
        }
    }

    /// Reads the configuration again; what it changes.
    pub(crate) async fn read(&self, effect: Effect) -> Result<Reloaded, Vec<String>> {
        let fixed = self.fixed.lock().await;
        let checked = self.check(fixed.as_ref()).await;
        if effect == Effect::Checked {
            return checked.map(|checked| self.would_change(&checked));
        }
        let reloaded = match checked {
            Ok(checked) => self.apply(checked).await,
            Err(problems) => Err(problems),
        };
        match &reloaded {
            Ok(reloaded) => {
                let changed = reloaded.changed.join(", ");
                tracing::info!(changed, "the configuration was read again");
                self.parts.metrics.reloaded(Reading::Good);
            }
            Err(problems) => self.refused(problems),
        }
        reloaded
    }

    fn refused(&self, problems: &[String]) {
        for problem in problems {
            tracing::error!(
                problem,
                "the configuration is refused; what was in force stays"
            );
        }
        self.parts.metrics.reloaded(Reading::Refused);
    }

    /// Reads every file away from where nothing may block.
    async fn check(&self, running: Option<&Fixed>) -> Result<Checked, Vec<String>> {
        let running = running.ok_or_else(|| vec!["the gateway is starting".to_owned()])?;
        let (path, clock) = (self.path.clone(), Arc::clone(&self.parts.clock));
        let runtime = tokio::runtime::Handle::current();
        let read = spawn_blocking(move || {
            // Clients of agencies want a runtime to be made in, though none connects.
            let _entered = runtime.enter();
            let fixed = Fixed::load(&path)?;
            let (_, checked) = Checked::load(&path, &clock)?;
            Ok::<_, Problems>((fixed, checked))
        });
        let read = read.await.map_err(|error| vec![error.to_string()])?;
        let (fixed, checked) = read.map_err(|problems| problems.lines())?;
        let differences = running.differences(&fixed);
        if differences.is_empty() {
            return Ok(checked);
        }
        let only = |key: &String| format!("{key}: changes with a restart only");
        Err(differences.iter().map(only).collect())
    }

    fn would_change(&self, checked: &Checked) -> Reloaded {
        let parts = &self.parts;
        let digest = *checked.policy.digest();
        let mut changed = Vec::new();
        if digest != parts.admission.policy_digest() {
            changed.push(AGREEMENTS);
        }
        if checked.tls.differs_from(&parts.tls) {
            changed.push(CERTIFICATES);
        }
        Reloaded {
            changed,
            policy_digest: hex::encode(digest),
        }
    }

    async fn apply(&self, checked: Checked) -> Result<Reloaded, Vec<String>> {
        let parts = &self.parts;
        let reloaded = self.would_change(&checked);
        let digest = *checked.policy.digest();
        if digest != parts.admission.policy_digest() {
            let recorded = parts.evidence.config_changed(&digest).await;
            recorded.map_err(|fault| vec![format!("no record of it: {}", fault.reason.name())])?;
        }
        if parts.admission.replace(checked.policy) == Reload::Swapped {
            parts.metrics.policy(&digest);
        }
        parts.canaries.replace(checked.canaries);
        parts.protected.replace(checked.protected);
        if parts.tls.replace(checked.tls) {
            self.readmit();
        }
        Ok(reloaded)
    }

    /// Looks at the certificates' files every few seconds.
    async fn watch(self: Arc<Self>) {
        let mut looks = interval(EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut refused: Option<Stamps> = None;
        let mut is_stale = false;
        loop {
            looks.tick().await;
            if let Some(stamps) = self.parts.tls.changed() {
                // Half a file is refused, and tried again when there is more of it.
                let is_known = refused.as_ref() == Some(&stamps);
                refused = self.renew(is_known).await.err().map(|()| stamps);
            }
            let due = self.parts.tls.lifetimes().crl_next_update;
            let was_stale = is_stale;
            is_stale = due.is_some_and(|due| due <= self.parts.clock.now());
            if is_stale && !was_stale {
                tracing::error!("a revocation list has ended: its clients are refused");
                self.parts.recheck.now();
            }
        }
    }

    /// Loads the certificates anew; says why not unless that is known.
    async fn renew(self: &Arc<Self>, is_known: bool) -> Result<(), ()> {
        let tls = Arc::clone(&self.parts.tls);
        match spawn_blocking(move || tls.reload()).await {
            Ok(Ok(_)) => {
                tracing::info!("certificates and revocation lists were read again");
                self.parts.metrics.reloaded(Reading::Good);
                self.readmit();
                Ok(())
            }
            Ok(Err(error)) => {
                if !is_known {
                    let error = chain(&error);
                    tracing::error!(error, "certificates are refused; those in force stay");
                    self.parts.metrics.reloaded(Reading::Refused);
                }
                Err(())
            }
            Err(_) => Err(()),
        }
    }

    /// Closes the connections that are no longer admitted.
    fn readmit(&self) {
        let parts = &self.parts;
        parts.metrics.certificates(&parts.tls.lifetimes());
        parts.recheck.now();
    }
}

const AGREEMENTS: &str = "agreements";
const CERTIFICATES: &str = "certificates";
/// A revocation holds within a minute; ten seconds leave time for a list that is being written.
const EVERY: Duration = Duration::from_secs(10);
