//! A gateway beside a sandbox: the same callers and simulated agencies, another configuration, a log
//! of its own.

use std::fs;
use std::path::PathBuf;

use toml::{Table, Value};

use crate::port::free_address;
use crate::{Sandbox, Serving};

/// The configuration of a gateway beside a sandbox, and where it listens.
#[derive(Debug)]
pub struct Node {
    /// Where agencies call it.
    pub url: String,
    /// Where it is operated.
    pub operations: String,
    /// The port of the agencies' listener.
    pub port: u16,
    /// The configuration.
    pub config: PathBuf,
    /// The directory of its log.
    pub log: PathBuf,
}

impl Node {
    /// Writes the configuration of the sandbox for a node of that name, with these changes.
    pub fn beside(sandbox: &Sandbox, name: &str, change: impl FnOnce(&mut Table)) -> Self {
        let dir = sandbox.dir();
        let text = fs::read_to_string(dir.join("lienthong.toml")).unwrap();
        let mut config: Table = toml::from_str(&text).unwrap();
        let [agencies, public, operations] = [(); 3].map(|()| free_address());
        set(&mut config, "edge", "listen", agencies.as_str());
        set(&mut config, "edge", "public", public);
        set(&mut config, "edge", "operations", operations.as_str());
        set(&mut config, "gateway", "node", name);
        set(&mut config, "evidence", "node", name);
        let log = format!("log-{name}");
        set(&mut config, "evidence", "dir", log.as_str());
        let origin = format!("log.example/{name}");
        set(&mut config, "evidence", "origin", origin);
        change(&mut config);
        let file = dir.join(format!("{name}.toml"));
        fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
        let port = agencies.rsplit(':').next().unwrap();
        Self {
            url: format!("https://localhost:{port}"),
            operations: format!("http://{operations}"),
            port: port.parse().unwrap(),
            log: dir.join(log),
            config: file,
        }
    }

    /// Starts it, and waits until it is ready.
    pub fn start(&self) -> Serving {
        Serving::of(&self.config)
    }
}

/// Sets a key of a stanza of a configuration; its parts are divided by dots, and made if missing.
pub fn set(config: &mut Table, stanza: &str, key: &str, value: impl Into<Value>) {
    let stanza = stanza.split('.').fold(config, |table, name| {
        let inner = table
            .entry(name)
            .or_insert_with(|| Value::Table(Table::new()));
        inner.as_table_mut().unwrap()
    });
    stanza.insert(key.to_owned(), value.into());
}
