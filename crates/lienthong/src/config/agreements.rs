//! The policy that a configuration names: read, its signature checked, compiled.
//!
//! *Invariant:* where keys are configured, nothing is compiled that one of them has not signed.

use std::path::Path;

use admission::{Bundle, NOTE_FILE, Policy, Problem};
use evidence::keys::VerifierKey;
use evidence::note::Note;

/// A policy, and who has signed it.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) policy: Policy,
    /// Of the keys that are known; none if none is.
    pub(crate) signers: Vec<VerifierKey>,
}

/// Reads a policy. Without keys its signatures are not looked at.
///
/// # Errors
/// Everything that is wrong with it; with the signature first, and then with nothing else.
pub(crate) fn load(path: &Path, keys: &[VerifierKey]) -> Result<Signed, admission::Error> {
    let bundle = Bundle::read(path)?;
    let signers = if keys.is_empty() {
        Vec::new()
    } else {
        signers(&bundle, keys).map_err(admission::Error::Invalid)?
    };
    let policy = Policy::compile(&bundle)?;
    Ok(Signed { policy, signers })
}

fn signers(bundle: &Bundle, keys: &[VerifierKey]) -> Result<Vec<VerifierKey>, Vec<Problem>> {
    let wrong = |what: String| {
        let (file, path) = (NOTE_FILE.to_owned(), String::new());
        vec![Problem { file, path, what }]
    };
    if !bundle.is_directory() {
        let what = "only a directory is signed, and policy_keys wants that";
        let (file, path, what) = (String::new(), String::new(), what.to_owned());
        return Err(vec![Problem { file, path, what }]);
    }
    let note = bundle.note();
    let note =
        note.ok_or_else(|| wrong("is missing: the list of files is not signed".to_owned()))?;
    let note = Note::parse(&String::from_utf8_lossy(note));
    let note = note.map_err(|error| wrong(error.to_string()))?;
    let signers = note
        .signed_by(keys)
        .map_err(|error| wrong(error.to_string()))?;
    if note.text() == bundle.list() {
        return Ok(signers.into_iter().cloned().collect());
    }
    match bundle.differences(note.text()) {
        same if same.is_empty() => Err(wrong("signs no list of files".to_owned())),
        differences => Err(differences),
    }
}
