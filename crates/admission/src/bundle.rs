//! The files of a policy as they were read, and the list of them that is signed.
//!
//! A policy is a directory with one file for each agreement, or, where there is little to agree on, one
//! file with everything. Not here: what the files say (`config/`), and who may sign the list of them (the
//! program knows the keys).
//!
//! *Invariant:* every file is read once; what is listed, hashed and compiled are the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

use crate::{Error, Problem};

/// The files of a policy, by their path within it.
#[derive(Debug)]
pub struct Bundle {
    root: PathBuf,
    form: Form,
    files: BTreeMap<String, Vec<u8>>,
    note: Option<Vec<u8>>,
    strangers: Vec<String>,
}

/// How a policy is laid out on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A directory.
    Directory,
    /// One file.
    File,
}

impl Bundle {
    /// Reads a directory or a file. Blocks.
    ///
    /// # Errors
    /// Something in it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let is_directory = fs::metadata(path).map_err(reading(path))?.is_dir();
        if is_directory {
            return Self::directory(path);
        }
        Ok(Self {
            root: path.to_owned(),
            ..Self::of_file(fs::read(path).map_err(reading(path))?)
        })
    }

    /// A policy of one file.
    pub(crate) fn of_file(bytes: Vec<u8>) -> Self {
        Self {
            root: PathBuf::new(),
            form: Form::File,
            files: BTreeMap::from([(String::new(), bytes)]),
            note: None,
            strangers: Vec::new(),
        }
    }

    fn directory(root: &Path) -> Result<Self, Error> {
        let mut bundle = Self {
            root: root.to_owned(),
            form: Form::Directory,
            files: BTreeMap::new(),
            note: None,
            strangers: Vec::new(),
        };
        for name in names(root)? {
            let path = root.join(&name);
            match name.as_str() {
                NOTE_FILE => bundle.note = Some(fs::read(&path).map_err(reading(&path))?),
                AGREEMENTS if path.is_dir() => bundle.agreements(&path)?,
                PURPOSES | AGENCIES | QUOTAS => bundle.take(name, &path)?,
                _ => bundle.strangers.push(name),
            }
        }
        Ok(bundle)
    }

    fn agreements(&mut self, folder: &Path) -> Result<(), Error> {
        for name in names(folder)? {
            let path = folder.join(&name);
            let listed = format!("{AGREEMENTS}/{name}");
            if agreement_id(&listed).is_some() && path.is_file() {
                self.take(listed, &path)?;
            } else {
                self.strangers.push(listed);
            }
        }
        Ok(())
    }

    fn take(&mut self, name: String, path: &Path) -> Result<(), Error> {
        let bytes = fs::read(path).map_err(reading(path))?;
        self.files.insert(name, bytes);
        Ok(())
    }

    /// The directory, or the file.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The bytes of each file by its path within the directory; the one file has no path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let files = self.files.iter();
        files.map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// What is in the directory and is no file of a policy.
    pub(crate) fn strangers(&self) -> impl Iterator<Item = Problem> {
        let strangers = self.strangers.iter();
        strangers.map(|name| Problem {
            file: name.clone(),
            path: String::new(),
            what: "is no file of a policy".to_owned(),
        })
    }

    pub(crate) const fn form(&self) -> Form {
        self.form
    }

    /// True for a directory: only its list of files can be signed.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.form == Form::Directory
    }

    /// The text that is signed: a line that says what it is, and of each file the SHA-256 and the path, as
    /// `sha256sum` writes them.
    #[must_use]
    pub fn list(&self) -> String {
        let lines = self.files().map(|(name, bytes)| {
            let hash = hex::encode(sha256(bytes));
            format!("{hash}  {name}\n")
        });
        [LIST.to_owned()].into_iter().chain(lines).collect()
    }

    /// The note with that text and its signatures, if there is one; nothing of it is checked.
    #[must_use]
    pub fn note(&self) -> Option<&[u8]> {
        self.note.as_deref()
    }

    /// The SHA-256 by which every record names the policy: of the list of files, or of the one file.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        match (self.form, self.files.values().next()) {
            (Form::File, Some(bytes)) => sha256(bytes),
            _ => sha256(self.list().as_bytes()),
        }
    }

    /// What of a list that was signed is not so here: each file that was altered, is missing, or was
    /// added.
    #[must_use]
    pub fn differences(&self, signed: &str) -> Vec<Problem> {
        let here = self.list();
        let (signed, here) = (entries(signed), entries(&here));
        let told = |file: &str, what: &str| Problem {
            file: file.to_owned(),
            path: String::new(),
            what: what.to_owned(),
        };
        let gone = signed
            .iter()
            .filter_map(|(file, hash)| match here.get(file) {
                None => Some(told(file, "is signed and is not there")),
                Some(other) if other != hash => Some(told(file, "was altered after it was signed")),
                Some(_) => None,
            });
        let added = here.keys().filter(|file| !signed.contains_key(*file));
        let added = added.map(|file| told(file, "is not in the list that was signed"));
        gone.chain(added).collect()
    }
}

/// The id that an agreement must have by the path of its file.
pub(crate) fn agreement_id(file: &str) -> Option<&str> {
    let name = file.strip_prefix(AGREEMENTS)?.strip_prefix('/')?;
    name.strip_suffix(".toml").filter(|id| !id.is_empty())
}

/// The names in a folder but for hidden ones: an editor or a version control leaves those.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(reading(folder))? {
        let name = entry.map_err(reading(folder))?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.retain(|name| !name.starts_with('.'));
    names.sort_unstable();
    Ok(names)
}

/// The lines of a list by their path.
fn entries(list: &str) -> BTreeMap<&str, &str> {
    let lines = list.lines().skip(1);
    let entries = lines.filter_map(|line| line.split_once("  "));
    entries.map(|(hash, file)| (file, hash)).collect()
}

fn reading(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    |source| Error::Read { path, source }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// The file with the list and its signatures.
pub const NOTE_FILE: &str = "bundle.note";
/// The catalogue of purposes.
pub(crate) const PURPOSES: &str = "purposes.toml";
/// What the agencies are called.
pub(crate) const AGENCIES: &str = "agencies.toml";
/// How often.
pub(crate) const QUOTAS: &str = "quotas.toml";
/// The folder with a file for each agreement.
const AGREEMENTS: &str = "agreements";
/// The first line of a list: what is signed is nothing else.
const LIST: &str = "lienthong policy bundle v1\n";
