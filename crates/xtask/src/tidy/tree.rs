//! The files of the checkout in memory, so that a rule is a function of text.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

/// A file that rules read.
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The checkout.
pub(crate) struct Tree {
    files: Vec<File>,
    /// Every file and folder, read or not.
    paths: BTreeSet<String>,
}

/// Folders that are not the project's.
const FOREIGN: [&str; 4] = [".git", "target", "sandbox", "node_modules"];

/// The endings of the files that rules read.
const READ: [&str; 4] = ["rs", "md", "toml", "proto"];

impl Tree {
    /// Reads the checkout at `root`.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let mut tree = Self {
            files: Vec::new(),
            paths: BTreeSet::new(),
        };
        tree.add(root, "")?;
        Ok(tree)
    }

    fn add(&mut self, root: &Path, folder: &str) -> Result<()> {
        let mut entries = std::fs::read_dir(root.join(folder))?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            if FOREIGN.contains(&&*path) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                self.add(root, &path)?;
            } else if path
                .rsplit_once('.')
                .is_some_and(|(_, e)| READ.contains(&e))
            {
                let text = std::fs::read_to_string(entry.path());
                let text = text.with_context(|| format!("{path} cannot be read"))?;
                self.files.push(File {
                    path: path.clone(),
                    text,
                });
            }
            self.paths.insert(path);
        }
        Ok(())
    }

    /// The number of files that rules read.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// The files with an ending, such as `.rs`.
    pub(crate) fn ending(&self, ending: &str) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |f| f.path.ends_with(ending))
    }

    /// The Rust of the crates and the suites.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.ending(".rs")
            .filter(|file| file.path.starts_with("crates/") || file.path.starts_with("tests/"))
    }

    /// The manifests of the workspace's members: `crates/*/Cargo.toml`, `tests/Cargo.toml`.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &File> {
        self.ending("/Cargo.toml").filter(|file| {
            let folder = file.path.trim_end_matches("/Cargo.toml");
            let name = folder.strip_prefix("crates/");
            folder == "tests" || name.is_some_and(|name| !name.contains('/'))
        })
    }

    /// The file at a path.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether there is a file or folder at a path.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.paths.contains(path)
    }
}

#[cfg(test)]
impl Tree {
    /// A checkout of these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut paths = BTreeSet::new();
        for (path, _) in files {
            paths.insert((*path).to_owned());
            for (end, _) in path.match_indices('/') {
                paths.insert(path[..end].to_owned());
            }
        }
        let files = files.iter().map(|(path, text)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        });
        Self {
            files: files.collect(),
            paths,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_read_without_what_is_built() {
        let tree = Tree::load(&crate::root().unwrap()).unwrap();
        assert!(tree.file("Cargo.toml").is_some());
        assert!(tree.holds("crates/xtask/src") && tree.holds("LICENSE"));
        assert!(!tree.holds("target"));
        assert!(tree.manifests().any(|file| file.path == "tests/Cargo.toml"));
    }
}
