//! Forgetting a half-year: the keys to what is hidden in its log, and its rows in the index.

use super::epoch::Epoch;
use super::tags::TagKeys;
use super::{databases, log_number};
use crate::{Config, Error};

/// Destroys the keys of a half-year and of the records of its log, then forgets where these are.
///
/// # Errors
/// A key or a row cannot be destroyed.
pub(crate) fn forget(log: &Config, epoch: Epoch) -> Result<(), Error> {
    let number = log_number(&log.origin);
    TagKeys::destroy(&log.keys_dir(), epoch)?;
    let (mut keyring, mut index) = databases::with_patience(log)?;
    keyring.retire(epoch, number)?;
    index.retire(number)
}
