//! The command line of the built program.
//!
//! That these tests exist makes cargo build the binary, which the suites in `tests/` run.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside the test functions"
)]

use std::process::{Command, Output};

fn lienthong(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lienthong"));
    command.args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help_teaches_every_command_and_the_exit_codes() {
    let help = text(&lienthong(&["--help"]).stdout);
    for word in [
        "sandbox",
        "serve",
        "check-config",
        "lookup",
        "audit",
        "sim",
        "pki",
        "6 unavailable",
    ] {
        assert!(help.contains(word), "{word} is not in {help}");
    }
}

#[test]
fn a_wrong_command_line_is_usage() {
    assert_eq!(lienthong(&["lookup"]).status.code(), Some(2));
    assert_eq!(lienthong(&["nothing"]).status.code(), Some(2));
}

#[test]
fn what_is_missing_on_a_command_line_is_usage_too() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().display().to_string();
    for arguments in [
        &["audit", "prove", &dir][..],
        &["audit", "verify", "http://127.0.0.1:1/log"],
        &["audit", "show", "--sandbox", &dir],
        &["witness", "--name", "w.example", "--dir", &dir],
        // An identity that would be left aside.
        &["lookup", "999099000001", "--cert", "x"],
        &[
            "lookup",
            "999099000001",
            "--as",
            "tax",
            "--gateway",
            "https://g.example",
        ],
    ] {
        let output = lienthong(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    }
}

#[test]
fn an_operations_listener_where_nobody_listens_is_unavailable() {
    let output = lienthong(&["switch", "list", "--operations", "http://127.0.0.1:1"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(
        said.contains("the operations listener http://127.0.0.1:1"),
        "{said}"
    );
}

#[test]
fn who_reads_no_further_is_told_nothing_of_it() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lienthong"));
    let command = command.args(["schema", "config"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_lookup_without_a_sandbox_says_how_to_start_one() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().display().to_string();
    let output = lienthong(&["lookup", "999099000001", "--sandbox", &dir]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("lienthong sandbox"));
}

#[test]
fn check_config_lists_everything_that_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lienthong.toml");
    std::fs::write(&file, "[gateway]\nnode = 'a'\ntrust_domain = 'b.example'\npolicy = 'none'\n[agency.moon]\nurl = 'x'\n").unwrap();
    let output = lienthong(&["check-config", &file.display().to_string()]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for path in ["tls:", "edge:", "evidence:", "agency.moon:"] {
        assert!(said.contains(path), "{path} is not in {said}");
    }
}

#[test]
fn a_development_ca_writes_over_no_key_and_issues_nothing_that_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let pki = dir.path().join("pki").display().to_string();
    let out = dir.path().display().to_string();
    let run = |arguments: &[&str]| lienthong(&[&["pki", "--dir", &pki], arguments].concat());
    let issue = ["issue", "client", "H1", "x", "--out", &out];
    assert!(run(&["init"]).status.success());
    assert_eq!(
        run(&[&issue[..], &["--days", "0"]].concat()).status.code(),
        Some(2)
    );
    assert!(run(&issue).status.success());
    let file = dir.path().join("H1-x.key");
    let (key, listed) = (std::fs::read(&file).unwrap(), run(&["list"]).stdout);
    let again = run(&issue);
    assert!(!again.status.success());
    assert!(
        text(&again.stderr).contains("H1-x.key is there already"),
        "{again:?}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), key);
    assert_eq!(run(&["list"]).stdout, listed, "it was issued all the same");
}

/// A certificate request for a system of that trust domain.
fn request(domain: &str) -> String {
    let uri = format!("spiffe://{domain}/agency/H05/system/desk");
    let mut params = rcgen::CertificateParams::default();
    params.subject_alt_names = vec![rcgen::SanType::URI(uri.try_into().unwrap())];
    let key = rcgen::KeyPair::generate().unwrap();
    params.serialize_request(&key).unwrap().pem().unwrap()
}

#[test]
fn a_development_ca_issues_signs_lists_and_revokes() {
    let dir = tempfile::tempdir().unwrap();
    let pki = dir.path().join("pki").display().to_string();
    let out = dir.path().display().to_string();
    let run = |arguments: &[&str]| {
        let output = lienthong(&[&["pki", "--dir", &pki], arguments].concat());
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    };
    run(&["init"]);
    run(&["issue", "client", "G18", "tax-web", "--out", &out]);
    run(&["issue", "server", "localhost", "127.0.0.1", "--out", &out]);
    let listed = run(&["list"]);
    assert!(listed.contains("/agency/G18/system/tax-web"));
    let (domain, _) = listed.split_once("/agency/G18").unwrap();
    let (_, domain) = domain.rsplit_once("spiffe://").unwrap();
    let request = |domain: &str| {
        let file = dir.path().join("request.pem");
        std::fs::write(&file, request(domain)).unwrap();
        file.display().to_string()
    };
    let signed = run(&["sign", &request(domain)]);
    assert!(
        signed.starts_with("-----BEGIN CERTIFICATE-----"),
        "{signed}"
    );
    assert!(run(&["list"]).contains("/agency/H05/system/desk"));
    let foreign = request("elsewhere.example");
    let refused = lienthong(&["pki", "--dir", &pki, "sign", &foreign]);
    assert!(!refused.status.success() && refused.stdout.is_empty());
    let certificate = dir.path().join("G18-tax-web.pem").display().to_string();
    run(&["revoke", &certificate]);
    assert!(run(&["list"]).contains("revoked"));
}
