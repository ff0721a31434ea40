//! Salted commitments to personal values: `c:` + base64url(HMAC-SHA-256(salt, name ‖ 0x00 ‖ value)).
//!
//! A plain hash of a citizen's number is the number: 10¹² guesses take minutes. Not here: who
//! keeps the salts.

use std::fmt;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64_simd::{AsOut as _, URL_SAFE_NO_PAD};
use serde::{Serialize, Serializer};
use zeroize::Zeroize as _;

use crate::mac::Mac;

/// The length of a salt.
pub const SALT_LEN: usize = 32;

/// The salt of one commitment: with it, who holds the value can prove that it was recorded.
pub type Salt = [u8; SALT_LEN];

/// A commitment as it stands in a leaf.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Commitment([u8; TEXT_LEN]);

/// `c:` and 32 bytes in base64 without padding.
const TEXT_LEN: usize = 2 + 43;

impl Commitment {
    /// Commits to the value of a field.
    #[must_use]
    pub fn new(salt: &Salt, field: &str, value: &[u8]) -> Self {
        let tag = Mac::new(salt).of(&[field.as_bytes(), &[0], value]);
        let mut text = [0; TEXT_LEN];
        let [c, colon, rest @ ..] = &mut text;
        (*c, *colon) = (b'c', b':');
        // A tag of HMAC-SHA-256 has 32 bytes, which are 43 characters: the room there is.
        let written = URL_SAFE_NO_PAD.encode(&tag, rest.as_mut_slice().as_out());
        debug_assert_eq!(written.len(), TEXT_LEN - 2);
        Self(text)
    }

    /// The commitment that an opening opens.
    #[must_use]
    pub fn of(opening: &exchange::Opening) -> Self {
        Self::new(&opening.salt, &opening.field, &opening.value)
    }

    /// The text in the leaf.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Serialize for Commitment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The salts of one record, drawn from the system at once. They stand in one place until they are
/// wiped: what is moved about is the way to them.
pub(crate) struct Salts(Box<[u8; SALT_LEN * Self::COUNT]>);

impl Salts {
    /// Those of who and why, and one for each source in the contract.
    const COUNT: usize = Self::FIRST_SOURCE + exchange::Source::ALL.len();
    const FIRST_SOURCE: usize = Personal::All as usize + 1;

    /// Draws fresh salts.
    pub(crate) fn draw(random: &SystemRandom) -> Result<Self, Unspecified> {
        let mut salts = Self(Box::new([0; SALT_LEN * Self::COUNT]));
        random.fill(salts.0.as_mut_slice())?;
        Ok(salts)
    }

    /// The salt of a field of the head.
    pub(crate) fn of(&self, field: Personal) -> &Salt {
        self.at(field as usize)
    }

    /// The salt of the record that a source gave.
    pub(crate) fn of_source(&self, source: exchange::Source) -> &Salt {
        let place = exchange::Source::ALL.iter().position(|s| *s == source);
        self.at(Self::FIRST_SOURCE + place.unwrap_or_default())
    }

    fn at(&self, place: usize) -> &Salt {
        let (salts, _) = self.0.as_chunks::<SALT_LEN>();
        #[expect(
            clippy::indexing_slicing,
            reason = "a place is below COUNT: a discriminant of Personal, or a position in ALL"
        )]
        &salts[place]
    }
}

impl Drop for Salts {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Salts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salts(…)")
    }
}

/// The personal values of a leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Personal {
    Subject,
    Officer,
    Dossier,
    Consent,
    Reason,
    /// The person whom another number turned out to be of.
    Who,
    /// What a verification came to, and what each source said.
    Verdict,
    /// Everything that a sealed record hides, as far as it is known before the answers.
    Tried,
    /// Everything that a sealed record hides.
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `hmac` and `base64`: the text holds both letters of base64url alone.
    #[test]
    fn a_commitment_is_an_hmac_in_base64url() {
        let salt: Salt = std::array::from_fn(|place| u8::try_from(place).unwrap());
        let commitment = Commitment::new(&salt, "sub", b"v2");
        let expected = "c:bkxj-Ds0eB5lQHB_tOBPVV6xOKJwF9_bmaHiWRlP2q8";
        assert_eq!(commitment.as_str(), expected);
    }
}
