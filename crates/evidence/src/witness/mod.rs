//! A witness: it cosigns a log's checkpoints as long as each continues the one before.
//!
//! The protocol is <https://c2sp.org/tlog-witness>; here is what a request comes to. Not here: HTTP,
//! and the log's side of it (`cosign`).
//!
//! *Invariant:* what is cosigned is durable first, and of each log only ever grows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use exchange::Clock;

mod answer;
mod request;

pub use answer::{Answer, SIZE_TYPE};
pub use request::Request;
pub(crate) use request::parse_size;

use crate::Error;
use crate::keys::{CosigningKeys, VerifierKey};
use crate::note::{Checkpoint, NoteError};
use crate::publish::read_checkpoint;
use crate::replace::replace_durably;
use crate::tree::{proof, root_of_nothing};

/// A witness of some logs.
#[derive(Debug)]
pub struct Witness {
    dir: PathBuf,
    keys: CosigningKeys,
    logs: Vec<VerifierKey>,
    clock: Arc<dyn Clock>,
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The request has not the form of the protocol, or its old size is above the new one. 400.
    #[error("the request {0}")]
    Malformed(&'static str),
    /// No log of that origin is known. 404.
    #[error("no log of that origin is known")]
    UnknownLog,
    /// None of the keys that are known of the log has signed. 403.
    #[error("the checkpoint {0}")]
    Unsigned(NoteError),
    /// The latest checkpoint that was cosigned has another size than the request says. 409.
    #[error("the latest checkpoint that was cosigned has {0} records")]
    Stale(u64),
    /// The same size, but other records. 409.
    #[error("another tree of {0} records was cosigned")]
    Fork(u64),
    /// The proof does not show that the log has only grown. 422.
    #[error("the proof does not show that the log has only grown")]
    Inconsistent,
    /// The state of the witness cannot be read or written. 500.
    #[error("the state of the witness cannot be kept")]
    State(#[source] Error),
}

impl Witness {
    /// The witness of a directory, in which its keys and what it has seen are kept; made if it is
    /// not there.
    ///
    /// # Errors
    /// The name is none, or a file cannot be read or written.
    pub fn open(
        dir: &Path,
        name: &str,
        logs: Vec<VerifierKey>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let keys = CosigningKeys::create_if_missing(&dir.join("private"), name)?;
        Ok(Self {
            dir: dir.to_owned(),
            keys,
            logs,
            clock,
        })
    }

    /// Its public keys, for policies.
    #[must_use]
    pub fn keys(&self) -> [VerifierKey; 2] {
        self.keys.public()
    }

    /// Answers a request: the lines with its cosignatures.
    ///
    /// # Errors
    /// The checkpoint is not cosigned.
    pub fn add_checkpoint(&mut self, request: &str) -> Result<String, Refused> {
        let request = Request::parse(request).map_err(Refused::Malformed)?;
        let checkpoint = request.checkpoint.checkpoint().clone();
        let ours = |key: &&VerifierKey| key.name() == checkpoint.origin;
        let keys: Vec<VerifierKey> = self.logs.iter().filter(ours).cloned().collect();
        if keys.is_empty() {
            return Err(Refused::UnknownLog);
        }
        request
            .checkpoint
            .verify(&keys)
            .map_err(Refused::Unsigned)?;
        if request.old > checkpoint.size {
            return Err(Refused::Malformed("has an old size above the new one"));
        }
        let file = self.file(&checkpoint.origin);
        let seen = read_checkpoint(&file).map_err(Refused::State)?;
        let seen = seen.map(|signed| signed.checkpoint().clone());
        let (size, root) = seen.map_or_else(|| (0, root_of_nothing()), |it| (it.size, it.root));
        if request.old != size {
            return Err(Refused::Stale(size));
        }
        if size == checkpoint.size && root != checkpoint.root {
            return Err(Refused::Fork(size));
        }
        let new = (checkpoint.size, &checkpoint.root);
        if !proof::is_consistent((size, &root), new, &request.proof) {
            return Err(Refused::Inconsistent);
        }
        let text = request.checkpoint.to_string();
        replace_durably(&file, 0o644, text.as_bytes()).map_err(Refused::State)?;
        self.cosign(&checkpoint).map_err(Refused::State)
    }

    fn cosign(&self, checkpoint: &Checkpoint) -> Result<String, Error> {
        let time = u64::try_from(self.clock.now().as_second()).unwrap_or(0);
        let lines = self.keys.cosign(checkpoint, time)?;
        Ok(lines.iter().map(ToString::to_string).collect())
    }

    /// Where the latest checkpoint of a log is kept: an origin is no file name, its hash is one.
    fn file(&self, origin: &str) -> PathBuf {
        let hash = digest::digest(&digest::SHA256, origin.as_bytes());
        let name = hex::encode(hash.as_ref().get(..16).unwrap_or_default());
        self.dir.join(format!("{name}.checkpoint"))
    }
}

#[cfg(test)]
mod tests {
    use exchange::SystemClock;

    use super::*;
    use crate::keys::{self, Keys};
    use crate::note::SignedCheckpoint;
    use crate::tree::{Edge, Hash, leaf_hash};
    use crate::{Config, note};

    struct Scene {
        dir: tempfile::TempDir,
        keys: Keys,
        leaves: Vec<Hash>,
    }

    impl Scene {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let config = Config::new(dir.path().join("log"), "log.example/1", "n1");
            Self {
                keys: keys::create_if_missing(&config).unwrap(),
                leaves: (0..20_u8).map(|n| leaf_hash(&[n])).collect(),
                dir,
            }
        }

        fn witness(&self) -> Witness {
            let dir = self.dir.path().join("witness");
            let logs = vec![self.keys.log()];
            Witness::open(&dir, "w.example/1", logs, Arc::new(SystemClock)).unwrap()
        }

        fn signed(&self, size: usize) -> SignedCheckpoint {
            let mut edge = Edge::default();
            for leaf in &self.leaves[..size] {
                edge.add(*leaf, |_, _| ());
            }
            let checkpoint = Checkpoint {
                origin: "log.example/1".to_owned(),
                size: size as u64,
                root: edge.root(),
            };
            self.keys.sign_checkpoint(checkpoint, 1).unwrap()
        }

        fn request(&self, old: usize, new: usize) -> String {
            let mut tiles = Leaves(&self.leaves[..new]);
            let proof = proof::consistency(&mut tiles, old as u64, new as u64).unwrap();
            let request = Request {
                old: old as u64,
                proof: proof.unwrap_or_default(),
                checkpoint: self.signed(new),
            };
            request.to_string()
        }
    }

    /// A tree of less than one tile.
    struct Leaves<'a>(&'a [Hash]);

    impl proof::Tiles for Leaves<'_> {
        type Error = std::convert::Infallible;

        fn tile(&mut self, _: crate::tree::Tile) -> Result<Vec<Hash>, Self::Error> {
            Ok(self.0.to_vec())
        }
    }

    #[test]
    fn a_log_that_grows_is_cosigned_by_both_keys() {
        let scene = Scene::new();
        for (old, new) in [(0, 0), (0, 3), (3, 3), (3, 8), (8, 20)] {
            // A new start knows what the one before has seen.
            let mut witness = scene.witness();
            let lines = witness.add_checkpoint(&scene.request(old, new)).unwrap();
            let mut both = scene.signed(new).to_string();
            both += &lines;
            let signed = SignedCheckpoint::parse(&both).unwrap();
            let mut keys = witness.keys().to_vec();
            assert_eq!(signed.verify(&keys).unwrap().len(), 2);
            keys.push(scene.keys.log());
            assert_eq!(signed.verify(&keys).unwrap().len(), 3);
            let policy = format!("witness w {}\nquorum w\n", keys[0]);
            let policy = note::Policy::parse(&policy).unwrap();
            assert!(policy.is_met(&signed.verify(&keys).unwrap()));
        }
    }

    #[test]
    fn what_does_not_continue_is_refused_and_leaves_no_trace() {
        let mut scene = Scene::new();
        let mut witness = scene.witness();
        witness.add_checkpoint(&scene.request(0, 8)).unwrap();
        let good = scene.request(8, 12);
        let refused = |witness: &mut Witness, request: &str| {
            let error = witness.add_checkpoint(request).unwrap_err();
            (
                format!("{error:?}").split('(').next().unwrap().to_owned(),
                error.to_string(),
            )
        };
        for (request, kind) in [
            (scene.request(0, 12), "Stale"),
            (scene.request(3, 12), "Stale"),
            (good.replacen("old 8", "old 13", 1), "Malformed"),
            (good.replacen("old 8", "old 08", 1), "Malformed"),
            (good.replacen("old 8", "new 8", 1), "Malformed"),
            (good.replacen("\n\n", "\n", 1), "Malformed"),
            (good.replacen("\n\n", "\nAAAA\n\n", 1), "Malformed"),
            (
                good.replacen("log.example/1\n", "log.example/2\n", 1),
                "UnknownLog",
            ),
            (good.replacen("\n12\n", "\n13\n", 1), "Unsigned"),
            (format!("old 8\n\n{}", scene.signed(12)), "Inconsistent"),
        ] {
            assert_eq!(refused(&mut witness, &request).0, kind, "{request}");
        }
        let (kind, text) = refused(&mut witness, &scene.request(3, 12));
        assert_eq!(
            (kind.as_str(), text.contains("has 8 records")),
            ("Stale", true)
        );
        witness.add_checkpoint(&good).unwrap();
        scene.leaves[5] = leaf_hash(b"another");
        let fork = format!("old 12\n\n{}", scene.signed(12));
        assert_eq!(refused(&mut witness, &fork).0, "Fork");
        assert_eq!(
            refused(&mut witness, &scene.request(12, 20)).0,
            "Inconsistent"
        );
    }
}
