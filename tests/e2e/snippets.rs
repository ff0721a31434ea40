//! What a sandbox prints to try works as printed.

use tests::{Sandbox, shell};

/// The printed text from one marker to another.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text
        .find(from)
        .unwrap_or_else(|| panic!("no {from} in {text}"));
    let rest = &text[start..];
    let end = rest
        .find(to)
        .unwrap_or_else(|| panic!("no {to} after {from}"));
    &rest[..end]
}

#[tokio::test]
async fn the_printed_commands_work_as_printed() {
    let sandbox = Sandbox::start();
    let printed = sandbox.printed();
    let commands = between(&printed, "# as a table", "# REST");
    let dir = tempfile::tempdir().unwrap();
    let script = format!("cd {}\n{commands}", dir.path().display());
    let ran = shell(&script);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("1 receipts verified, 0 refused"),
        "{ran:?}"
    );
    let curl = between(&printed, "curl -s --cacert", "# gRPC from Python");
    let ran = shell(curl);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.json()["completeness"],
        "COMPLETENESS_COMPLETE",
        "{ran:?}"
    );
}

#[tokio::test]
async fn the_printed_python_works_as_printed() {
    let Ok(python) = std::env::var("LIENTHONG_TEST_PYTHON") else {
        println!("no LIENTHONG_TEST_PYTHON: `cargo xtask test` brings a Python with grpcio");
        return;
    };
    let sandbox = Sandbox::start();
    let printed = sandbox.printed();
    let snippet = between(&printed, "python3 - <<'END'", "# the contract");
    let bin = std::path::Path::new(&python)
        .parent()
        .unwrap()
        .display()
        .to_string();
    let ran = shell(&format!("export PATH={bin}:$PATH\n{snippet}"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("COMPLETENESS_COMPLETE"), "{ran:?}");
}
