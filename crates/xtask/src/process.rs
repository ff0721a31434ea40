//! Starts other programs, from the root of the checkout and without an input.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A program to start at `root`.
///
/// Without what `cargo run` tells the program it runs: build scripts that look at it would run
/// again for every chore.
pub(crate) fn program(root: &Path, name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// The cargo that runs this chore.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = program(root, cargo);
    command.args(arguments);
    command
}

/// Runs a program, which writes to the terminal, and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status();
    let status = status.with_context(|| format!("{} does not start", line(command)))?;
    ensure!(status.success(), "`{}` failed ({status})", line(command));
    Ok(())
}

/// What a program prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{} does not start", line(command)))?;
    let status = output.status;
    ensure!(status.success(), "`{}` failed ({status})", line(command));
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether a program starts and succeeds; it writes nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_its_code() {
        let error = run(cargo(Path::new("."), &["no-such-chore"]).stderr(Stdio::null()));
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("`cargo no-such-chore` failed"), "{text}");
    }

    #[test]
    fn a_program_that_is_missing_does_not_succeed() {
        assert!(!succeeds(&mut program(Path::new("."), "no-such-program")));
    }
}
