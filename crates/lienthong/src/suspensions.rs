//! Who is suspended for how they asked, and lifting that. Not here: who is suspended, and when (crate
//! `admission`).
//!
//! *Invariant:* nothing is lifted before the record says so.

use std::sync::Arc;

use admission::{Admission, Suspension, SuspensionId};
use edge::{Lift, Lifted, Suspended, Undone};
use evidence::{Deed, Evidence, Intervention};

/// The suspensions of this node.
#[derive(Clone, Debug)]
pub(crate) struct Suspensions {
    pub(crate) admission: Arc<Admission>,
    pub(crate) evidence: Evidence,
}

impl Suspensions {
    /// Everybody who is suspended, the earliest first.
    pub(crate) fn list(&self) -> Vec<Suspended> {
        let all = self.admission.suspensions();
        all.iter().map(shown).collect()
    }

    /// Lifts a suspension.
    ///
    /// # Errors
    /// There is none of that name, or it cannot be recorded.
    pub(crate) async fn lift(&self, lift: &Lift) -> Result<Lifted, Undone> {
        let none = || Undone::Refused("id: names no suspension of this node".to_owned());
        let id = SuspensionId::parse(&lift.id).ok_or_else(none)?;
        let all = self.admission.suspensions();
        let suspension = all.iter().find(|it| it.id == id).ok_or_else(none)?;
        let of = name(suspension);
        let recorded = self.evidence.intervene(&Intervention {
            deed: Deed::Lift(&of),
            operator: &lift.operator,
            reason: &lift.reason,
        });
        let recorded = recorded.await.map_err(|fault| {
            let reason = fault.reason.name();
            Undone::Unavailable(format!("no record of it: {reason}"))
        })?;
        let seq = recorded.seq();
        self.admission.lift_suspension(id).ok_or_else(none)?;
        tracing::warn!(of, seq, "an operator has lifted a suspension");
        Ok(Lifted { seq })
    }
}

fn shown(suspension: &Suspension) -> Suspended {
    Suspended {
        id: suspension.id.to_string(),
        level: suspension.level.name(),
        agency: suspension.agency.to_string(),
        system: suspension.system.to_string(),
        since: suspension.since,
    }
}

/// Whose it is, as far as it may be told: `officer:G24/claims`.
fn name(suspension: &Suspension) -> String {
    let (level, agency) = (suspension.level.name(), &suspension.agency);
    format!("{level}:{agency}/{}", suspension.system)
}
