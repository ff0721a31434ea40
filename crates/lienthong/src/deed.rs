//! What an operator does, recorded before it is done.

use edge::Undone;
use evidence::{Deed, Evidence, Intervention};
use exchange::{OfficerId, ReasonText};

/// Records a deed; the number of its record.
///
/// # Errors
/// It cannot be recorded, and so must not be done.
pub(crate) async fn record(
    evidence: &Evidence,
    deed: Deed<'_>,
    operator: &OfficerId,
    reason: &ReasonText,
) -> Result<u64, Undone> {
    let recorded = evidence.intervene(&Intervention {
        deed,
        operator,
        reason,
    });
    let recorded = recorded.await.map_err(|fault| {
        let reason = fault.reason.name();
        Undone::Unavailable(format!("no record of it: {reason}"))
    })?;
    Ok(recorded.seq())
}
