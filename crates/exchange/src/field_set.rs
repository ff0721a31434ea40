//! Sets of releasable fields, as bits.

use crate::{FIELDS, Field, Source, SourceSet};

const WORDS: usize = 4;

/// A set of releasable fields.
///
/// 256 bits, copied freely: admission, push-down and minimisation are bit operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldSet([u64; WORDS]);

impl FieldSet {
    /// The empty set.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// All fields of one source.
    #[must_use]
    pub const fn of(source: Source) -> Self {
        #[expect(
            clippy::indexing_slicing,
            reason = "a source's number is at most the number of sources"
        )]
        BY_SOURCE[source as usize]
    }

    /// All fields there are.
    #[must_use]
    pub fn all() -> Self {
        FIELDS.iter().map(|info| info.field).collect()
    }

    /// Adds a field.
    pub const fn insert(&mut self, field: Field) {
        let bit = field as usize;
        #[expect(
            clippy::indexing_slicing,
            reason = "a field number is below 256, see the test"
        )]
        {
            self.0[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// True if the field is in the set.
    #[must_use]
    pub fn contains(&self, field: Field) -> bool {
        let bit = field as usize;
        self.0
            .get(bit / 64)
            .is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }

    /// True if no field is in the set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, [0, 0, 0, 0])
    }

    /// The number of fields in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The fields in both sets.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    /// The fields in either set.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    /// The fields of this set that are not in the other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    /// The fields in the order of the catalogue.
    #[must_use]
    pub const fn iter(&self) -> FieldSetIter {
        FieldSetIter {
            rest: *self,
            word: 0,
        }
    }

    /// The sources that the fields belong to.
    #[must_use]
    pub fn sources(&self) -> SourceSet {
        let held = |source: &Source| !self.and(&Self::of(*source)).is_empty();
        Source::ALL.into_iter().filter(held).collect()
    }

    fn zip(&self, other: &Self, op: impl Fn(u64, u64) -> u64) -> Self {
        let mut out = [0; WORDS];
        for ((o, a), b) in out.iter_mut().zip(&self.0).zip(&other.0) {
            *o = op(*a, *b);
        }
        Self(out)
    }
}

/// The fields of each source, by its number; worked out by the compiler.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler works it out, and would not get past the end"
)]
static BY_SOURCE: [FieldSet; Source::ALL.len() + 1] = {
    let mut sets = [FieldSet::EMPTY; Source::ALL.len() + 1];
    let mut at = 0;
    while at < FIELDS.len() {
        sets[FIELDS[at].source as usize].insert(FIELDS[at].field);
        at += 1;
    }
    sets
};

impl FromIterator<Field> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        let mut set = Self::EMPTY;
        for field in fields {
            set.insert(field);
        }
        set
    }
}

impl IntoIterator for &FieldSet {
    type Item = Field;
    type IntoIter = FieldSetIter;

    fn into_iter(self) -> FieldSetIter {
        self.iter()
    }
}

/// The fields of a set, in the order of the catalogue.
#[derive(Clone, Debug)]
pub struct FieldSetIter {
    rest: FieldSet,
    word: usize,
}

impl Iterator for FieldSetIter {
    type Item = Field;

    fn next(&mut self) -> Option<Field> {
        loop {
            let word = self.rest.0.get_mut(self.word)?;
            if *word == 0 {
                self.word += 1;
                continue;
            }
            let bit = word.trailing_zeros() as usize;
            *word &= *word - 1;
            return FIELDS.get(self.word * 64 + bit).map(|info| info.field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_own_bit_and_place() {
        assert!(FIELDS.len() <= 64 * WORDS);
        for (place, info) in FIELDS.iter().enumerate() {
            assert_eq!(info.field as usize, place);
            assert_eq!(Field::from_path(info.path), Some(info.field));
            for previous in [
                None,
                Some(info.field),
                FIELDS.get(place + 1).map(|i| i.field),
            ] {
                let found = Field::from_path_after(previous, info.path);
                assert_eq!(found, Some(info.field));
            }
        }
        assert_eq!(FieldSet::all().iter().count(), FIELDS.len());
        assert_eq!(Field::from_path_after(None, "population"), None);
    }

    #[test]
    fn set_operations_are_those_of_sets() {
        let tax = FieldSet::of(Source::Tax);
        let all = FieldSet::all();
        assert_eq!(all.and(&tax), tax);
        assert!(all.minus(&tax).and(&tax).is_empty());
        assert_eq!(all.minus(&tax).or(&tax), all);
        assert_eq!(tax.sources(), SourceSet::EMPTY.with(Source::Tax));
    }
}
