//! What the files that a configuration names must hold.

use std::sync::Arc;

use evidence::witness::Witness;
use exchange::SystemClock;

use super::{GOOD, checked, says};

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
