//! Installs packages of Debian and its kin, where this user may.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::process::{output, program, run, succeeds};

/// Installs a package, or says what to install by hand.
pub(super) fn install(root: &Path, package: &str) -> Result<()> {
    let by_hand = || format!("install the package {package}");
    let apt = succeeds(program(root, "apt-get").arg("--version"));
    ensure!(apt, "no apt-get here: {}", by_hand());
    let user = output(program(root, "id").arg("-u"))?;
    ensure!(user.trim() == "0", "not root: {}", by_hand());
    let apt = |arguments: &[&str]| {
        let mut command = program(root, "apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        run(command.arg("--quiet").args(arguments)).with_context(by_hand)
    };
    apt(&["update"])?;
    apt(&["install", "-y", "--no-install-recommends", package])
}
