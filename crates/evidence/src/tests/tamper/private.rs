//! Keys, keyring and index that were changed: the start or a search says so, and nothing false is
//! shown; the index can be made again.

use std::path::PathBuf;

use exchange::Query;
use rusqlite::Connection;
use rusqlite::types::Value as Cell;

use super::super::private::{about, opened};
use super::*;
use crate::{Observer, reindex};

const OTHER: &str = "999099000002";

/// Notes what is told of filing.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn openings_lost(&self, count: u64) {
        self.0.lock().unwrap().push(format!("{count} lost"));
    }

    fn not_filed(&self, error: &Error) {
        self.0.lock().unwrap().push(chain(error));
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

/// A log with an exchange about one person, one about another, and a sealed one about the first.
/// Everything is filed, and the index was made again.
async fn filed() -> Desk {
    let mut desk = Desk::published();
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    desk.about(IdentifierKind::Personal, OTHER);
    desk.exchange(&evidence).await;
    desk.about(IdentifierKind::Personal, CITIZEN);
    desk.seen_as(&evidence, Visibility::Sealed).await;
    desk.search(&evidence, about(CITIZEN)).await;
    handle.close().await.unwrap();
    drop(evidence);
    reindex(&desk.config, |_| ()).unwrap();
    desk
}

impl Desk {
    /// The same log in another place.
    fn elsewhere(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy_tree(self.path().parent().unwrap(), dir.path());
        let config = Config {
            dir: dir.path().join("log"),
            ..self.config.clone()
        };
        Self {
            _dir: dir,
            config,
            clock: Arc::clone(&self.clock),
            policy: self.policy,
            caller: self.caller.clone(),
            request: self.request.clone(),
        }
    }

    /// What a start and a search of one person tell; the values of everything that is opened if
    /// nothing is wrong.
    async fn asked(&self, query: &Query) -> Result<Vec<String>, String> {
        let told = Arc::new(Told::default());
        let deps = Deps {
            keys: keys::create_if_missing(&self.config).map_err(|error| chain(&error))?,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            observer: Arc::clone(&told) as Arc<dyn Observer>,
            witnesses: None,
            version: "0.1.0",
            policy: self.policy,
            on_fatal: Alarm::new(|_| ()),
        };
        let started = Evidence::start(self.config.clone(), deps);
        let (evidence, handle) = started.map_err(|error| chain(&error))?;
        let found = evidence.search(&self.disclosure(), query).await;
        handle.close().await.unwrap();
        let found = found.map_err(|fault| chain(&**fault.cause.as_ref().unwrap()))?;
        let told = told.0.lock().unwrap().join("; ");
        if !told.is_empty() || !found.complete {
            return Err(told);
        }
        let values = found.records.iter().filter_map(|it| opened(it, "sub"));
        Ok(values.map(str::to_owned).collect())
    }

    fn private(&self, name: &str) -> PathBuf {
        self.config.keys_dir().join(name)
    }

    fn index(&self) -> PathBuf {
        self.config.index_dir().join("index.db")
    }
}

fn change(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x21;
    fs::write(path, bytes).unwrap();
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[tokio::test]
async fn a_key_that_was_changed_or_is_missing_is_named() {
    let desk = filed().await;
    let whole = desk.elsewhere().asked(&about(CITIZEN)).await.unwrap();
    assert_eq!(whole, [CITIZEN; 3], "two exchanges and the search");
    let mut seen = Vec::new();
    for name in names(&desk.config.keys_dir()) {
        if name.starts_with("keyring.db") {
            continue;
        }
        let len = fs::read(desk.private(&name)).unwrap().len();
        for at in [0, len / 3, len / 2, len - 1] {
            let case = desk.elsewhere();
            change(&case.private(&name), at);
            let said = case.asked(&about(CITIZEN)).await.unwrap_err();
            let is_named = said.contains(&name) || said.contains("the private key");
            assert!(is_named, "{name} at {at}: {said}");
        }
        let case = desk.elsewhere();
        fs::remove_file(case.private(&name)).unwrap();
        match case.asked(&about(CITIZEN)).await {
            Err(said) => assert!(said.contains(&name), "{name} is missing: {said}"),
            // Nothing waits under it any more.
            Ok(all) => assert!(name.starts_with("intake.") && all == whole, "{name}"),
        }
        seen.push(name);
    }
    for kind in [
        "log.pk8",
        "log.ml-dsa-44.pk8",
        "receipt.pk8",
        "keyring.key",
        "tags.",
        "intake.",
    ] {
        assert!(
            seen.iter().any(|name| name.starts_with(kind)),
            "{kind}: {seen:?}"
        );
    }
}

#[tokio::test]
async fn an_intake_key_that_is_missed_is_told() {
    let desk = Desk::new();
    let (evidence, handle) = desk.start();
    desk.exchange(&evidence).await;
    drop(handle); // as a crash, before anything is filed
    drop(evidence);
    for name in names(&desk.config.keys_dir()) {
        if name.starts_with("intake.") {
            fs::remove_file(desk.private(&name)).unwrap();
        }
    }
    let said = desk.elsewhere().asked(&about(CITIZEN)).await.unwrap_err();
    assert_eq!(said, "1 lost");
}

#[tokio::test]
async fn a_keyring_that_was_changed_or_is_missing_is_told() {
    let desk = filed().await;
    let database = |desk: &Desk| desk.private("keyring.db");
    let blobs = {
        let keyring = Connection::open(database(&desk)).unwrap();
        let blob = |sql: &str| {
            keyring
                .query_row(sql, [], |row| row.get::<_, Vec<u8>>(0))
                .unwrap()
        };
        let of_one = "FROM record_key WHERE seq = 1";
        let subject = format!("(SELECT subject {of_one})");
        [
            b"SQLite format 3".to_vec(),
            blob(&format!(
                "SELECT wrapped FROM subject_key WHERE tag = {subject}"
            )),
            blob(&format!("SELECT wrapped {of_one}")),
            // The table of keys comes first, and stands under the tag.
            blob(&format!(
                "SELECT tag FROM subject_key WHERE tag = {subject}"
            )),
        ]
    };
    for blob in blobs {
        let case = desk.elsewhere();
        let bytes = fs::read(database(&case)).unwrap();
        let at = bytes.windows(blob.len()).position(|it| it == blob).unwrap();
        change(&database(&case), at + blob.len() / 2);
        let said = case.asked(&about(CITIZEN)).await.unwrap_err();
        let is_told = [
            "keyring.db",
            "a person's key",
            "the keyring has a key that does not open",
        ];
        assert!(is_told.iter().any(|it| said.contains(it)), "{said}");
    }
    // As after the ten minutes in which it could be made again.
    let case = desk.elsewhere();
    for name in names(&case.config.keys_dir()) {
        if name.starts_with("intake.") || name.starts_with("keyring.db") {
            fs::remove_file(case.private(&name)).unwrap();
        }
    }
    let said = case.asked(&about(CITIZEN)).await.unwrap_err();
    assert!(said.ends_with(" lost"), "{said}");
}

/// Every row of every table.
fn rows(path: &Path) -> Vec<String> {
    let index = Connection::open(path).unwrap();
    let mut all = Vec::new();
    for table in ["log", "record", "mark", "opening", "part", "leaf", "filed"] {
        let mut statement = index.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let cells = (0..columns).map(|column| row.get::<_, Cell>(column));
            cells.collect::<Result<Vec<_>, _>>()
        };
        let rows = statement.query_map([], row).unwrap();
        all.extend(rows.map(|row| format!("{table} {:?}", row.unwrap())));
    }
    all.sort();
    all
}

/// What somebody may change in the index, the question that comes upon it, and what is said.
fn forgeries() -> Vec<(&'static str, Query, &'static str)> {
    let of_agency = Query {
        agency: Some(AgencyCode::parse("H55").unwrap()),
        ..Query::default()
    };
    let all = |query| Query { limit: 50, ..query };
    vec![
        (
            "UPDATE OR IGNORE mark SET seq = 2 WHERE seq = 1",
            about(CITIZEN),
            "it is about somebody else",
        ),
        (
            "UPDATE mark SET ts = ts + 1 WHERE seq = 1",
            about(CITIZEN),
            "it is of another time",
        ),
        (
            "UPDATE opening SET sealed = (SELECT sealed FROM opening WHERE seq = 2) WHERE seq = 1",
            about(CITIZEN),
            "what it hides does not open",
        ),
        (
            "DELETE FROM opening WHERE seq = 1",
            about(CITIZEN),
            "what it hides does not open",
        ),
        (
            "UPDATE record SET agency = 'H55' WHERE seq = 1",
            all(of_agency),
            "it is of another call",
        ),
        (
            "UPDATE log SET origin = 'audit.gw.example/x'",
            about(CITIZEN),
            "its log has another name",
        ),
    ]
}

#[tokio::test]
async fn an_index_that_was_changed_by_hand_does_not_speak() {
    let desk = filed().await;
    for (sql, query, problem) in forgeries() {
        let case = desk.elsewhere();
        let index = Connection::open(case.index()).unwrap();
        assert!(index.execute(sql, []).unwrap() > 0, "{sql}");
        drop(index);
        let said = case.asked(&query).await.unwrap_err();
        assert!(said.contains(problem), "{sql}: {said}");
    }
    // A sealed record does not get into a person's own list.
    let case = desk.elsewhere();
    let index = Connection::open(case.index()).unwrap();
    index
        .execute("UPDATE record SET shown_from = 0", [])
        .unwrap();
    drop(index);
    let (evidence, handle) = case.start();
    let list = evidence.accesses(&case.disclosure(), &about(CITIZEN)).await;
    let said = chain(&**list.unwrap_err().cause.as_ref().unwrap());
    assert!(said.contains("it may not be seen"), "{said}");
    handle.close().await.unwrap();
}

#[tokio::test]
async fn an_index_that_was_changed_or_is_missing_is_made_again_and_equal() {
    let desk = filed().await;
    let right = rows(&desk.index());
    assert!(
        right.iter().any(|row| row.starts_with("opening")),
        "{right:?}"
    );
    let len = fs::read(desk.index()).unwrap().len();
    for at in [0, len / 3, len / 2, len - 1] {
        let case = desk.elsewhere();
        change(&case.index(), at);
        reindex(&case.config, |_| ()).unwrap();
        assert!(rows(&case.index()) == right, "byte {at}");
    }
    for (sql, ..) in forgeries() {
        let case = desk.elsewhere();
        Connection::open(case.index())
            .unwrap()
            .execute(sql, [])
            .unwrap();
        assert!(rows(&case.index()) != right, "{sql}");
        reindex(&case.config, |_| ()).unwrap();
        assert!(rows(&case.index()) == right, "{sql}");
    }
    let case = desk.elsewhere();
    fs::remove_dir_all(case.config.index_dir()).unwrap();
    reindex(&case.config, |_| ()).unwrap();
    assert!(rows(&case.index()) == right, "it was missing");
}
