//! What stands for a request id and for the content of a question: keyed hashes.
//!
//! The keys are made of the master key, so that a node that starts again has the same, and so have all
//! nodes with one database.
//!
//! *Invariant:* whoever has the database and not the master key learns that a question was asked
//! again, and nothing of it.

use std::fmt;

use exchange::{Caller, RequestId};

use crate::Error;
use crate::keys::secret::{self, Secret};
use crate::mac::Mac;
use crate::tree::Hash;

/// A caller and its request id. HMAC-SHA-256, its first 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestTag(pub(super) [u8; TAG_LEN]);

/// What was asked. HMAC-SHA-256, its first 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentTag(pub(super) [u8; TAG_LEN]);

/// The keys of both.
pub(super) struct Keys {
    id: Mac,
    content: Mac,
}

impl Keys {
    pub(super) fn new(master: &Secret) -> Result<Self, Error> {
        let key = |label: &[u8]| {
            let made = secret::derive(master, &[LABEL, label].concat())?;
            Ok::<_, Error>(Mac::new(made.as_bytes()))
        };
        Ok(Self {
            id: key(b"id")?,
            content: key(b"content")?,
        })
    }

    pub(super) fn id(&self, caller: &Caller, id: RequestId) -> RequestTag {
        // Neither name has a zero in it.
        RequestTag(head(&self.id.of(&[
            caller.agency().as_str().as_bytes(),
            &[0],
            caller.system().as_str().as_bytes(),
            &[0],
            id.uuid().as_bytes(),
        ])))
    }

    pub(super) fn content(&self, method: &str, message: &[u8]) -> ContentTag {
        let whole = self.content.of(&[method.as_bytes(), &[0], message]);
        ContentTag(head(&whole))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl RequestTag {
    /// Eight of its bytes: as good as any hash of it, since nobody can choose them.
    #[must_use]
    pub const fn bits(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Debug for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestTag(…)")
    }
}

impl fmt::Debug for ContentTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentTag(…)")
    }
}

fn head(tag: &Hash) -> [u8; TAG_LEN] {
    tag.first_chunk().copied().unwrap_or_default()
}

const TAG_LEN: usize = 16;
const LABEL: &[u8] = b"lienthong.request-ids/v1 ";

#[cfg(test)]
mod tests {
    use exchange::{AgencyCode, SystemId};

    use super::*;

    fn caller(agency: &str, system: &str) -> Caller {
        let agency = AgencyCode::parse(agency).unwrap();
        Caller::new(agency, SystemId::parse(system).unwrap(), "ab")
    }

    #[test]
    fn a_tag_hangs_on_the_key_and_on_every_part() {
        let [keys, same, other] =
            [[1; 32], [1; 32], [2; 32]].map(|it| Keys::new(&Secret::new(&it)).unwrap());
        let (id, desk) = (RequestId::fresh(), caller("H55", "desk"));
        let tag = keys.id(&desk, id);
        assert_eq!(tag, same.id(&desk, id));
        for another in [
            other.id(&desk, id),
            keys.id(&caller("H5", "5desk"), id),
            keys.id(&caller("H55", "des"), id),
            keys.id(&desk, RequestId::fresh()),
        ] {
            assert_ne!(tag, another);
        }
        let content = keys.content("lookup", b"question");
        assert_eq!(content, same.content("lookup", b"question"));
        for another in [
            other.content("lookup", b"question"),
            keys.content("resolve", b"question"),
            keys.content("lookup", b"questions"),
        ] {
            assert_ne!(content, another);
        }
    }
}
