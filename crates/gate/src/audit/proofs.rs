//! Proofs from the files of the public log, and the checkpoints as they are shown.
//!
//! *Invariant:* a proof is compared with the root of its checkpoint before it leaves.

use std::sync::Arc;
use std::time::Duration;

use api::v1;
use evidence::note::LogProof;
use evidence::verify::{self, Directory, Extra, VerifyError};
use exchange::{BatchProof, Fault, Opening, Reason, Violation};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::{Call, Gate};

/// The checkpoints as they are shown: the latest, and each that follows.
pub type Checkpoints = watch::Receiver<Option<Arc<str>>>;

impl Gate {
    /// Proves that a record is under the latest checkpoint; waits for that if it was just made.
    ///
    /// # Errors
    /// `RECORD_NOT_FOUND`, `CHECKPOINT_NOT_KEPT` for a proof in another tree than the latest, or a
    /// file of the log cannot be read.
    pub async fn inclusion_proof(
        &self,
        call: &Call,
        asked: &v1::GetInclusionProofRequest,
    ) -> Result<v1::GetInclusionProofResponse, Fault> {
        let log = self.read_by(call, &asked.log_origin).await?;
        let seq = asked.seq;
        let proved = self.published(call, log, move |files| verify::prove(files, seq));
        let (proof, leaf) = proved.await?;
        is_latest(asked.tree_size, proof.checkpoint.checkpoint().size)?;
        Ok(v1::GetInclusionProofResponse {
            tlog_proof: carrying(proof, leaf, &[], None)?,
        })
    }

    /// Proves that the latest checkpoint continues an older one.
    ///
    /// # Errors
    /// `RECORD_NOT_FOUND` if the log was never that large, `CHECKPOINT_NOT_KEPT` for a proof to
    /// another checkpoint than the latest, or a file of the log cannot be read.
    pub async fn consistency_proof(
        &self,
        call: &Call,
        asked: &v1::GetConsistencyProofRequest,
    ) -> Result<v1::GetConsistencyProofResponse, Fault> {
        let log = self.read_by(call, &asked.log_origin).await?;
        let old = asked.old_size;
        let proved = self.published(call, log, move |files| {
            let (signed, hashes) = verify::prove_consistency(files, old)?;
            Ok(hashes.map(|hashes| (signed, hashes)))
        });
        let (signed, hashes) = proved.await?;
        is_latest(asked.new_size, signed.checkpoint().size)?;
        Ok(v1::GetConsistencyProofResponse {
            hashes: hashes.iter().map(|hash| hash.to_vec()).collect(),
            new_checkpoint: signed.to_string(),
        })
    }

    /// The checkpoints as they are shown, of the log that takes what is new.
    ///
    /// # Errors
    /// The caller is unknown, or the log is another one.
    pub async fn checkpoints(
        &self,
        call: &Call,
        asked: &v1::WatchCheckpointsRequest,
    ) -> Result<Checkpoints, Fault> {
        self.read_by(call, &asked.log_origin).await?;
        let newest = self.deps.evidence.origin();
        if !asked.log_origin.is_empty() && *asked.log_origin != *newest {
            return Err(bad_origin(
                "names a log that shows no new checkpoint any more",
            ));
        }
        Ok(self.deps.evidence.checkpoints())
    }

    /// The files of a log; of the newest if none is named. Refuses a caller that the policy does not
    /// know, and a log that is not kept here.
    pub(super) async fn read_by(&self, call: &Call, origin: &str) -> Result<Directory, Fault> {
        self.open_to(call).await?;
        if !self.deps.admission.knows(&call.caller) {
            let reason = Reason::CallerUnknown;
            self.refuse(call, reason).await?;
            return Err(Fault::new(reason, "no agreement is open to the caller"));
        }
        let newest = self.deps.evidence.origin();
        let origin = if origin.is_empty() { &newest } else { origin };
        let files = self.deps.log.files(origin);
        files.ok_or_else(|| bad_origin("names no log that is kept here"))
    }

    /// What a reader of the public files makes of them; if that is nothing yet, of each next
    /// checkpoint, for as long as one that is due may take.
    async fn published<T: Send + 'static>(
        &self,
        call: &Call,
        log: Directory,
        read: impl Fn(&mut Directory) -> Result<Option<T>, VerifyError> + Clone + Send + 'static,
    ) -> Result<T, Fault> {
        let until = call.deadline.min(Instant::now() + PATIENCE);
        let mut checkpoints = self.deps.evidence.checkpoints();
        loop {
            let begun = checkpoints.borrow_and_update().is_some();
            if begun && let Some(made) = read_from(log.clone(), read.clone()).await? {
                return Ok(made);
            }
            // Late, or nothing is published any more.
            if !matches!(timeout_at(until, checkpoints.changed()).await, Ok(Ok(()))) {
                let detail = "the record is under no checkpoint";
                return Err(Fault::new(Reason::RecordNotFound, detail));
            }
        }
    }
}

/// What a reader of public files makes of them, away from where nothing may block.
pub(super) async fn read_from<F: Send + 'static, T: Send + 'static>(
    mut files: F,
    read: impl FnOnce(&mut F) -> Result<T, VerifyError> + Send + 'static,
) -> Result<T, Fault> {
    let reading = tokio::task::spawn_blocking(move || read(&mut files));
    reading.await.map_err(unreadable)?.map_err(unreadable)
}

/// A proof as a file, with its record, what opens it, and of one about many the entry of one.
pub(super) fn carrying(
    proof: LogProof,
    leaf: Vec<u8>,
    openings: &[Opening],
    entry: Option<&BatchProof>,
) -> Result<String, Fault> {
    let not_utf8 = || Fault::new(Reason::Internal, "a record is not UTF-8");
    let mut extra = Extra::new(leaf, openings).ok_or_else(not_utf8)?;
    if let Some(entry) = entry {
        extra = extra.with_batch(entry);
    }
    Ok(extra.on(proof).to_string())
}

/// Refuses a size other than 0 and that of the latest checkpoint: no other is kept.
fn is_latest(asked: u64, latest: u64) -> Result<(), Fault> {
    if asked == 0 || asked == latest {
        return Ok(());
    }
    let fault = Fault::new(Reason::CheckpointNotKept, "another checkpoint is asked for");
    Err(fault.with("latestSize", latest.to_string()))
}

fn bad_origin(problem: &str) -> Fault {
    Fault::invalid(vec![Violation {
        field: "log_origin".to_owned(),
        description: problem.to_owned(),
        reason: Reason::InvalidArgument,
    }])
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::new(Reason::Internal, "the public log cannot be read").because(error)
}

/// Twice what a record waits for its checkpoint.
const PATIENCE: Duration = Duration::from_secs(1);
