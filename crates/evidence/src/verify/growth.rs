//! The tree as it is made again from its leaves, held against every checkpoint of it on the way.

use super::VerifyError;
use crate::keys::VerifierKey;
use crate::note::{NoteError, SignedCheckpoint};
use crate::tree::{Edge, Hash, Tile};

/// A checkpoint that a log must agree with, and where it comes from.
#[derive(Clone, Debug)]
pub struct Witnessed {
    /// Where it comes from: a file, a witness.
    pub from: String,
    /// What it says.
    pub checkpoint: SignedCheckpoint,
}

/// A tree that grows, and what must be true of it when it has a certain size.
#[derive(Debug)]
pub(super) struct Growth {
    edge: Edge,
    /// The largest first.
    expected: Vec<Witnessed>,
}

impl Growth {
    /// An empty tree. Checkpoints that no known key has signed are refused.
    pub(super) fn new(
        mut expected: Vec<Witnessed>,
        origin: &str,
        keys: &[VerifierKey],
    ) -> Result<Self, VerifyError> {
        for Witnessed { from, checkpoint } in &expected {
            let bad = |problem| VerifyError::Checkpoint {
                from: from.clone(),
                problem,
            };
            checkpoint.verify(keys).map_err(bad)?;
            if checkpoint.checkpoint().origin != origin {
                return Err(bad(NoteError::OtherLog));
            }
        }
        expected.sort_by_key(|it| std::cmp::Reverse(it.checkpoint.checkpoint().size));
        let mut growth = Self {
            edge: Edge::default(),
            expected,
        };
        growth.compare()?;
        Ok(growth)
    }

    /// Adds the hash of a leaf; tells `full` of every tile that it fills.
    pub(super) fn add(
        &mut self,
        leaf: Hash,
        full: impl FnMut(Tile, &[Hash]),
    ) -> Result<(), VerifyError> {
        self.edge.add(leaf, full);
        self.compare()
    }

    /// The tree so far.
    pub(super) const fn edge(&self) -> &Edge {
        &self.edge
    }

    /// Refuses checkpoints of a size that the tree has not reached.
    pub(super) fn finish(self) -> Result<Edge, VerifyError> {
        match self.expected.first() {
            None => Ok(self.edge),
            Some(missed) => Err(VerifyError::SetBack {
                from: missed.from.clone(),
                size: missed.checkpoint.checkpoint().size,
                problem: format!("it has only {}", self.edge.size()),
            }),
        }
    }

    fn compare(&mut self) -> Result<(), VerifyError> {
        let size = self.edge.size();
        let due = |it: &mut Witnessed| it.checkpoint.checkpoint().size == size;
        while let Some(due) = self.expected.pop_if(due) {
            let checkpoint = due.checkpoint.checkpoint();
            if checkpoint.root != self.edge.root() {
                return Err(VerifyError::SetBack {
                    from: due.from,
                    size,
                    problem: "these are others".to_owned(),
                });
            }
        }
        Ok(())
    }
}
