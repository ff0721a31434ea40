//! Everything that is wrong with a configuration, each with its path and its line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use evidence::witness::Witness;
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
fn a_defect_is_for_agencies_of_a_sandbox_alone() {
    let defect = |panics: &str| format!("{GOOD}[sandbox]\npanics = [{panics}]\n");
    let elsewhere = reported(&defect("'tax'"));
    let what = "is for a sandbox's trust domain alone";
    assert!(says(&elsewhere, "sandbox", what, 18), "{elsewhere:?}");
    assert_eq!(elsewhere.len(), 1, "{elsewhere:?}");
    let sandbox = |panics| defect(panics).replace("b.example", "sandbox.b.example");
    assert_eq!(reported(&sandbox("'tax'")), [""; 0]);
    let another = reported(&sandbox("'tax', 'health'"));
    let what = "is no agency that is switched on";
    assert!(says(&another, "sandbox.panics[1]", what, 19), "{another:?}");
}

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
fn files_are_looked_at_though_another_stanza_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let agreements = "[[purpose]]\ncode = 7\ntitle_vi = \"a\"\ntitle_en = \"\"\n";
    std::fs::write(folder.path().join("agreements.toml"), agreements).unwrap();
    let text = GOOD.replace("node = \"a\"\ntrust", "trust") + "own = 1\nmore = 2\n";
    let lines = checked(folder.path(), &text);
    let agreements = format!(
        "gateway.policy ({})",
        folder
            .path()
            .canonicalize()
            .unwrap()
            .join("agreements.toml")
            .display()
    );
    let quota = format!("{agreements}: quota: is missing");
    assert!(lines.contains(&quota), "{quota} in {lines:#?}");
    for (path, what, line) in [
        ("gateway.node", "is missing", 2),
        (&agreements, "purpose[0].code", 2),
        (&agreements, "purpose[0].title_en", 4),
        ("tls", "", 5),
        ("agency.tax.own", "unknown field", 17),
        ("agency.tax.more", "unknown field", 18),
    ] {
        assert!(says(&lines, path, what, line), "{path} in {lines:#?}");
    }
}

#[test]
fn a_policy_of_witnesses_that_cannot_be_met_is_named() {
    let home = tempfile::tempdir().unwrap();
    let witness = |number: u8, url: &str| {
        let (dir, name) = (
            home.path().join(number.to_string()),
            format!("w.example/{number}"),
        );
        let opened = Witness::open(&dir, &name, Vec::new(), Arc::new(SystemClock)).unwrap();
        format!("witness w{number} {} {url}\n", opened.keys()[0])
    };
    let two = witness(1, "http://10.0.0.1") + &witness(2, "ftp://w2.example");
    let (quorum, policy) = ("quorum w1\n", "witness_policy = \"w.policy\"\n");
    for (file, setting, problems) in [
        (None, policy, &["witness_policy: cannot read"][..]),
        (Some("quorum x\n".to_owned()), policy, &["witness_policy: "]),
        (
            Some("quorum none\n".to_owned()),
            policy,
            &["witness_policy: has no witness"],
        ),
        (
            Some(witness(1, "") + &witness(2, "https://w2.example") + quorum),
            policy,
            &["witness_policy: asks for more witnesses"],
        ),
        (
            Some(two + quorum),
            policy,
            &[
                "witness_policy: witness w1 at http://10.0.0.1 is plain text",
                "witness_policy: witness w2 at ftp://w2.example is no address",
            ],
        ),
        (
            None,
            "witness_grace_s = 9\n",
            &["witness_grace_s: means nothing"],
        ),
        (
            None,
            "witness_grace_s = 0\n",
            &["witness_grace_s: invalid value"],
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        if let Some(file) = file {
            std::fs::write(folder.path().join("w.policy"), file).unwrap();
        }
        let stanza = format!("[evidence]\n{setting}");
        let lines = checked(folder.path(), &GOOD.replace("[evidence]\n", &stanza));
        for problem in problems {
            let (path, what) = problem.split_once(": ").unwrap();
            let path = format!("evidence.{path}");
            assert!(says(&lines, &path, what, 13), "{problem} in {lines:#?}");
        }
        let said = lines.iter().filter(|line| line.starts_with("evidence."));
        assert_eq!(said.count(), problems.len(), "{lines:#?}");
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
fn a_database_that_cannot_be_reached_safely_is_a_problem() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = "database = \"db\"\n";
    let with_ca = "database = \"db\"\ndatabase_ca = \"ca.pem\"\n";
    let elsewhere = "postgres://gateway:s3cret@db.example/evidence";
    for (file, mode, settings, problem, line) in [
        ("", 0o000, database, "database: cannot read", 13),
        ("s3cret", 0o600, database, "database: ", 13),
        (elsewhere, 0o644, database, "database: ", 13),
        (elsewhere, 0o600, database, "database_ca: is missing", 12),
        (elsewhere, 0o600, with_ca, "database_ca: cannot trust", 14),
        (
            "",
            0o000,
            "database_ca = \"ca.pem\"\n",
            "database_ca: means nothing",
            13,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        if mode != 0 {
            std::fs::write(&path, file).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let stanza = format!("[evidence]\n{settings}");
        let lines = checked(folder.path(), &GOOD.replace("[evidence]\n", &stanza));
        let (key, what) = problem.split_once(": ").unwrap();
        let key = format!("evidence.{key}");
        assert!(says(&lines, &key, what, line), "{problem} in {lines:#?}");
        let said = lines.iter().filter(|line| line.starts_with("evidence."));
        assert_eq!(said.count(), 1, "{lines:#?}");
        assert!(!lines.concat().contains("s3cret"), "{lines:#?}");
    }
}

#[test]
fn an_agencys_own_keys_are_looked_at_though_its_address_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let civil = "[agency.civil_status]\nurl = \"nowhere\"\nuser = 7\nsecret = \"x\"\n";
    let health = "[agency.health]\nurl = \"http://10.0.0.1\"\nclient_id = 7\nsecret = \"x\"\n";
    let lines = checked(folder.path(), &format!("{GOOD}{civil}{health}"));
    for (key, line) in [
        ("civil_status.url", 19),
        ("civil_status.user", 20),
        ("civil_status.secret", 21),
        ("civil_status.secret_file", 18),
        ("health.url", 23),
        ("health.client_id", 24),
        ("health.secret", 25),
        ("health.client_secret_file", 22),
        ("health.sender_id", 22),
        ("health.receiver_id", 22),
        ("health.signing_key_file", 22),
        ("health.agency_key_file", 22),
    ] {
        let path = format!("agency.{key}");
        assert!(says(&lines, &path, "", line), "{path} in {lines:#?}");
    }
    // What is wrong is not missing too, and of what stands in nothing is said.
    let of_agencies = lines.iter().filter(|line| line.starts_with("agency."));
    assert_eq!(of_agencies.count(), 13, "{lines:#?}");
}

#[test]
fn each_address_of_an_agency_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    for (url, what) in [
        ("[]", "0 addresses"),
        ("['https://a.example', 7]", "invalid type"),
        ("['https://a.example', 'nowhere']", "nowhere is no URL"),
        (
            "['https://a.example', 'https://a.example']",
            "https://a.example stands there twice",
        ),
        (
            "['http://localhost:1', 'https://169.254.169.254/']",
            "https://169.254.169.254/: the address is none",
        ),
        (
            "['http://localhost:1', 'http://10.0.0.1/']",
            "http://10.0.0.1/ is plain text",
        ),
        (
            "['http://localhost:1', 'ftp://b.example/']",
            "ftp://b.example/ is no address",
        ),
        (
            "['http://localhost:1', 'https://b.example/']",
            "https://b.example/ needs `ca`",
        ),
        (
            "['https://b.example/', 'http://localhost:1']",
            "https://b.example/ needs `ca`",
        ),
        (
            "['http://localhost:1', 'http://localhost:2']",
            "is this machine",
        ),
    ] {
        let local = !what.starts_with("is this machine");
        let stanza = format!("[agency.population]\nurl = {url}\nlocal = {local}\n");
        let lines = checked(folder.path(), &format!("{GOOD}{stanza}"));
        let path = "agency.population.url";
        assert!(says(&lines, path, what, 19), "{what} in {lines:#?}");
        let of_url = lines.iter().filter(|line| line.starts_with(path));
        assert_eq!(of_url.count(), 1, "{lines:#?}");
    }
}

#[test]
fn only_a_sandbox_domain_serves_synthetic_citizens() {
    assert!(is_sandbox("sandbox.lienthong.example"));
    assert!(!is_sandbox("lienthong.example"));
    assert!(!is_sandbox("not-a-sandbox.example"));
}
