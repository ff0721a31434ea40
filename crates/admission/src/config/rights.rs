//! What an agreement grants, and what the citizen sees of it.

use exchange::{Field, FieldSet, Mask};

use super::words::{distinct, duty, fields, maskable, prose, visibility};
use crate::reader::Section;
use crate::{Duty, Visibility};

/// What an agreement grants.
#[derive(Debug)]
pub(super) struct Rights {
    /// The fields that may be asked for.
    pub(super) fields: FieldSet,
    /// Those of them of which only a part may be released.
    pub(super) masked: FieldSet,
    /// What may be done with the record.
    pub(super) duties: Vec<Duty>,
}

/// Reads what is granted: a field, masked or not, or a duty at least.
pub(super) fn rights(section: &mut Section<'_>) -> Option<Rights> {
    let suffices = [DUTIES].into_iter().chain(MASKS.map(|(key, _)| key));
    let may_lack = suffices.into_iter().any(|key| section.has(key));
    let duties = section.optional_words(DUTIES, duty).map(distinct);
    let mut named = FieldSet::EMPTY;
    let mut granted = |text: &str| {
        let set = fields(text)?;
        named = named.or(&Field::from_path(text).into_iter().collect());
        Ok(set)
    };
    let sets = if may_lack {
        section.any_words("fields", &mut granted)
    } else {
        section.words("fields", &mut granted)
    };
    let mut masked = FieldSet::EMPTY;
    for (key, mask) in MASKS {
        let fields = section.optional_words(key, |text| maskable(text, mask, &named));
        masked = fields
            .iter()
            .flatten()
            .fold(masked, |all, field| all.or(&[*field].into_iter().collect()));
    }
    let fields = sets?.iter().fold(masked, |all, set| all.or(set));
    Some(Rights {
        fields,
        masked,
        duties: duties.unwrap_or_default(),
    })
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
/// Granted in a form that leaves only a part: the key of each form.
const MASKS: [(&str, Mask); 3] = [
    ("last_four_only", Mask::LastFour),
    ("year_only", Mask::Year),
    ("province_only", Mask::Province),
];
const VISIBILITY: &str = "visibility";
/// Ten years: longer than records are kept.
const MAX_DELAY_DAYS: u32 = 3_653;
