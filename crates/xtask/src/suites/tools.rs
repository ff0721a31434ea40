//! Finds the tools that suites run: strace, with which system calls are made to fail, and sqlite3, with
//! which the manual has a keyring copied.

use std::path::Path;

use anyhow::{Result, ensure};

use super::apt;
use crate::process::{program, succeeds};

/// Sees to it that each is on the path.
pub(super) fn find_or_install(root: &Path) -> Result<()> {
    for (tool, version) in [("strace", "-V"), ("sqlite3", "--version")] {
        let there = || succeeds(program(root, tool).arg(version));
        if !there() {
            apt::install(root, tool)?;
            ensure!(there(), "{tool} is installed, but does not run");
        }
        println!("    {tool} is there");
    }
    Ok(())
}
