//! A second gateway beside a sandbox, which asks the same agencies and keeps a log of its own.

use std::fs;
use std::path::PathBuf;

use toml::{Table, Value};

use crate::port::free_address;
use crate::{Sandbox, Serving};

/// The configuration of a gateway beside a sandbox, and where it listens.
#[derive(Debug)]
pub struct Node {
    /// The agencies' listener.
    pub url: String,
    /// The operations listener.
    pub operations: String,
    /// The port of the agencies' listener.
    pub port: u16,
    /// The configuration.
    pub config: PathBuf,
}

impl Node {
    /// Writes the configuration of the node of that number, with these changes.
    pub fn beside(sandbox: &Sandbox, number: usize, change: impl FnOnce(&mut Table)) -> Self {
        let dir = sandbox.dir();
        let text = fs::read_to_string(dir.join("lienthong.toml")).unwrap();
        let mut config: Table = toml::from_str(&text).unwrap();
        let [agencies, public, operations] = [(); 3].map(|()| free_address());
        set(&mut config, "edge", "listen", agencies.as_str());
        set(&mut config, "edge", "public", public);
        set(&mut config, "edge", "operations", operations.as_str());
        let name = format!("gw-{number}");
        set(&mut config, "gateway", "node", name.as_str());
        set(&mut config, "evidence", "node", name.as_str());
        set(&mut config, "evidence", "dir", format!("log-{number}"));
        let origin = format!("log.example/{name}");
        set(&mut config, "evidence", "origin", origin);
        change(&mut config);
        let file = dir.join(format!("node-{number}.toml"));
        fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
        let port = agencies.rsplit(':').next().unwrap();
        Self {
            url: format!("https://localhost:{port}"),
            operations: format!("http://{operations}"),
            port: port.parse().unwrap(),
            config: file,
        }
    }

    /// Starts it, and waits until it is ready.
    pub fn start(&self) -> Serving {
        Serving::of(&self.config)
    }
}

/// Sets a key of a stanza, which is made if it is not there.
pub fn set(config: &mut Table, stanza: &str, key: &str, value: impl Into<Value>) {
    let stanza = config
        .entry(stanza)
        .or_insert_with(|| Table::new().into())
        .as_table_mut()
        .unwrap();
    stanza.insert(key.to_owned(), value.into());
}
