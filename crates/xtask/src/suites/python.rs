//! Finds a Python that speaks gRPC, for the test of the printed snippet.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::apt;
use crate::process::{output, program, run, succeeds};

/// What the snippet imports.
const IMPORTS: &str = "import grpc, google.protobuf, sys; print(sys.executable)";

/// The packages that hold it. Their next major versions may not run the snippet.
const PACKAGES: [&str; 2] = ["grpcio<2", "protobuf<8"];

/// A Python with grpcio and protobuf: the one on the path, or one in `target/test-venv`.
pub(super) fn find_or_install(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/test-venv");
    let own = folder.join("bin/python");
    let found = match [Path::new("python3"), &own].into_iter().find_map(speaking) {
        Some(found) => found,
        None => {
            create(root, &folder)?;
            run(pip_install(root, &own).args(PACKAGES))?;
            speaking(&own).context("the Python of target/test-venv cannot import grpc")?
        }
    };
    println!("    Python at {}", found.display());
    Ok(found)
}

/// The command that installs packages with the pip of a Python.
pub(super) fn pip_install(root: &Path, python: &Path) -> Command {
    let mut command = program(root, python);
    command.args(["-m", "pip", "--disable-pip-version-check"]);
    command.args(["install", "--quiet"]);
    command
}

/// The full path of a Python, if it has what the snippet imports.
fn speaking(python: &Path) -> Option<PathBuf> {
    let probe = || {
        let mut command = program(Path::new("/"), python);
        command.args(["-c", IMPORTS]);
        command
    };
    let speaks = succeeds(&mut probe());
    let path = speaks.then(|| output(&mut probe()).ok()).flatten()?;
    Some(PathBuf::from(path.trim()))
}

/// Makes a virtual environment; Debian keeps what that takes in a package of its own.
fn create(root: &Path, folder: &Path) -> Result<()> {
    let venv = || {
        succeeds(
            program(root, "python3")
                .args(["-m", "venv", "--clear"])
                .arg(folder),
        )
    };
    if !venv() {
        apt::install(root, "python3-venv")?;
        ensure!(
            venv(),
            "python3 makes no virtual environment in target/test-venv"
        );
    }
    Ok(())
}
