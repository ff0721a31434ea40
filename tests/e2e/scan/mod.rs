//! After thousands of lookups, refusals, searches, lists and erasures, no file, log line, span or metric
//! holds anything about a person; nor does a PostgreSQL that keeps keyring and index.
//!
//! Looked for: every number that was asked about, every name and long number that came back, every
//! officer, dossier, hint and reason; raw, percent-encoded and in base64; and any run of exactly twelve
//! digits.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use postmaster::{Postmaster, Stop};
use tests::{Receiver, Rest, Sandbox};

mod questions;
mod words;

use questions::{Asked, ask};
use words::{METRICS, Place, look_for};

const LOOKUPS: u32 = 10_000;
/// How often the record is searched meanwhile.
const ROUNDS: u32 = 10;

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// The bytes of every file below a directory; sockets and the like have none.
fn places(dir: &Path) -> Vec<Place> {
    let files = files(dir).into_iter().filter(|file| file.is_file());
    let places = files.map(|file| {
        let bytes = std::fs::read(&file).unwrap();
        (file.display().to_string(), bytes)
    });
    places.collect()
}

async fn metrics(sandbox: &Sandbox) -> Place {
    let operations = Rest::plain(sandbox.text("/operations"));
    let text = operations.get("/metrics").await.unwrap().text;
    assert!(text.contains("gateway_answers_total"));
    (METRICS.to_owned(), text.into_bytes())
}

/// Enough was asked of every kind, and nothing of it is anywhere; `parts` are among the names of the
/// places.
fn nothing_is_left(asked: &Asked, lookups: u32, places: &[Place], parts: &[&str]) {
    let words = asked.words.0.len();
    assert!(words as u32 > 3 * lookups, "{words}");
    assert!(asked.old >= lookups / 200, "{} old numbers", asked.old);
    assert!(asked.refused >= lookups / 50, "{} refused", asked.refused);
    for part in parts {
        let has = places.iter().any(|(name, _)| name.contains(part));
        assert!(has, "no {part} was looked at");
    }
    let (forms, bytes) = look_for(&asked.words, places);
    println!(
        "{lookups} lookups, {} by old numbers, {} refused, {words} words in {forms} forms, {} places, \
         {bytes} bytes",
        asked.old,
        asked.refused,
        places.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_lookups_leave_nothing_about_a_person_anywhere() {
    let receiver = Receiver::default();
    let endpoint = receiver.start().await;
    let sandbox = Sandbox::start_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.2"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ]);
    let asked = ask(&sandbox, LOOKUPS, ROUNDS).await;
    let mut places_read = vec![metrics(&sandbox).await];
    receiver.wait_for("record", LOOKUPS as usize / 10).await;
    let log = sandbox.path("/log/dir");
    let stopped = sandbox.interrupt();
    let spans = format!("{:?}", receiver.spans()).into_bytes();
    places_read.push(("the spans".to_owned(), spans));
    let logged = stopped.logged().into_bytes();
    places_read.push(("the log of the program".to_owned(), logged));
    places_read.extend(places(&log));
    let parts = [
        "/wal/",
        "/tile/entries/",
        "/tile/0/",
        "index.db",
        "request-ids.db",
        "keyring.db",
    ];
    nothing_is_left(&asked, LOOKUPS, &places_read, &parts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_for_the_private_side_holds_nothing_about_a_person_either() {
    let Some(mut server) = Postmaster::prepare().unwrap() else {
        println!("no PostgreSQL here: set LIENTHONG_TEST_POSTGRES_BIN to the folder of initdb");
        return;
    };
    // Every statement with its values.
    server.set("log_statement=all");
    server.start().unwrap();
    server.create("evidence").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("database.url");
    std::fs::write(&file, server.address("evidence")).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let sandbox = Sandbox::start_as(&["--database", &file.display().to_string()]);
    let lookups = LOOKUPS / 10;
    let asked = ask(&sandbox, lookups, 3).await;
    let mut places_read = vec![metrics(&sandbox).await];
    let log = sandbox.path("/log/dir");
    let stopped = sandbox.interrupt();
    assert!(tests::dossiers_alone(&log.join("index")));
    let logged = stopped.logged().into_bytes();
    places_read.push(("the log of the program".to_owned(), logged));
    // It writes all it has to its files when it stops.
    server.stop(Stop::Fast).unwrap();
    places_read.extend(places(&log));
    places_read.extend(places(server.folder()));
    // In the tables of the database, what is filed is there: the name of the log stands in the open.
    let origin = b"sandbox";
    let tables = places_read
        .iter()
        .filter(|(name, _)| name.contains("/base/"));
    let is_filed = |bytes: &Vec<u8>| bytes.windows(origin.len()).any(|it| it == origin);
    assert!(
        tables.clone().any(|(_, bytes)| is_filed(bytes)),
        "nothing is filed"
    );
    let said = server.log().display().to_string();
    let parts = ["/wal/", "/tile/entries/", "/base/", "/pg_wal/", &said];
    nothing_is_left(&asked, lookups, &places_read, &parts);
}
