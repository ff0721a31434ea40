//! Zeros ahead of the batches, so that a commit finds blocks that were written before.
//!
//! The first write to a preallocated block changes the extents of its file, and the sync behind it waits
//! for the journal of the file system: for milliseconds, now and then for twenty. The second write does
//! not. Under load a thread of its own writes the zeros. Not here: the few that the writer takes along
//! with a batch before that, or where the thread has not come yet.
//!
//! *Invariant:* the thread writes behind what it says it has reached, and batches go before that as
//! long as it runs.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use tokio::time::Instant;

use super::blocks::{BLOCK, Blocks};

/// How far a segment was written, with batches or with zeros.
#[derive(Debug)]
pub(super) struct Ahead {
    reached: u64,
    thread: Option<Zeroing>,
}

impl Ahead {
    /// A segment that was written up to there.
    pub(super) const fn at(reached: u64) -> Self {
        Self {
            reached,
            thread: None,
        }
    }

    /// True if everything before `end` was written. If not, no thread writes there any more.
    pub(super) fn covers(&mut self, end: u64) -> bool {
        if end <= self.reached {
            return true;
        }
        if let Some(thread) = &self.thread {
            self.reached = thread.reached();
            if end <= self.reached {
                return true;
            }
            self.stop();
        }
        end <= self.reached
    }

    /// Writes zeros behind what was written, to the end of the file, on a thread of its own. What it cannot
    /// write stays as it is: whoever writes there next meets the reason.
    pub(super) fn begin(&mut self, file: File, size: u64) {
        self.stop();
        self.thread = Zeroing::begin(file, self.reached..size);
    }

    /// Ends the thread, if there is one: it has written its last when this returns.
    pub(super) fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.shared.ends.store(true, Ordering::Relaxed);
            let shared = Arc::clone(&thread.shared);
            drop(thread);
            self.reached = shared.reached.load(Ordering::Acquire);
        }
    }
}

/// A thread that writes zeros, until it is dropped.
#[derive(Debug)]
struct Zeroing {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the writer and the thread tell each other.
#[derive(Debug)]
struct Shared {
    reached: AtomicU64,
    ends: AtomicBool,
}

impl Zeroing {
    /// None if there is no thread to be had.
    fn begin(file: File, range: Range<u64>) -> Option<Self> {
        let shared = Arc::new(Shared {
            reached: AtomicU64::new(range.start),
            ends: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("evidence-ahead".to_owned())
            .spawn(move || of_thread.zero(&file, range))
            .ok()?;
        Some(Self {
            shared,
            thread: Some(thread),
        })
    }

    fn reached(&self) -> u64 {
        self.shared.reached.load(Ordering::Acquire)
    }
}

impl Drop for Zeroing {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It does not panic, and has nothing to say.
            thread.join().ok();
        }
    }
}

impl Shared {
    fn zero(&self, file: &File, range: Range<u64>) {
        let mut zeros = Blocks::default();
        zeros.extend_zeros(CHUNK);
        let mut at = range.start.next_multiple_of(BLOCK as u64);
        while at + CHUNK as u64 <= range.end && !self.ends.load(Ordering::Relaxed) {
            let begun = Instant::now();
            if zeros.write_to(file, at).is_err() {
                return;
            }
            at += CHUNK as u64;
            self.reached.store(at, Ordering::Release);
            // While it changes the extents of a file that is written, syncs of that wait for the journal.
            thread::sleep(begun.elapsed() * REST);
        }
        // Or the first sync of a batch would wait for the journal. Its failure is found by that.
        file.sync_data().ok();
    }
}

/// How much is written at once: in a fraction of a millisecond, and as long the writer may have to wait.
const CHUNK: usize = 256 << 10;
/// How many times as long as it has written it rests, so that batches have the disk.
const REST: u32 = 4;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;

    const SIZE: u64 = 8 << 20;

    fn preallocated(dir: &tempfile::TempDir) -> File {
        let path = dir.path().join("segment");
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path);
        let file = file.unwrap();
        file.set_len(SIZE).unwrap();
        // Neither zeros nor a batch: what nobody wrote over is told from both.
        for at in (0..SIZE).step_by(BLOCK) {
            file.write_all_at(&[7; BLOCK], at).unwrap();
        }
        file
    }

    /// Blocks of ones from the beginning, each as soon as it is covered.
    fn write_behind(ahead: &mut Ahead, file: &File, blocks: u64) {
        for block in 0..blocks {
            let (at, end) = (block * BLOCK as u64, (block + 1) * BLOCK as u64);
            while !ahead.covers(end) {
                ahead.begin(file.try_clone().unwrap(), SIZE);
                thread::yield_now();
            }
            file.write_all_at(&[1; BLOCK], at).unwrap();
        }
    }

    fn bytes(file: &File, len: u64) -> Vec<u8> {
        let mut bytes = vec![0; len as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    #[test]
    fn no_batch_is_written_over_by_zeros() {
        let dir = tempfile::tempdir().unwrap();
        let file = preallocated(&dir);
        let mut ahead = Ahead::at(0);
        write_behind(&mut ahead, &file, 1_500);
        while !ahead.covers(SIZE) {
            ahead.begin(file.try_clone().unwrap(), SIZE);
            thread::yield_now();
        }
        ahead.stop();
        let bytes = bytes(&file, SIZE);
        let (batches, zeros) = bytes.split_at(1_500 * BLOCK);
        assert!(batches.iter().all(|byte| *byte == 1));
        assert!(zeros.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn nothing_is_written_once_it_is_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let file = preallocated(&dir);
        let mut ahead = Ahead::at(0);
        ahead.begin(file.try_clone().unwrap(), SIZE);
        ahead.stop();
        file.set_len(BLOCK as u64).unwrap();
        thread::yield_now();
        assert_eq!(file.metadata().unwrap().len(), BLOCK as u64);
        assert!(ahead.reached < SIZE, "it had time to end");
    }

    #[test]
    fn where_a_thread_cannot_write_nothing_is_covered() {
        let dir = tempfile::tempdir().unwrap();
        drop(preallocated(&dir));
        let file = File::open(dir.path().join("segment")).unwrap();
        let mut ahead = Ahead::at(BLOCK as u64);
        ahead.begin(file, SIZE);
        assert!(ahead.covers(BLOCK as u64));
        assert!(!ahead.covers(BLOCK as u64 + 1));
    }
}
