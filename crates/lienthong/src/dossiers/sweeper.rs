//! Looks after the dossiers of one source on nobody's behalf: asks how far each is, and sends again what an
//! operator wants sent.
//!
//! It asks through the guard of the source, so that a circuit that is open keeps it back as it does questions,
//! and not while the source is stopped. Not here: when a dossier is due, and what comes of an answer
//! (`adapter::dossier`).

use std::sync::Arc;
use std::time::Duration;

use adapter::Miss;
use adapter::dossier::{Dossier, Due, LOST, Register, Seen, State};
use adapter::guard::Guarded;
use gate::Switches;
use tokio::time::{MissedTickBehavior, interval};

/// Looks after the dossiers of a source for ever.
pub(super) async fn sweep(register: Arc<Register>, agency: Guarded, switches: Arc<Switches>) {
    let source = agency.guard.source();
    let mut looks = interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        for due in register.due(source, AT_ONCE) {
            let number = due.dossier.number;
            let how = match switches.asks(source) {
                Ok(()) => look(&agency, &due).await,
                Err(stopped) => Err(stopped),
            };
            let how = how.map_err(|miss| why(&miss));
            if let Some(hung) = register.looked(number, how) {
                tell(&hung);
            }
        }
    }
}

/// Keeps the register tidy for ever, whatever its sources do.
pub(super) async fn tidy(register: Arc<Register>) {
    let mut rounds = interval(EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        register.tidy().iter().for_each(tell);
    }
}

/// Tells of a dossier that hangs.
fn tell(hung: &Dossier) {
    let (dossier, source) = (hung.number, hung.source);
    let (code, reason) = (hung.code.as_str(), &*hung.reason);
    tracing::error!(
        dossier,
        %source,
        code,
        reason,
        "DossierHung: an agency does not end what it has begun; see `lienthong dossier list`"
    );
}

/// Asks how far a dossier is, or sends it again.
async fn look(agency: &Guarded, due: &Due) -> Result<Seen, Miss> {
    match (&due.enquiry, due.dossier.state) {
        (Some(enquiry), State::Queued) => agency.resend(&due.dossier, enquiry).await,
        // What was sent is in memory alone: it was to be sent again when the node ended.
        (None, State::Queued) => Err(Miss::unavailable(LOST, "what was asked is not known")),
        (_, _) => agency.look(&due.dossier).await,
    }
}

/// Why nothing is known, in a word.
const fn why(miss: &Miss) -> &'static str {
    match miss.reason.is_empty() {
        true => miss.state.name(),
        false => miss.reason,
    }
}

/// Four looks a second at most, whatever is under way.
const EVERY: Duration = Duration::from_secs(1);
const AT_ONCE: usize = 4;
