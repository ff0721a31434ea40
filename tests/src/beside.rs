//! A gateway of its own beside a sandbox: the same callers and simulated agencies, another
//! configuration.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use toml::{Table, Value};

use crate::port::free_address;
use crate::{Rest, Sandbox, Serving};

/// A gateway that serves beside a sandbox.
#[derive(Debug)]
pub struct Beside {
    /// Where it is called.
    pub url: String,
    /// Where it is operated.
    pub operations: String,
    log: PathBuf,
    serving: Serving,
}

impl Beside {
    /// Starts one with the configuration of the sandbox, changed; `name` is that of the node.
    pub fn start(sandbox: &Sandbox, name: &str, change: impl FnOnce(&mut Table)) -> Self {
        let dir = sandbox.dir();
        let text = fs::read_to_string(dir.join("lienthong.toml")).unwrap();
        let mut config: Table = toml::from_str(&text).unwrap();
        let [agencies, public, operations] = [(); 3].map(|()| free_address());
        set(&mut config, "edge", "listen", agencies.as_str());
        set(&mut config, "edge", "public", public);
        set(&mut config, "edge", "operations", operations.as_str());
        set(&mut config, "gateway", "node", name);
        set(&mut config, "evidence", "node", name);
        set(&mut config, "evidence", "dir", format!("log-{name}"));
        set(
            &mut config,
            "evidence",
            "origin",
            format!("log.example/{name}"),
        );
        change(&mut config);
        let file = dir.join(format!("{name}.toml"));
        fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
        let port = agencies.rsplit(':').next().unwrap();
        Self {
            url: format!("https://localhost:{port}"),
            operations: format!("http://{operations}"),
            serving: Serving::of(&file),
            log: file.with_extension("err"),
        }
    }

    /// A caller of it.
    pub fn caller(&self, sandbox: &Sandbox, name: &str) -> Rest {
        Rest::at(&self.url, sandbox, name)
    }

    /// Its operations listener.
    pub fn operator(&self) -> Rest {
        Rest::plain(&self.operations)
    }

    /// What it has logged so far.
    pub fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.serving.pid()
    }

    /// True until it has ended.
    pub fn runs(&mut self) -> bool {
        self.serving.runs()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.serving.signal(signal);
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
