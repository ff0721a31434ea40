//! What a scanner finds that knows every weakness of TLS there was.
//!
//! The report of the last run is kept in `target/testssl`.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests::{Sandbox, Wire, loop_until, program, shell};
use tokio_rustls::rustls::NamedGroup;

/// What a scanner finds in every listener of this kind, and why that is no weakness: one finding a
/// line, then its reason.
const ALLOWED: &str = include_str!("testssl.allowed");

/// The sections: protocols, kinds of suites, forward secrecy, and every vulnerability.
const SECTIONS: [&str; 4] = ["-p", "-s", "-f", "-U"];

/// Row T01: a scanner finds nothing in protocols, suites and vulnerabilities that is above LOW, but
/// what is allowed for a reason.
#[test]
fn a_scanner_finds_nothing() {
    assert!(
        shell("command -v testssl").out.contains("testssl"),
        "no testssl here: install the package testssl.sh, as `cargo xtask test` does"
    );
    let sandbox = Sandbox::start();
    let findings = scan(&sandbox);
    let allowed: BTreeMap<&str, &str> = ALLOWED
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once(' ').expect("a finding and its reason"))
        .collect();
    let mut checks = 0;
    for finding in &findings {
        let text = |key: &str| finding[key].as_str().unwrap_or_default();
        checks += 1;
        let is_fine = matches!(text("severity"), "OK" | "INFO" | "LOW" | "DEBUG");
        let is_allowed = allowed.contains_key(text("id"));
        assert!(is_fine || is_allowed, "{finding}");
    }
    assert!(checks >= 35, "{checks} checks are too few: {findings:?}");
    let offers = |id: &str, what: &str| {
        let mut said = findings.iter();
        said.any(|it| it["id"] == id && it["finding"].as_str().unwrap().contains(what))
    };
    assert!(offers("TLS1_3", "offered"), "{findings:?}");
    for old in ["SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2"] {
        assert!(offers(old, "not offered"), "{old}: {findings:?}");
    }
}

/// Runs the scanner; what it found.
fn scan(sandbox: &Sandbox) -> Vec<Value> {
    let report = folder().join("report.json");
    std::fs::remove_file(&report).ok();
    let openssl = with_certificate(sandbox);
    let url: url::Url = sandbox.text("/gateway").parse().unwrap();
    let mut scanner = Command::new("testssl")
        .args(SECTIONS)
        .args(["--quiet", "--warnings", "off", "--fast", "--nodns", "none"])
        .args(["--ip", "127.0.0.1", "--color", "0"])
        .arg("--openssl")
        .arg(&openssl)
        .arg("--jsonfile")
        .arg(&report)
        .arg(format!("localhost:{}", url.port().unwrap()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    loop_until(Duration::from_secs(240), || scanner.try_wait().unwrap());
    let text = std::fs::read_to_string(&report).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An OpenSSL that presents the certificate of a caller, which this scanner cannot by itself.
///
/// Without one every connection is refused after the handshake, and the scanner sees a server or
/// none, whichever its client reads first: the alert or the end of its own input.
fn with_certificate(sandbox: &Sandbox) -> PathBuf {
    let (cert, key) = sandbox.caller("commune");
    let quoted = |path: &Path| format!("'{}'", path.display());
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in\n\
         s_client) shift; exec openssl s_client -cert {} -key {} \"$@\" ;;\n\
         *) exec openssl \"$@\" ;;\nesac\n",
        quoted(&cert),
        quoted(&key)
    );
    let path = folder().join("openssl");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

/// Where the report is kept.
fn folder() -> PathBuf {
    let program = program();
    let target = program.ancestors().nth(2).unwrap();
    let folder = target.join("testssl");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The hybrid exchange, which no harvest of today is broken by tomorrow, is offered and comes first.
#[tokio::test]
async fn a_post_quantum_exchange_is_offered() {
    let sandbox = Sandbox::start();
    let wire = Wire::new(&sandbox, "commune");
    let stream = wire.connect(&[b"h2"]).await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group();
    assert_eq!(group.unwrap().name(), NamedGroup::X25519MLKEM768);
}
