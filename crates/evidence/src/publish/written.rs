//! A batch as it was written, handed on in memory; its buffer is used again when all are done with it.
//!
//! Fresh memory is not free: a buffer that goes round stays warm. Not here: files.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::frame::Frame;
use crate::receipt::Committed;
use crate::tree::Hash;

/// A durable batch.
pub(crate) struct Written {
    /// Its number.
    pub(crate) batch: u64,
    /// The sequence number of its first leaf.
    pub(crate) first: u64,
    bytes: Vec<u8>,
    /// What its leaves were signed with; none if it has none.
    committed: Option<Arc<Committed>>,
    buffers: Arc<Buffers>,
}

impl Written {
    pub(crate) const fn new(
        batch: u64,
        first: u64,
        bytes: Vec<u8>,
        committed: Option<Arc<Committed>>,
        buffers: Arc<Buffers>,
    ) -> Self {
        Self {
            batch,
            first,
            bytes,
            committed,
            buffers,
        }
    }

    /// Its frames, one behind the other.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its frames in order.
    pub(crate) fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let frame = Frame::read(rest).ok()?;
            rest = rest.get(frame.len()..)?;
            Some(frame)
        })
    }

    /// The hashes of its leaves in order.
    pub(crate) fn hashes(&self) -> &[Hash] {
        self.committed
            .as_ref()
            .map_or(&[], |committed| committed.tree.leaves())
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.buffers.put(std::mem::take(&mut self.bytes));
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written(batch {})", self.batch)
    }
}

/// Buffers that wait to be filled again.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// One of them, or a new one; the last that was put back, which is the warmest.
    pub(crate) fn take(&self) -> Vec<u8> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.pop().unwrap_or_default()
    }

    fn put(&self, mut buffer: Vec<u8>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.capacity() <= LARGEST && all.len() < MOST {
            buffer.clear();
            all.push(buffer);
        }
    }
}

/// A second of commits.
const MOST: usize = 512;
/// Some 60 exchanges; what is larger is rare.
const LARGEST: usize = 128 << 10;
