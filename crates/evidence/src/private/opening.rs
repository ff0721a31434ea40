//! Openings: what the commitments of a leaf hide, and the salts that prove it.

use std::fmt;

use exchange::Opening;
use zeroize::Zeroize;

use crate::commitment::{SALT_LEN, Salt};

/// The openings of one record on their way to be sealed, one after the other:
/// length of name (1 byte) ‖ name ‖ salt (32) ‖ length of value (2, little-endian) ‖ value.
#[derive(Default)]
pub(crate) struct Openings(Vec<u8>);

impl Openings {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self::with_room(ROOM)
    }

    /// None yet, with room for so many bytes: what grows leaves copies of itself behind.
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Adds one. Names are our own and short; a value is capped at the door.
    pub(crate) fn push(&mut self, field: &str, salt: &Salt, value: &[u8]) {
        let name = u8::try_from(field.len()).unwrap_or(u8::MAX);
        let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.make_room(1 + field.len() + SALT_LEN + 2 + value.len());
        self.0.push(name);
        self.0.extend_from_slice(field.as_bytes());
        self.0.extend_from_slice(salt);
        self.0.extend_from_slice(&len.to_le_bytes());
        let value = value.get(..usize::from(len)).unwrap_or(value);
        self.0.extend_from_slice(value);
    }

    /// Grows without leaving a copy behind that nobody wipes.
    fn make_room(&mut self, more: usize) {
        if self.0.capacity() - self.0.len() < more {
            let mut larger = Vec::with_capacity((self.0.len() + more).max(ROOM));
            larger.extend_from_slice(&self.0);
            std::mem::replace(&mut self.0, larger).zeroize();
        }
    }

    /// True if there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what [`Openings::push`] has written; none if it is anything else.
    pub(super) fn parse(mut bytes: &[u8]) -> Option<Vec<Opening>> {
        let mut all = Vec::new();
        while let Some((name, rest)) = bytes.split_first() {
            let (field, rest) = rest.split_at_checked(usize::from(*name))?;
            let (salt, rest) = rest.split_first_chunk::<SALT_LEN>()?;
            let (len, rest) = rest.split_first_chunk()?;
            let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
            all.push(Opening {
                field: std::str::from_utf8(field).ok()?.to_owned(),
                salt: *salt,
                value: value.to_vec(),
            });
            bytes = rest;
        }
        Some(all)
    }
}

impl Drop for Openings {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Openings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Openings(…)")
    }
}

/// Room for who was asked about, the officer and a reason.
const ROOM: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn openings_read_back(
            all in prop::collection::vec(("[a-z.]{1,20}", any::<Salt>(), prop::collection::vec(any::<u8>(), 0..300)), 0..6),
            cut in 1..30_usize,
        ) {
            let mut openings = Openings::new();
            for (field, salt, value) in &all {
                openings.push(field, salt, value);
            }
            let read = Openings::parse(openings.bytes()).unwrap();
            prop_assert_eq!(read.len(), all.len());
            for (opening, (field, salt, value)) in read.iter().zip(&all) {
                prop_assert_eq!((&opening.field, &opening.salt, &opening.value), (field, salt, value));
            }
            let len = openings.bytes().len();
            if len > 0 {
                let cut = Openings::parse(&openings.bytes()[..len.saturating_sub(cut)]);
                prop_assert!(cut.is_none_or(|fewer| fewer.len() < all.len()));
            }
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Openings::parse(&bytes));
        }
    }
}
