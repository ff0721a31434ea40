//! What one releasable datum is: the enum is generated from the options of the contract.

use std::sync::LazyLock;

use crate::Source;

mod generated;
mod mask;

pub use generated::{FIELDS, Field};
pub use mask::Mask;

/// How delicate a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    /// Ordinary personal data.
    Basic,
    /// Sensitive personal data (Law 91/2025/QH15: health, religion, biometrics and the like).
    Sensitive,
    /// Never shown without a legal basis of its own.
    Sealed,
}

/// What the catalogue says of a field.
#[derive(Debug)]
pub struct FieldInfo {
    /// The field.
    pub field: Field,
    /// Its id everywhere: mask path, agreement entry, record entry. `population.birth_date`.
    pub path: &'static str,
    /// The store that holds it.
    pub source: Source,
    /// The store whose word counts when two disagree.
    pub authority: Source,
    /// How delicate it is.
    pub sensitivity: Sensitivity,
    /// Its Vietnamese name.
    pub title_vi: &'static str,
    /// Its English name.
    pub title_en: &'static str,
    /// Its type in the contract.
    pub kind: &'static str,
    /// True if it is not verified against the agency's own specification.
    pub unconfirmed: bool,
    /// In which form an agreement may grant it instead of its value, if in any.
    pub mask: Option<Mask>,
}

impl Field {
    /// What the catalogue says of the field.
    #[must_use]
    pub fn info(self) -> &'static FieldInfo {
        #[expect(
            clippy::indexing_slicing,
            reason = "FIELDS has one row per field, in order"
        )]
        &FIELDS[self as usize]
    }

    /// Its id: `population.birth_date`.
    #[must_use]
    pub fn path(self) -> &'static str {
        self.info().path
    }

    /// The field of that path.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        let place = BY_PATH.binary_search_by_key(&path, |field| field.path());
        place.ok().and_then(|place| BY_PATH.get(place)).copied()
    }

    /// The same, for a path that likely names the field that follows `previous` in the catalogue:
    /// most masks are in its order, and then nothing is searched.
    #[must_use]
    pub fn from_path_after(previous: Option<Self>, path: &str) -> Option<Self> {
        let next = FIELDS.get(previous.map_or(0, |field| field as usize + 1));
        let next = next.filter(|info| info.path == path);
        next.map(|info| info.field)
            .or_else(|| Self::from_path(path))
    }
}

/// The fields in the order of their paths: a mask names up to all of them, and searching them this
/// way costs less than hashing a path.
static BY_PATH: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let mut fields: Vec<Field> = FIELDS.iter().map(|info| info.field).collect();
    fields.sort_unstable_by_key(|field| field.path());
    fields
});
