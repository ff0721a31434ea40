//! What carries over from one batch to the next: numbers that only grow, and the running hash.
//!
//! The writer advances it by making batches, the reader by checking them; a segment's head holds
//! its state, so that reading can begin at any segment. Not here: files.

use aws_lc_rs::digest;

use crate::frame::{self, Frame, KEY_LEN, Kind};
use crate::leaf::{self, MAX_TS, MIN_TS};
use crate::tree::{Hash, leaf_hash, sha256, to_hash};

/// The state of a log between two batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The number of the next batch.
    pub(crate) batch: u64,
    /// The sequence number of the next leaf.
    pub(crate) seq: u64,
    /// The key of the next exchange, at least.
    pub(crate) key: u64,
    /// The time of the last leaf.
    pub(crate) ts: u64,
    /// The hash over everything up to here.
    pub(crate) running: Hash,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            batch: 0,
            seq: 0,
            key: 1,
            ts: MIN_TS,
            running: [0; 32],
        }
    }
}

/// What the trailer of a batch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    pub(crate) batch: u64,
    pub(crate) leaves: u32,
    pub(crate) running: Hash,
}

impl Trailer {
    /// batch, leaves, running hash.
    pub(crate) const LEN: usize = 8 + 4 + 32;

    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let payload: &[u8; Self::LEN] = payload.try_into().ok()?;
        let (batch, rest) = payload.split_first_chunk()?;
        let (leaves, running) = rest.split_first_chunk()?;
        Some(Self {
            batch: u64::from_le_bytes(*batch),
            leaves: u32::from_le_bytes(*leaves),
            running: running.try_into().ok()?,
        })
    }

    fn to_frame(self, next_seq: u64) -> Vec<u8> {
        let mut payload = Vec::with_capacity(Self::LEN);
        payload.extend_from_slice(&self.batch.to_le_bytes());
        payload.extend_from_slice(&self.leaves.to_le_bytes());
        payload.extend_from_slice(&self.running);
        frame::whole(Kind::Batch, next_seq, &payload)
    }
}

/// A batch that is ready to be written.
#[derive(Debug)]
pub(crate) struct Bound {
    /// The sequence number of its first leaf.
    pub(crate) first: u64,
    /// The hashes of its leaves.
    pub(crate) hashes: Vec<Hash>,
    /// Its trailer, a whole frame.
    pub(crate) trailer: Vec<u8>,
}

impl Chain {
    /// Gives every frame of a batch its place and every leaf its time, and makes the trailer.
    /// `visit` is told of every OPEN, LEAF and OPENING: its kind and the key of its exchange.
    pub(crate) fn bind(
        &mut self,
        frames: &mut [u8],
        now_ms: u64,
        mut visit: impl FnMut(Kind, u64),
    ) -> Bound {
        let ts = now_ms.clamp(self.ts, MAX_TS);
        let first = self.seq;
        let mut link = Link::new(&self.running);
        let mut hashes = Vec::new();
        let mut rest = frames;
        while let Some((kind, whole, tail)) = frame::split_first_mut(rest) {
            let key = key_of(whole);
            let json = whole
                .get_mut(frame::HEAD_LEN + KEY_LEN..)
                .unwrap_or_default();
            let seq = match kind {
                Kind::Leaf => {
                    leaf::stamp(json, ts);
                    let hash = leaf_hash(json);
                    hashes.push(hash);
                    link.add(kind as u8, key, &hash);
                    self.seq += 1;
                    self.seq - 1
                }
                Kind::Open | Kind::Opening | Kind::Segment | Kind::Batch | Kind::Newer => {
                    link.add(kind as u8, key, &open_hash(json));
                    0
                }
            };
            frame::finish(whole, seq);
            self.key = self.key.max(key + 1);
            visit(kind, key);
            rest = tail;
        }
        if !hashes.is_empty() {
            self.ts = ts;
        }
        self.running = link.finish();
        let trailer = Trailer {
            batch: self.batch,
            leaves: u32::try_from(hashes.len()).unwrap_or(u32::MAX),
            running: self.running,
        };
        self.batch += 1;
        Bound {
            first,
            hashes,
            trailer: trailer.to_frame(self.seq),
        }
    }

    /// Advances over a batch that was read; says what does not fit.
    pub(crate) fn follow(
        &mut self,
        frames: &[Frame<'_>],
        trailer: &Frame<'_>,
    ) -> Result<(), &'static str> {
        let says = Trailer::read(trailer.payload).ok_or("a batch trailer has the wrong length")?;
        let mut next = self.clone();
        let mut link = Link::new(&self.running);
        for frame in frames {
            let (key, json) = frame.body()?;
            let hash = if frame.kind == Kind::Leaf {
                if frame.seq != next.seq {
                    return Err("a sequence number is missing or repeated");
                }
                let ts = leaf::ts(json).ok_or("a leaf has no time")?;
                if ts < next.ts {
                    return Err("the time of a leaf lies before that of the leaf before it");
                }
                (next.seq, next.ts) = (next.seq + 1, ts);
                leaf_hash(json)
            } else {
                open_hash(json)
            };
            link.add(frame.byte, key, &hash);
            next.key = next.key.max(key.saturating_add(1));
        }
        next.running = link.finish();
        let leaves = next.seq - self.seq;
        if says.batch != self.batch || u64::from(says.leaves) != leaves || trailer.seq != next.seq {
            return Err("a batch trailer does not count its batch");
        }
        if says.running != next.running {
            return Err("the running hash does not fit");
        }
        next.batch += 1;
        *self = next;
        Ok(())
    }
}

/// The running hash: SHA-256(previous ‖ for each frame: kind ‖ key ‖ hash of what follows it).
struct Link(digest::Context);

impl Link {
    fn new(previous: &Hash) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(previous);
        Self(context)
    }

    fn add(&mut self, kind: u8, key: u64, hash: &Hash) {
        self.0.update(&[kind]);
        self.0.update(&key.to_le_bytes());
        self.0.update(hash);
    }

    fn finish(self) -> Hash {
        to_hash(&self.0.finish())
    }
}

fn open_hash(json: &[u8]) -> Hash {
    sha256(&[&[2], json])
}

/// The key in a whole OPEN, LEAF or OPENING frame.
fn key_of(whole: &[u8]) -> u64 {
    let payload = whole.get(frame::HEAD_LEN..).unwrap_or_default();
    payload
        .first_chunk::<KEY_LEN>()
        .map_or(0, |key| u64::from_le_bytes(*key))
}
