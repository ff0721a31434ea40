//! Finds strace, with which one suite lets system calls fail.

use std::path::Path;

use anyhow::{Result, ensure};

use super::apt;
use crate::process::{program, succeeds};

/// Sees to it that strace is on the path.
pub(super) fn find_or_install(root: &Path) -> Result<()> {
    let there = || succeeds(program(root, "strace").arg("-V"));
    if !there() {
        apt::install(root, "strace")?;
        ensure!(there(), "strace is installed, but does not run");
    }
    println!("    strace is there");
    Ok(())
}
