//! What an agreement grants, and what the citizen sees of it.

use exchange::{Disclosure, FieldSet};

use super::words::{distinct, duty, fields, prose, visibility};
use crate::reader::Section;
use crate::{Duty, Visibility};

/// What an agreement grants.
#[derive(Debug)]
pub(super) struct Rights {
    /// What may be asked for and released.
    pub(super) fields: FieldSet,
    /// What may be compared with a claim beside that.
    pub(super) verify: FieldSet,
    /// How much a verification may tell.
    pub(super) disclosure: Disclosure,
    /// What may be done with the record.
    pub(super) duties: Vec<Duty>,
}

/// The fields that may be asked for or verified, and what may be done with the record: one of these
/// at least.
pub(super) fn rights(section: &mut Section<'_>) -> Option<Rights> {
    let has_others = section.has(DUTIES) || section.has(VERIFY);
    let duties = section.optional_words(DUTIES, duty).map(distinct);
    let verify = section.optional_words(VERIFY, fields);
    let disclosure = if section.flag("verify_per_claim", false) {
        Disclosure::PerClaim
    } else {
        Disclosure::AllOrNothing
    };
    let sets = if has_others {
        section.any_words("fields", fields)
    } else {
        section.words("fields", fields)
    };
    Some(Rights {
        fields: union(&sets?),
        verify: union(&verify.unwrap_or_default()),
        disclosure,
        duties: duties.unwrap_or_default(),
    })
}

fn union(sets: &[FieldSet]) -> FieldSet {
    sets.iter().fold(FieldSet::EMPTY, |all, set| all.or(set))
}

/// From when on the citizen sees the accesses; what each kind needs, and nothing else, must be
/// said.
pub(super) fn seen(section: &mut Section<'_>) -> Option<Visibility> {
    let named = section.has(VISIBILITY);
    let kind = section.optional_word(VISIBILITY, visibility);
    if named && kind.is_none() {
        return None;
    }
    let kind = kind.unwrap_or(Kind::Citizen);
    let days = needed(section, "delay_days", kind == Kind::Delayed, |section| {
        section.count("delay_days", MAX_DELAY_DAYS)
    });
    // Read by whoever reads the policy: its digest stands in every record.
    let basis = needed(section, "legal_basis", kind == Kind::Sealed, |section| {
        section.word("legal_basis", prose)
    });
    match kind {
        Kind::Citizen => Some(Visibility::Citizen),
        Kind::Delayed => days.map(|days| Visibility::Delayed { days: days.get() }),
        Kind::Sealed => basis.map(|_| Visibility::Sealed),
    }
}

/// A key that must be there in one case, and may not be in any other.
fn needed<T>(
    section: &mut Section<'_>,
    key: &str,
    is_needed: bool,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Option<T> {
    if is_needed {
        return read(section);
    }
    section.refuse(key, "does not fit the visibility");
    None
}

/// The kinds of visibility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Citizen,
    Delayed,
    Sealed,
}

const DUTIES: &str = "duties";
const VERIFY: &str = "verify";
const VISIBILITY: &str = "visibility";
/// Ten years: longer than records are kept.
const MAX_DELAY_DAYS: u32 = 3_653;
