//! The stanza: everything wrong is said at once, and no secret shows.

use std::sync::Arc;

use exchange::SystemClock;

use crate::social_security::ENTRY;
use crate::{Deps, Problem, Settings};

fn connect(stanza: &str) -> Result<String, Vec<Problem>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "hunter2\n").unwrap();
    let settings = Settings::new(stanza.parse().unwrap(), folder.path())?;
    let deps = Deps::of(Arc::new(SystemClock));
    let agency = (ENTRY.connect)(settings, &deps)?;
    Ok(format!("{agency:?}"))
}

fn keys(stanza: &str) -> Vec<String> {
    let problems = connect(stanza).unwrap_err();
    problems.into_iter().map(|problem| problem.key).collect()
}

#[test]
fn a_whole_stanza_makes_an_adapter_that_shows_no_secret() {
    let shown = connect(
        "url = 'postgres://127.0.0.1:5432/bhxh?target_session_attrs=any'\n\
         user = 'gateway'\npassword_file = 'password'\npool_size = 8\n\
         statement_timeout_ms = 1500\nstandby = ['localhost:5433']\ntimeout_ms = 1500",
    );
    let shown = shown.unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("5433"), "{shown}");
}

#[test]
fn everything_wrong_is_said_at_once() {
    let wrong = keys(
        "url = 'postgres://10.0.0.1'\nuser = ''\npassword_file = 'none'\n\
         pool_size = 0\nstatement_timeout_ms = 0\nstandby = ['a']",
    );
    let expected = [
        "endpoint",
        "standby",
        "database",
        "user",
        "pool_size",
        "statement_timeout_ms",
        "password_file",
    ];
    assert_eq!(wrong, expected);
}

#[test]
fn plain_text_stays_on_this_machine() {
    let own = "user = 'gateway'\npassword_file = 'password'";
    let address = |url: &str, more: &str| keys(&format!("url = '{url}'\n{own}\n{more}"));
    assert_eq!(address("postgres://db.example/bhxh", ""), ["endpoint"]);
    assert_eq!(
        address("postgres://127.0.0.1,db.example/bhxh", ""),
        ["endpoint"]
    );
    let standby = "standby = ['db.example:5432']";
    assert_eq!(address("postgres://127.0.0.1/bhxh", standby), ["standby"]);
}

#[test]
fn no_login_and_no_other_key_stands_in_the_url() {
    for url in [
        "postgres://gateway@127.0.0.1/bhxh",
        "postgres://gateway:hunter2@127.0.0.1/bhxh",
        "postgres://127.0.0.1/bhxh?host=db.example",
        "postgres://127.0.0.1/bhxh?options=-c",
        "postgres://127.0.0.1/bhxh?target_session_attrs=read-write",
        "http://127.0.0.1/bhxh",
    ] {
        let stanza = format!("url = '{url}'\nuser = 'gateway'\npassword_file = 'password'");
        assert_eq!(keys(&stanza), ["url"], "{url}");
    }
    assert_eq!(
        keys("url = 'postgres://127.0.0.1/x'\nuzer = 'x'"),
        ["stanza"]
    );
}
