//! Cleaning the files of the databases of what was erased: what is deleted can still be read in them.
//!
//! On a thread of its own, since a database may take long for it: neither an answer nor filing waits. The
//! keyring keeps a mark until it is done, so that the next start goes on where one has ended.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::databases;
use crate::{Config, Error, Observer};

/// Whether something is to be cleaned. Cloned by reference count.
#[derive(Clone, Debug, Default)]
pub(super) struct Cleaning(Arc<watch::Sender<Stage>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing is.
    #[default]
    Clean,
    /// Something is, from then on; at once if none is given.
    Due(Option<Instant>),
    /// A thread is at it.
    Runs,
    /// A thread is at it, and there is more since it began.
    RunsAndMore,
}

impl Cleaning {
    /// Says that something was erased.
    pub(super) fn is_due(&self) {
        self.0.send_modify(|stage| {
            *stage = match stage {
                Stage::Clean | Stage::Due(_) => Stage::Due(None),
                Stage::Runs | Stage::RunsAndMore => Stage::RunsAndMore,
            };
        });
    }

    /// Begins to clean if something is due.
    pub(super) fn go_on(&self, config: &Config, observer: &Arc<dyn Observer>, now: Instant) {
        let begins = self.0.send_if_modified(|stage| {
            let is_due = matches!(stage, Stage::Due(from) if from.is_none_or(|from| now >= from));
            if is_due {
                *stage = Stage::Runs;
            }
            is_due
        });
        if !begins {
            return;
        }
        let (cleaning, config, observer) = (self.clone(), config.clone(), Arc::clone(observer));
        let begun = thread::Builder::new()
            .name("evidence-clean".to_owned())
            .spawn(move || cleaning.run(&config, &*observer));
        if begun.is_err() {
            self.ended(false);
        }
    }

    /// Waits until nothing is to be cleaned.
    pub(super) async fn done(&self) {
        // The sender is in here.
        drop(
            self.0
                .subscribe()
                .wait_for(|stage| *stage == Stage::Clean)
                .await,
        );
    }

    fn run(&self, config: &Config, observer: &dyn Observer) {
        let cleaned = clean(config);
        if let Err(error) = &cleaned {
            observer.not_filed(error);
        }
        self.ended(cleaned.is_ok());
    }

    fn ended(&self, is_clean: bool) {
        self.0.send_modify(|stage| {
            *stage = match stage {
                _ if !is_clean => Stage::Due(Some(Instant::now() + AGAIN)),
                Stage::RunsAndMore | Stage::Due(_) => Stage::Due(None),
                Stage::Runs | Stage::Clean => Stage::Clean,
            };
        });
    }
}

/// Cleans up after the erasures that are marked.
fn clean(config: &Config) -> Result<(), Error> {
    let (mut keyring, mut index) = databases::with_patience(config)?;
    let marks = keyring.marks()?;
    keyring.clean()?;
    index.clean()?;
    keyring.cleaned(&marks)
}

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
