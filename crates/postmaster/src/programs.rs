//! The programs of PostgreSQL on this machine, and the account that they run as.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

/// An account of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Account {
    /// Has a command run as this account.
    pub(super) fn runs(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }
}

/// The folder of `initdb` and `postgres`: the one that is named, or the first that is found.
pub(super) fn find() -> Option<PathBuf> {
    let named = std::env::var_os("LIENTHONG_TEST_POSTGRES_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let packaged = packaged.flatten().map(|version| version.path().join("bin"));
    let mut folders = std::env::split_paths(&path).chain(packaged);
    // On the path there may be links to some of the programs only.
    named.or_else(|| {
        folders.find_map(|folder| {
            let initdb = folder.join("initdb").canonicalize().ok()?;
            initdb.parent().map(PathBuf::from)
        })
    })
}

/// The account for the server if this one is root, which it refuses to run as.
pub(super) fn account() -> io::Result<Option<Account>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        let mut lines = accounts.lines();
        let line = lines.find(|line| line.split(':').next() == Some(name))?;
        let mut parts = line.split(':').skip(2).map(|part| part.parse().ok());
        Some(Account {
            user: parts.next()??,
            group: parts.next()??,
        })
    };
    let found = find("postgres").or_else(|| find("nobody"));
    let missing = "there is neither an account postgres nor nobody";
    found
        .map(Some)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, missing))
}
