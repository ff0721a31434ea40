//! Finds the tools that suites run: strace, with which system calls are made to fail, sqlite3, with
//! which the manual has a keyring copied, testssl, which knows the weaknesses of TLS,
//! redis-server, in which nodes share quotas, haproxy, behind which nodes are restarted, and curl, with which
//! the sandbox shows how to ask.

use std::path::Path;

use anyhow::{Result, ensure};

use super::apt;
use crate::process::{program, succeeds};

/// Sees to it that each is on the path.
pub(super) fn find_or_install(root: &Path) -> Result<()> {
    for (tool, version, package) in TOOLS {
        let there = || succeeds(program(root, tool).arg(version));
        if !there() {
            apt::install(root, package)?;
            ensure!(there(), "{tool} is installed, but does not run");
        }
        println!("    {tool} is there");
    }
    Ok(())
}

/// A program, how it tells its version, and the package that has it.
const TOOLS: [(&str, &str, &str); 6] = [
    ("curl", "--version", "curl"),
    ("haproxy", "-v", "haproxy"),
    ("strace", "-V", "strace"),
    ("sqlite3", "--version", "sqlite3"),
    ("testssl", "--version", "testssl.sh"),
    ("redis-server", "--version", "redis-server"),
];
