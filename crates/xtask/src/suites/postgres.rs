//! Finds the PostgreSQL that suites start for themselves.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::apt;

/// Where Debian and its kin keep the programs, one folder per version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The folder of `initdb` and `postgres`.
pub(super) fn find_or_install(root: &Path) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let find = || find(&path, Path::new(VERSIONS));
    let found = match find() {
        Some(found) => found,
        None => {
            apt::install(root, "postgresql")?;
            find().context("PostgreSQL is installed, but without initdb and postgres")?
        }
    };
    println!("    PostgreSQL in {}", found.display());
    Ok(found)
}

/// Looks on the path, following links, and then for the highest version.
fn find(path: &OsString, versions: &Path) -> Option<PathBuf> {
    let linked = |folder: &PathBuf| {
        let program = folder.join("initdb").canonicalize().ok()?;
        Some(program.parent()?.to_path_buf())
    };
    let on_path = std::env::split_paths(path).filter_map(|folder| linked(&folder));
    let mut installed: Vec<(u32, PathBuf)> = std::fs::read_dir(versions)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    installed.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    on_path
        .chain(installed.into_iter().map(|(_, folder)| folder))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(folder: &Path, names: &[&str]) {
        std::fs::create_dir_all(folder).unwrap();
        for name in names {
            std::fs::write(folder.join(name), "").unwrap();
        }
    }

    #[test]
    fn a_link_on_the_path_wins_over_the_highest_version() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let versions = home.join("versions");
        for version in ["9", "15", "17"] {
            programs(&versions.join(version).join("bin"), &["initdb", "postgres"]);
        }
        programs(&versions.join("18/bin"), &["initdb"]);
        let nothing = OsString::new();
        assert_eq!(find(&nothing, &versions).unwrap(), versions.join("17/bin"));
        let path = home.join("path");
        programs(&path, &[]);
        let linked = versions.join("15/bin/initdb");
        std::os::unix::fs::symlink(linked, path.join("initdb")).unwrap();
        assert_eq!(
            find(&path.into_os_string(), &versions).unwrap(),
            versions.join("15/bin")
        );
        assert_eq!(find(&nothing, &home.join("absent")), None);
    }
}
