//! How an agency is simulated: what both sides must know, and the start on a bound stage.
//!
//! Not here: citizens, knobs, sockets (crate `sim`).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exchange::Clock;
use identity::pki::Authority;
use sim::{Handle, Stage, World};

/// The simulator of one agency.
#[derive(Clone, Copy, Debug)]
pub struct Simulator {
    /// Makes the secrets that the agency and the gateway share below [`Site::folder`], keeping
    /// those that are there, and returns what the gateway's stanza must say besides `url`.
    pub provision: fn(&Site) -> anyhow::Result<toml::Table>,
    /// The `url` of the stanza, once the simulator listens there.
    pub url: fn(SocketAddr) -> String,
    /// Serves the agency's wire. Reads the secrets that `provision` made.
    pub start: fn(Stage, &Site) -> anyhow::Result<Handle>,
}

/// Where a simulated agency lives, and what it knows.
#[derive(Clone, Debug)]
pub struct Site {
    /// The folder of the gateway's configuration file.
    pub root: PathBuf,
    /// The folder of the agency, relative to `root`.
    pub folder: PathBuf,
    /// The development CA that signs certificates of both sides.
    pub authority: Arc<Authority>,
    /// The citizens.
    pub world: Arc<World>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// How many rendered answers are kept, for benchmarks; 0 keeps none.
    pub prepared: usize,
}

impl Site {
    /// The absolute path of a file of the agency.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(&self.folder).join(name)
    }

    /// The same path as the stanza names it: relative to the configuration file.
    #[must_use]
    pub fn stanza_path(&self, name: &str) -> toml::Value {
        let path: &Path = &self.folder.join(name);
        toml::Value::String(path.display().to_string())
    }

    /// A random secret in a file of the agency that only its owner reads; the one that is there is
    /// kept.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn secret(&self, name: &str) -> anyhow::Result<String> {
        let path = self.file(name);
        if let Ok(text) = std::fs::read_to_string(&path) {
            return Ok(text.trim().to_owned());
        }
        let mut bytes = [0; 24];
        aws_lc_rs::rand::fill(&mut bytes)?;
        let text = hex::encode(bytes);
        self.write(name, &text)?;
        Ok(text)
    }

    /// Writes a file of the agency that only its owner reads.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self.file(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = std::fs::OpenOptions::new();
        let options = options.create(true).write(true).truncate(true).mode(0o600);
        options.open(&path)?.write_all(text.as_bytes())?;
        Ok(())
    }
}
