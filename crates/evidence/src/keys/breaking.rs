//! A private key for tests that signs until it is told not to: an HSM that nobody reaches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::signer::{SignError, Signer};
use super::{Generation, Keys, Wanted};
use crate::Config;

/// A key that signs while it is reachable.
#[derive(Debug)]
struct Breaking {
    key: Box<dyn Signer>,
    is_reachable: Arc<AtomicBool>,
}

impl Signer for Breaking {
    fn public(&self) -> &[u8] {
        self.key.public()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.is_reachable.load(Ordering::SeqCst) {
            self.key.sign(message)
        } else {
            Err("nobody answers".into())
        }
    }
}

/// The keys of a log, of which those of checkpoints, and that of receipts, are reachable while these
/// say so.
pub(crate) fn breaking(
    config: &Config,
    checkpoints: &Arc<AtomicBool>,
    receipts: &Arc<AtomicBool>,
) -> Keys {
    let keys = super::create_if_missing(config).unwrap();
    let dir = config.signing_dir();
    let number = Wanted::read(&dir).unwrap().newest;
    let mut generation = Generation::load(&dir, number).unwrap();
    let wrap = |key: Box<dyn Signer>, is_reachable: &Arc<AtomicBool>| -> Box<dyn Signer> {
        Box::new(Breaking {
            key,
            is_reachable: Arc::clone(is_reachable),
        })
    };
    generation.log = wrap(generation.log, checkpoints);
    generation.log_ml_dsa = wrap(generation.log_ml_dsa, checkpoints);
    generation.receipt = wrap(generation.receipt, receipts);
    Keys {
        newest: Arc::new(generation),
        ..keys
    }
}
