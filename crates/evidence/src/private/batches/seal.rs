//! The key of one job, derived from a key that is derived from the master key of the keyring.

use super::super::aead::Key;
use super::super::sql::Value;
use super::BatchKey;
use crate::Error;
use crate::keys::secret::{Secret, derive};
use crate::mac::Mac;
use crate::tree::{Hash, sha256};
use zeroize::Zeroizing;

/// Seals and opens what belongs to a job.
#[derive(Debug)]
pub(super) struct Seal {
    key: Key,
    digests: Secret,
    tag: [u8; TAG_LEN],
}

/// What is sealed; each opens as what it was sealed as alone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// What all questions have in common.
    Plan,
    /// The question at a place.
    Item(u64),
    /// The result of a number.
    Result(u64),
}

impl Seal {
    /// The key of a job.
    pub(super) fn of(base: &Secret, job: &BatchKey) -> Result<Self, Error> {
        let tag = tag_of(job);
        let own = derive(base, &tag)?;
        let key = Key::new(&own).map_err(|_| Error::Crypto("use the key of a batch job"))?;
        let digests = derive(&own, DIGESTS)?;
        Ok(Self { key, digests, tag })
    }

    /// The key of its rows.
    pub(super) fn job(&self) -> Value {
        Value::Bytes(self.tag.to_vec())
    }

    /// What tells its message from another one.
    pub(super) fn digest(&self, message: &[u8]) -> Hash {
        Mac::new(self.digests.as_bytes()).of(&[message])
    }

    pub(super) fn seal(&self, part: Part, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut sealed = Vec::new();
        let done = self.key.seal(&part.label(), plain, &mut sealed);
        done.map_err(|_| Error::Crypto("seal a part of a batch job"))?;
        Ok(sealed)
    }

    pub(super) fn open(&self, part: Part, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let opened = self.key.open(&part.label(), sealed);
        opened.ok_or(Error::Crypto("open a part of a batch job"))
    }
}

impl Part {
    fn label(self) -> [u8; 9] {
        let (kind, number) = match self {
            Self::Plan => (b'p', 0),
            Self::Item(place) => (b'i', place),
            Self::Result(number) => (b'r', number),
        };
        let mut label = [kind; 9];
        let (_, rest) = label.split_at_mut(1);
        rest.copy_from_slice(&number.to_be_bytes());
        label
    }
}

/// What stands for a job in the store.
pub(super) fn tag(job: &BatchKey) -> Value {
    Value::Bytes(tag_of(job).to_vec())
}

/// Neither an agency nor a system has a space in it.
fn tag_of(job: &BatchKey) -> [u8; TAG_LEN] {
    let id = job.id.to_string();
    let parts = [job.agency.as_str(), " ", job.system.as_str(), " ", &id];
    let hash = sha256(&parts.map(str::as_bytes));
    hash.first_chunk().copied().unwrap_or_default()
}

const TAG_LEN: usize = 16;
const DIGESTS: &[u8] = b"lienthong contents of batch jobs v1";
