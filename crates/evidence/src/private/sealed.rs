//! Sealed openings as they stand in an OPENING frame:
//! version (1) ‖ number of the intake key (8) ‖ record key under the intake key (60) ‖ openings under
//! the record key.

use super::aead::OVERHEAD;
use crate::keys::secret::SECRET_LEN;

/// The parts of sealed openings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sealed<'a> {
    /// The number of the intake key.
    pub(super) intake: u64,
    /// The record key under the intake key.
    pub(super) key: &'a [u8],
    /// The openings under the record key.
    pub(super) text: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// Appends everything before the openings.
    pub(super) fn write_head(out: &mut Vec<u8>, intake: u64, key: &[u8]) {
        out.push(VERSION);
        out.extend_from_slice(&intake.to_le_bytes());
        out.extend_from_slice(key);
    }

    /// Takes the parts apart; none if they are of another version, or cut off.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (intake, rest) = rest.split_first_chunk()?;
        let (key, text) = rest.split_at_checked(WRAPPED)?;
        Some(Self {
            intake: u64::from_le_bytes(*intake),
            key,
            text,
        })
    }
}

/// The bytes before the openings.
pub(super) const HEAD_LEN: usize = 1 + 8 + WRAPPED;
const VERSION: u8 = 1;
const WRAPPED: usize = SECRET_LEN + OVERHEAD;
/// What a record key under an intake key is labelled with.
pub(super) const INTAKE_LABEL: &[u8] = b"lienthong.intake/v1";
/// What openings under a record key are labelled with.
pub(super) const OPENINGS_LABEL: &[u8] = b"lienthong.openings/v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_openings_read_back_and_other_versions_do_not() {
        let mut bytes = Vec::new();
        Sealed::write_head(&mut bytes, 7, &[1; WRAPPED]);
        assert_eq!(bytes.len(), HEAD_LEN);
        bytes.extend_from_slice(b"text");
        let read = Sealed::read(&bytes).unwrap();
        assert_eq!((read.intake, read.text), (7, b"text".as_slice()));
        assert_eq!(read.key, [1; WRAPPED]);
        assert!(Sealed::read(&bytes[..HEAD_LEN - 1]).is_none());
        bytes[0] = 2;
        assert!(Sealed::read(&bytes).is_none());
    }
}
