//! What is wrong with the stanzas of agencies.

use super::{GOOD, checked, reported, says};

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
fn reflection_is_for_a_sandbox_alone() {
    let reflects = GOOD.replace("[edge]\n", "[edge]\nreflection = true\n");
    let elsewhere = reported(&reflects);
    let what = "is for a sandbox's trust domain alone";
    assert!(
        says(&elsewhere, "edge.reflection", what, 11),
        "{elsewhere:?}"
    );
    assert_eq!(elsewhere.len(), 1, "{elsewhere:?}");
    let sandbox = reflects.replace("b.example", "sandbox.b.example");
    assert_eq!(reported(&sandbox), [""; 0]);
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
