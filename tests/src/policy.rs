//! The agreements of a sandbox as a directory, with a key that signs them.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::{Ran, run};

/// A directory of agreements.
#[derive(Debug)]
pub struct Agreements {
    dir: PathBuf,
    key: PathBuf,
    /// The public key.
    pub vkey: String,
}

impl Agreements {
    /// Writes the agreements of every sandbox, each into its file, into `policy` of a directory, and
    /// makes the key.
    pub fn write(place: &Path) -> Self {
        let text = include_str!("../../crates/lienthong/src/sandbox/agreements.toml");
        let table: Table = toml::from_str(text).unwrap();
        let dir = place.join("policy");
        fs::create_dir_all(dir.join("agreements")).unwrap();
        for (file, stanza) in [
            ("purposes.toml", "purpose"),
            ("agencies.toml", "agency"),
            ("quotas.toml", "quota"),
        ] {
            let one = Table::from_iter([(stanza.to_owned(), table.get(stanza).unwrap().clone())]);
            fs::write(dir.join(file), toml::to_string(&one).unwrap()).unwrap();
        }
        for agreement in table.get("agreement").and_then(Value::as_array).unwrap() {
            let id = agreement.get("id").and_then(Value::as_str).unwrap();
            let file = dir.join(format!("agreements/{id}.toml"));
            fs::write(file, toml::to_string(agreement).unwrap()).unwrap();
        }
        let key = place.join("policy.key");
        let made = run(&["policy", "key", "registry.example", "--out", &text_of(&key)]);
        assert_eq!(made.code, 0, "{made:?}");
        let vkey = made.out.trim().to_owned();
        Self { dir, key, vkey }
    }

    /// Has a sandbox that starts in `place` use them, and only if they are signed.
    pub fn configure(&self, place: &Path) {
        let file = place.join("lienthong.toml");
        let text = fs::read_to_string(&file).unwrap();
        let gateway = format!(
            "[gateway]\npolicy = \"policy\"\npolicy_keys = [{:?}]\n",
            self.vkey
        );
        fs::write(file, text + &gateway).unwrap();
    }

    /// The path of a file.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Sets a key of a file.
    pub fn set(&self, file: &str, key: &str, value: impl Into<Value>) {
        let file = self.file(file);
        let mut table: Table = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        table.insert(key.to_owned(), value.into());
        fs::write(file, toml::to_string(&table).unwrap()).unwrap();
    }

    /// Signs them.
    pub fn sign(&self) -> Ran {
        run(&[
            "policy",
            "sign",
            &text_of(&self.dir),
            "--key",
            &text_of(&self.key),
        ])
    }

    /// Checks them, and that the key has signed them.
    pub fn check(&self) -> Ran {
        run(&["policy", "check", &text_of(&self.dir), "--vkey", &self.vkey])
    }
}

fn text_of(path: &Path) -> String {
    path.display().to_string()
}
