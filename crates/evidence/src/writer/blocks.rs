//! The end of a segment as whole blocks, in memory that the disk can read by itself.
//!
//! The log is written past the page cache: a record is read back only once, to be published, and
//! fresh pages for all of them are dear. Such writes begin and end at a block, in the file and in
//! memory; so the block that the log ends in is kept here, and written again with what follows.

use std::fs::File;
use std::io;

use rustix::io::Errno;

/// A multiple of the logical block of every disk there is; also the page of the cache, for file
/// systems that know no other way.
pub(crate) const BLOCK: usize = 4096;

/// Bytes that begin at a block.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    memory: Vec<u8>,
    /// Where in the memory the first block begins.
    start: usize,
    len: usize,
}

impl Blocks {
    /// How many bytes there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Appends bytes.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        let begin = self.start + self.len;
        if let Some(free) = self.memory.get_mut(begin..begin + bytes.len()) {
            free.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    /// Appends zeros.
    pub(crate) fn extend_zeros(&mut self, count: usize) {
        self.reserve(count);
        let begin = self.start + self.len;
        if let Some(free) = self.memory.get_mut(begin..begin + count) {
            free.fill(0);
            self.len += count;
        }
    }

    /// Writes all of them, filled up with zeros to whole blocks, at a place that is one.
    pub(crate) fn write_to(&mut self, file: &File, mut at: u64) -> io::Result<()> {
        self.extend_zeros(self.len.next_multiple_of(BLOCK) - self.len);
        let mut rest = self.bytes();
        while !rest.is_empty() {
            match rustix::io::pwrite(file, rest, at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    at += written as u64;
                    rest = rest.get(written..).unwrap_or_default();
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Keeps of the first `end` bytes what lies in the block they end in.
    pub(crate) fn keep_last(&mut self, end: usize) {
        let from = end - end % BLOCK;
        let kept = self.start + from..self.start + end;
        if kept.end <= self.memory.len() {
            self.memory.copy_within(kept, self.start);
            self.len = end - from;
        }
    }

    /// Forgets all of them.
    pub(crate) const fn clear(&mut self) {
        self.len = 0;
    }

    fn bytes(&self) -> &[u8] {
        let all = self.memory.get(self.start..self.start + self.len);
        all.unwrap_or_default()
    }

    fn reserve(&mut self, more: usize) {
        let needed = self.len + more;
        if self.start + needed <= self.memory.len() {
            return;
        }
        // Never grown in place: the memory would move, and its beginning with it.
        let mut memory = vec![0; (2 * needed).next_multiple_of(BLOCK) + BLOCK];
        let start = memory.as_ptr().align_offset(BLOCK);
        if let Some(free) = memory.get_mut(start..start + self.len) {
            free.copy_from_slice(self.bytes());
        }
        (self.memory, self.start) = (memory, start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However they grow, the bytes stay the same and begin at a block.
        #[test]
        fn the_bytes_are_those_that_were_appended(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9000), 0..9),
        ) {
            let (mut blocks, mut model) = (Blocks::default(), Vec::new());
            for part in &parts {
                blocks.extend(part);
                model.extend_from_slice(part);
                prop_assert_eq!(blocks.bytes(), &model[..]);
                prop_assert_eq!(blocks.bytes().as_ptr().align_offset(BLOCK) * usize::from(blocks.len() > 0), 0);
                if part.len() % 3 == 0 {
                    blocks.extend_zeros(5);
                    blocks.keep_last(model.len());
                    model.drain(..model.len() / BLOCK * BLOCK);
                    prop_assert_eq!(blocks.bytes(), &model[..]);
                }
            }
        }
    }
}
