//! The commands of operators: which node they speak to, and what their help teaches.

use std::fs;

use tests::{Ran, Sandbox, run, shell};

const WHO: [&str; 4] = ["--operator", "van-hanh-07", "--reason", "Kiểm tra"];
const COMMANDS: [&str; 6] = [
    "consent",
    "dossier",
    "review",
    "source",
    "suspension",
    "switch",
];

#[tokio::test]
async fn every_command_of_operators_reaches_a_sandbox_by_its_directory() {
    let sandbox = Sandbox::start();
    let dir = sandbox.dir().display().to_string();
    let at = |arguments: &[&str]| run(&[arguments, &["--sandbox", &dir]].concat());
    let by = |arguments: &[&str]| at(&[arguments, &WHO].concat());
    for (done, code, said) in [
        (at(&["source", "list"]), 0, "population  circuit closed"),
        (at(&["dossier", "list"]), 0, "nothing is under way"),
        (at(&["review", "list"]), 0, "0 open"),
        (at(&["suspension", "list"]), 0, "nobody is suspended"),
        (by(&["switch", "stop", "source:health"]), 0, "stopped"),
        (at(&["switch", "list"]), 0, "source:health  since "),
        (by(&["consent", "withdraw", "C-1"]), 5, "no consent"),
    ] {
        assert_eq!(done.code, code, "{done:?}");
        assert!((done.out.clone() + &done.err).contains(said), "{done:?}");
    }
    let within = ["switch", "--sandbox", &dir, "list"];
    assert!(run(&within).out.starts_with("source:health"));
}

#[tokio::test]
async fn a_sandbox_that_runs_where_one_stands_is_told_and_named() {
    let sandbox = Sandbox::start();
    let listed = beside(&sandbox, "lienthong switch list");
    assert_eq!(listed.out, "nothing is stopped\n", "{listed:?}");
    assert_eq!(listed.err, "the sandbox in ./sandbox:\n");
    let named = beside(&sandbox, "lienthong switch list --sandbox sandbox");
    assert_eq!(named.out, listed.out);
    assert_eq!(named.err, "");
    let elsewhere = beside(
        &sandbox,
        "lienthong switch list --operations http://127.0.0.1:1",
    );
    assert_eq!(elsewhere.code, 6, "{elsewhere:?}");
    assert!(elsewhere.err.contains("http://127.0.0.1:1"));
}

#[test]
fn a_node_that_is_named_twice_or_not_there_is_usage() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().display().to_string();
    let operations = ["--operations", "http://127.0.0.1:1"];
    for command in COMMANDS {
        let (leaf, by) = match command {
            "consent" => (&["withdraw", "C-1"][..], &WHO[..]),
            _ => (&["list"][..], &[][..]),
        };
        let none = run(&[&[command], leaf, by, &["--sandbox", &dir]].concat());
        assert_eq!(none.code, 2, "{none:?}");
        assert!(none.err.contains("start one with `lienthong sandbox`"));
        let beside = [leaf, by, &["--sandbox", &dir], &operations].concat();
        let across = [&["--sandbox", &dir], leaf, by, &operations].concat();
        for twice in [beside, across] {
            let twice = run(&[&[command], &twice[..]].concat());
            assert_eq!(twice.code, 2, "{twice:?}");
            assert!(twice.err.contains("--operations"), "{twice:?}");
        }
    }
}

/// What an example names is not there, so that a node refuses it; each is a command line it understands.
#[tokio::test]
async fn every_example_in_the_help_of_operators_is_understood() {
    let sandbox = Sandbox::start();
    let registration = sandbox.dir().parent().unwrap().join("consent.json");
    fs::write(registration, "{}").unwrap();
    for command in COMMANDS {
        let help = run(&[command, "--help"]).out;
        let examples: Vec<_> = help
            .lines()
            .filter(|line| line.starts_with("  lienthong "))
            .collect();
        assert!(!examples.is_empty(), "{help}");
        for example in examples {
            let ran = beside(&sandbox, example);
            assert!([0, 5].contains(&ran.code), "{example}: {ran:?}");
        }
    }
}

/// Runs a command line in the folder in which the sandbox's directory stands.
fn beside(sandbox: &Sandbox, line: &str) -> Ran {
    let program = tests::program();
    let folder = program.parent().unwrap().display();
    let dir = sandbox.dir();
    let place = dir.parent().unwrap().display();
    shell(&format!("PATH={folder}:$PATH; cd {place}; {line}"))
}
