//! The directory of a sandbox, as those who use it from outside see it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use exchange::SystemClock;
use identity::{ClientFiles, ClientTls, TlsVersions};
use rustls::ClientConfig;
use serde::Deserialize;

/// The directory of a sandbox.
#[derive(Clone, Debug)]
pub(crate) struct Sandbox(PathBuf);

/// A simulator, of `sims.json`.
#[derive(Debug, Deserialize)]
struct Simulated {
    url: String,
}

impl Sandbox {
    /// Opens nothing yet.
    pub(crate) fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// The text of a file.
    pub(crate) fn read(&self, name: &str) -> anyhow::Result<String> {
        let path = self.0.join(name);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    /// Where the simulated tax register is.
    pub(crate) fn tax_url(&self) -> anyhow::Result<String> {
        let all: BTreeMap<String, Simulated> = serde_json::from_str(&self.read("sims.json")?)?;
        let tax = all.into_iter().find(|(name, _)| name == "tax");
        Ok(tax.context("sims.json has no tax")?.1.url)
    }

    /// The TLS of the default caller.
    pub(crate) fn caller(&self) -> anyhow::Result<Arc<ClientConfig>> {
        let identity =
            ["pem", "key"].map(|end| self.0.join("pki/callers/commune").with_extension(end));
        let [certificate, key] = identity;
        let files = ClientFiles {
            ca: self.0.join("pki/ca.pem"),
            identity: Some((certificate, key)),
            versions: TlsVersions::Tls13,
        };
        let tls = ClientTls::load(&files, Arc::new(SystemClock))?;
        Ok(tls.config(&[identity::ALPN_H2]))
    }
}
