//! Finds the tools that suites run: strace, with which system calls are made to fail, sqlite3, with
//! which the manual has a keyring copied, and redis-server, in which nodes share quotas.

use std::path::Path;

use anyhow::{Result, ensure};

use super::apt;
use crate::process::{program, succeeds};

/// Sees to it that each is on the path.
pub(super) fn find_or_install(root: &Path) -> Result<()> {
    let tools = [
        ("strace", "-V"),
        ("sqlite3", "--version"),
        ("redis-server", "--version"),
    ];
    for (tool, version) in tools {
        let there = || succeeds(program(root, tool).arg(version));
        if !there() {
            apt::install(root, tool)?;
            ensure!(there(), "{tool} is installed, but does not run");
        }
        println!("    {tool} is there");
    }
    Ok(())
}
