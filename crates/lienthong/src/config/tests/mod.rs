//! Everything that is wrong with a configuration, each with its path and its line.

mod agencies;
mod files;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use exchange::{Clock, SystemClock};

use super::draft::Draft;
use super::{Checked, is_sandbox};

/// The lines that are reported of a text.
fn reported(text: &str) -> Vec<String> {
    let problems = Draft::parse(text, PathBuf::from("/x")).problems.to_string();
    problems.lines().map(str::to_owned).collect()
}

/// The lines that `check-config` reports of a file in a folder.
#[tokio::main(flavor = "current_thread")]
async fn checked(folder: &Path, text: &str) -> Vec<String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let file = folder.join("lienthong.toml");
    std::fs::write(&file, text).unwrap();
    let problems = Checked::load(&file, &clock).unwrap_err().to_string();
    problems.lines().map(str::to_owned).collect()
}

/// True if a line begins with the path and what is said, and ends with the number.
fn says(lines: &[String], path: &str, what: &str, number: usize) -> bool {
    let start = format!("{path}: {what}");
    let end = format!("(line {number})");
    lines
        .iter()
        .any(|line| line.starts_with(&start) && line.ends_with(&end))
}

const GOOD: &str = r#"
[gateway]
node = "a"
trust_domain = "b.example"
policy = "agreements.toml"
[tls]
certificate = "c.pem"
key = "c.key"
client_ca = "ca.pem"
[edge]
listen = "127.0.0.1:1"
[evidence]
dir = "log"
origin = "log.example/1"
node = "a"
[agency.tax]
url = "https://localhost:1"
"#;

#[test]
fn a_verdict_is_remembered_for_no_longer_than_a_quarter_of_an_hour() {
    let kept = |seconds: u32| {
        let line = format!("node = \"a\"\nverdicts_kept_s = {seconds}\ntrust_domain");
        reported(&GOOD.replace("node = \"a\"\ntrust_domain", &line))
    };
    assert_eq!(kept(0), [""; 0]);
    assert_eq!(kept(900), [""; 0]);
    let longer = kept(901);
    let what = "is more than 900 s";
    assert!(
        says(&longer, "gateway.verdicts_kept_s", what, 4),
        "{longer:?}"
    );
    assert_eq!(longer.len(), 1);
}

#[test]
fn a_good_file_has_no_problems() {
    assert_eq!(reported(GOOD), [""; 0]);
    assert!(Draft::parse(GOOD, PathBuf::new()).finish().is_ok());
}

#[test]
fn everything_wrong_in_every_stanza_is_reported_at_once() {
    let lines = reported(
        r#"colour = "red"
[gateway]
node = 7
trust_domain = "NOT A DOMAIN"
policy = "p.toml"
shape = "round"
[tls]
certificate = "c"
crls = "one"
[edge]
listen = "here"
reflection = "yes"
[edge.limits]
idle_ms = -1
idle = 5
age_ms = "long"
[evidence]
places = 0
[agency.nobody]
url = "https://localhost"
[agency.tax]
url = 7
timeout_ms = "soon"
[scrutiny]
misses = 0
officers = 5
share_percent = 101
"#,
    );
    for (path, what, line) in [
        ("colour", "is no stanza", 1),
        ("gateway.node", "invalid type", 3),
        ("gateway.trust_domain", "is no SPIFFE", 4),
        ("gateway.shape", "unknown field", 6),
        ("tls.key", "is missing", 7),
        ("tls.client_ca", "is missing", 7),
        ("tls.crls", "invalid type", 9),
        ("edge.listen", "invalid socket address", 11),
        ("edge.reflection", "invalid type", 12),
        ("edge.limits.idle_ms", "invalid value", 14),
        ("edge.limits.idle", "unknown field", 15),
        ("edge.limits.age_ms", "invalid type", 16),
        ("scrutiny.misses", "invalid value", 25),
        ("scrutiny.officers", "unknown field", 26),
        ("scrutiny.share_percent", "is 101; at most 100", 27),
        ("evidence.dir", "is missing", 17),
        ("evidence.origin", "is missing", 17),
        ("evidence.node", "is missing", 17),
        ("evidence.places", "invalid value", 18),
        ("agency.nobody", "is no agency", 19),
        ("agency.tax.url", "invalid type", 22),
        ("agency.tax.timeout_ms", "invalid type", 23),
    ] {
        assert!(says(&lines, path, what, line), "{path} in {lines:#?}");
    }
    assert_eq!(lines.len(), 22, "{lines:#?}");
}

#[test]
fn a_key_that_must_be_there_is_asked_for_by_name() {
    for (stanza, keys) in [
        ("gateway", &["node", "trust_domain", "policy"][..]),
        ("tls", &["certificate", "key", "client_ca"]),
        ("edge", &["listen"]),
        ("evidence", &["dir", "origin", "node"]),
        ("agency.tax", &["url"]),
    ] {
        let start = GOOD.find(&format!("[{stanza}]\n")).unwrap() + stanza.len() + 3;
        let end = GOOD[start..]
            .find('[')
            .map_or(GOOD.len(), |end| start + end);
        let text = format!("{}{}", &GOOD[..start], &GOOD[end..]);
        let lines = reported(&text);
        for key in keys {
            let start = format!("{stanza}.{key}: is missing (line ");
            assert!(
                lines.iter().any(|line| line.starts_with(&start)),
                "{start} in {lines:#?}"
            );
        }
        assert_eq!(lines.len(), keys.len(), "{lines:#?}");
    }
}

#[test]
fn a_stanza_that_is_missing_or_none_is_named() {
    let lines = reported("edge = 7\n[agency]\ntax = 1\n");
    for start in [
        "gateway: this stanza",
        "tls: this stanza",
        "evidence: this stanza",
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with(start)),
            "{lines:#?}"
        );
    }
    assert!(says(&lines, "edge", "is no stanza", 1), "{lines:#?}");
    assert!(says(&lines, "agency.tax", "is no stanza", 3), "{lines:#?}");
}

#[test]
fn every_line_that_is_no_toml_is_named() {
    let lines = reported("[gateway]\nnode = \ntrust_domain = \"a\"\n[tls\n");
    for number in [2, 4] {
        let end = format!("(line {number})");
        assert!(lines.iter().any(|line| line.ends_with(&end)), "{lines:#?}");
    }
}

#[test]
fn settings_that_no_gateway_can_live_with_are_problems() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to, path) in [
        ("log.example/1", "not an origin", "evidence.origin"),
        ("log.example/1", "", "evidence.origin"),
        ("\"log\"", "\"/proc/x\"", "evidence.dir"),
        ("\"log\"", "\"lienthong.toml\"", "evidence.dir"),
        (
            "[evidence]",
            "[evidence]\nreserve_percent = 101",
            "evidence.reserve_percent",
        ),
        (
            "[evidence]",
            "[evidence]\ngather_ms = 99999999",
            "evidence.gather_ms",
        ),
        ("1\"\nnode = \"a", "1\"\nnode = \"gw 1", "evidence.node"),
        (
            "[gateway]\nnode = \"a",
            "[gateway]\nnode = \"",
            "gateway.node",
        ),
        (
            "[gateway]\nnode = \"a",
            "[gateway]\nnode = \"gw 1",
            "gateway.node",
        ),
        ("[edge]", "[edge]\nhelp_base = \"x\"", "edge.help_base"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let lines = checked(folder.path(), &GOOD.replacen(from, to, 1));
        let named = |line: &String| line.starts_with(&format!("{path}: "));
        assert_eq!(
            lines.iter().filter(|it| named(it)).count(),
            1,
            "{to}: {lines:?}"
        );
    }
}

#[test]
fn only_a_sandbox_domain_serves_synthetic_citizens() {
    assert!(is_sandbox("sandbox.lienthong.example"));
    assert!(!is_sandbox("lienthong.example"));
    assert!(!is_sandbox("not-a-sandbox.example"));
}
