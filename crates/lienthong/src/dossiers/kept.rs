//! A dossier as a row of the store, and as operators see it.

use adapter::dossier::{Dossier, State, Tag};
use evidence::KeptDossier;
use jiff::Timestamp;

/// The row of a dossier.
pub(super) fn row(it: &Dossier) -> KeptDossier {
    KeptDossier {
        number: it.number,
        source: it.source,
        code: it.code.clone(),
        address: it.address.clone(),
        tag: it.tag.0,
        agency: it.agency.clone(),
        system: it.system.clone(),
        request: it.request,
        class: it.class,
        ttl: it.ttl,
        state: it.state.name().to_owned(),
        opened: it.opened,
        since: it.since,
        asked: it.asked,
        asks: it.asks,
        reason: it.reason.to_string(),
    }
}

/// The dossier of a row; none for a state that this version does not know.
pub(super) fn read(it: KeptDossier) -> Option<Dossier> {
    Some(Dossier {
        number: it.number,
        source: it.source,
        code: it.code,
        address: it.address,
        tag: Tag(it.tag),
        agency: it.agency,
        system: it.system,
        request: it.request,
        class: it.class,
        ttl: it.ttl,
        state: State::from_name(&it.state)?,
        opened: it.opened,
        since: it.since,
        asked: it.asked,
        asks: it.asks,
        reason: it.reason.into(),
    })
}

/// A dossier in the list.
pub(super) fn shown(it: &Dossier, now: Timestamp) -> edge::Dossier {
    let age = now.duration_since(it.opened).as_secs();
    edge::Dossier {
        dossier: it.number,
        source: it.source.name(),
        code: it.code.clone(),
        address: it.address.clone(),
        state: it.state.name(),
        reason: it.reason.to_string(),
        agency: it.agency.as_str().to_owned(),
        system: it.system.as_str().to_owned(),
        request_id: it.request.to_string(),
        class: it.class.name(),
        since: it.since,
        age_s: u64::try_from(age).unwrap_or(0),
        asked: it.asked,
    }
}
