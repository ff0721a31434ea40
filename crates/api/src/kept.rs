//! A message beside its bytes, so that they are computed once.
//!
//! prost computes the length of a message anew on every level above it; a record is hashed before
//! it is sent, and lies deep in an answer.
//!
//! *Invariant:* bytes that are kept are those of the message: to change it is to forget them.

use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::{Buf, BufMut, Bytes};
use prost::encoding::{DecodeContext, WireType};
use prost::{DecodeError, Message};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A message, and its bytes if they were computed before.
#[derive(Clone, Default)]
pub struct Kept<M> {
    message: Box<M>,
    bytes: Option<Bytes>,
}

impl<M: Message> Kept<M> {
    /// A message and its bytes.
    pub(crate) fn new(message: Box<M>, bytes: Bytes) -> Self {
        debug_assert_eq!(message.encoded_len(), bytes.len());
        Self {
            message,
            bytes: Some(bytes),
        }
    }
}

impl<M> From<Box<M>> for Kept<M> {
    fn from(message: Box<M>) -> Self {
        Self {
            message,
            bytes: None,
        }
    }
}

impl<M> Deref for Kept<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.message
    }
}

impl<M> DerefMut for Kept<M> {
    fn deref_mut(&mut self) -> &mut M {
        self.bytes = None;
        &mut self.message
    }
}

impl<M: PartialEq> PartialEq for Kept<M> {
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message
    }
}

impl<M: fmt::Debug> fmt::Debug for Kept<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl<M: Message> Message for Kept<M> {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        match &self.bytes {
            Some(bytes) => buf.put_slice(bytes),
            None => self.message.encode_raw(buf),
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        (**self).merge_field(tag, wire_type, buf, ctx)
    }

    fn encoded_len(&self) -> usize {
        match &self.bytes {
            Some(bytes) => bytes.len(),
            None => self.message.encoded_len(),
        }
    }

    fn clear(&mut self) {
        (**self).clear();
    }
}

impl<M: Serialize> Serialize for Kept<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.message.serialize(serializer)
    }
}

impl<'de, M: Deserialize<'de>> Deserialize<'de> for Kept<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;

    fn record() -> Box<v1::TaxRecord> {
        Box::new(v1::TaxRecord {
            personal_id: "999099000001".into(),
            ..Default::default()
        })
    }

    fn kept() -> Kept<v1::TaxRecord> {
        Kept::new(record(), record().encode_to_vec().into())
    }

    #[test]
    fn kept_bytes_are_sent_as_if_they_were_computed() {
        let view = |tax| v1::CitizenView {
            tax: Some(tax),
            ..Default::default()
        };
        let computed = view(Kept::from(record())).encode_to_vec();
        assert_eq!(view(kept()).encode_to_vec(), computed);
        assert_eq!(view(kept()).encoded_len(), computed.len());
        let read = v1::CitizenView::decode(&*computed).unwrap();
        assert_eq!(read, view(kept()));
        // That they are sent shows only where they are others.
        let other = Bytes::from(vec![0; kept().encoded_len()]);
        assert_eq!(Kept::new(record(), other.clone()).encode_to_vec(), other);
    }

    #[test]
    fn a_change_forgets_the_bytes() {
        let mut changed = kept();
        changed.tax_code = "999099000001-001".into();
        let read = v1::TaxRecord::decode(&*changed.encode_to_vec()).unwrap();
        assert_eq!(read, *changed);
        let mut merged = kept();
        merged.merge(&*changed.encode_to_vec()).unwrap();
        assert_eq!(merged.encode_to_vec(), changed.encode_to_vec());
        let mut cleared = kept();
        cleared.clear();
        assert!(cleared.encode_to_vec().is_empty());
    }
}
