//! The one configuration file, nested of what each crate reads for itself.
//!
//! Everything wrong with it is reported at once, with its path. Relative paths count from the
//! file's folder. Secrets are named by file only.

mod problem;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use agencies::{ALL, Deps, Settings};
use exchange::{Clock, Source};
use identity::{ServerTls, TlsFiles, TrustDomain};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) use problem::Problems;

/// The whole file, read and nested; nothing is opened or connected yet.
#[derive(Debug)]
pub(crate) struct Config {
    /// This node's name in every record.
    pub(crate) node: String,
    /// Whose certificates name callers. A first label `sandbox` serves synthetic citizens.
    pub(crate) trust_domain: TrustDomain,
    /// The file of agreements.
    pub(crate) policy: PathBuf,
    /// The listeners.
    pub(crate) edge: edge::Config,
    /// The certificates of the agencies' listener.
    pub(crate) tls: TlsFiles,
    /// The log.
    pub(crate) evidence: evidence::Config,
    /// The agencies that are switched on.
    pub(crate) agencies: Vec<(Source, Settings)>,
}

/// The `[gateway]` stanza.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gateway {
    node: String,
    trust_domain: String,
    policy: PathBuf,
}

/// The `[tls]` stanza.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: PathBuf,
    #[serde(default)]
    crls: Vec<PathBuf>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn load(path: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problems::one("", format!("{}: {error}", path.display())))?;
        let table: toml::Table = toml::from_str(&text)
            .map_err(|error| Problems::one("", error.to_string().trim_end()))?;
        let base = path.parent().unwrap_or(Path::new(""));
        let base = base.canonicalize().unwrap_or_else(|_| base.to_owned());
        Reader::new(table, base).config()
    }

    /// True if synthetic citizens are served: in a sandbox's trust domain alone.
    pub(crate) fn is_sandbox(&self) -> bool {
        is_sandbox(self.trust_domain.as_str())
    }
}

/// True for `sandbox` and for every domain whose first label it is.
fn is_sandbox(trust_domain: &str) -> bool {
    trust_domain.split('.').next() == Some("sandbox")
}

/// Reads stanza after stanza and gathers what is wrong.
struct Reader {
    table: toml::Table,
    base: PathBuf,
    problems: Problems,
}

impl Reader {
    fn new(table: toml::Table, base: PathBuf) -> Self {
        Self {
            table,
            base,
            problems: Problems::default(),
        }
    }

    fn config(mut self) -> Result<Config, Problems> {
        let gateway: Option<Gateway> = self.stanza("gateway");
        let tls: Option<Tls> = self.stanza("tls");
        let edge: Option<edge::Config> = self.stanza("edge");
        let evidence: Option<evidence::Config> = self.stanza("evidence");
        let agencies = self.agencies();
        let trust_domain = gateway
            .as_ref()
            .and_then(|gateway| self.trust_domain(gateway));
        for key in self.table.keys() {
            self.problems.add(key, "is no stanza of this file");
        }
        let base = self.base;
        match (gateway, tls, edge, evidence, trust_domain) {
            (Some(gateway), Some(tls), Some(edge), Some(evidence), Some(trust_domain))
                if self.problems.is_empty() =>
            {
                Ok(Config {
                    node: gateway.node,
                    trust_domain,
                    policy: base.join(gateway.policy),
                    edge,
                    tls: TlsFiles {
                        certificate: base.join(tls.certificate),
                        key: base.join(tls.key),
                        client_ca: base.join(tls.client_ca),
                        crls: tls.crls.iter().map(|crl| base.join(crl)).collect(),
                    },
                    evidence: evidence::Config {
                        dir: base.join(&evidence.dir),
                        keys_dir: evidence.keys_dir.as_ref().map(|dir| base.join(dir)),
                        ..evidence
                    },
                    agencies,
                })
            }
            _ => Err(self.problems),
        }
    }

    fn stanza<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let Some(value) = self.table.remove(name) else {
            self.problems.add(name, "this stanza is missing");
            return None;
        };
        match value.try_into() {
            Ok(stanza) => Some(stanza),
            Err(error) => {
                let error: toml::de::Error = error;
                self.problems.add(name, error.message());
                None
            }
        }
    }

    fn trust_domain(&mut self, gateway: &Gateway) -> Option<TrustDomain> {
        let domain = TrustDomain::parse(&gateway.trust_domain);
        if domain.is_none() {
            let what = "is no SPIFFE trust domain, such as gateway.example";
            self.problems.add("gateway.trust_domain", what);
        }
        domain
    }

    fn agencies(&mut self) -> Vec<(Source, Settings)> {
        let stanzas: toml::Table = self.stanza("agency").unwrap_or_default();
        let mut agencies = Vec::new();
        for (name, stanza) in stanzas {
            let path = format!("agency.{name}");
            let entry = ALL.iter().find(|entry| entry.source.name() == name);
            match (entry, stanza) {
                (Some(entry), toml::Value::Table(stanza)) => {
                    match Settings::new(stanza, &self.base) {
                        Ok(settings) => agencies.push((entry.source, settings)),
                        Err(problems) => self.problems.agency(&path, &problems),
                    }
                }
                (None, _) => {
                    let known: Vec<_> = ALL.iter().map(|entry| entry.source.name()).collect();
                    let what = format!("is no agency; there are {}", known.join(", "));
                    self.problems.add(&path, what);
                }
                (Some(_), _) => self.problems.add(&path, "is no stanza"),
            }
        }
        agencies
    }
}

/// What is made of a configuration without opening a connection or the log.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The agreements.
    pub(crate) policy: admission::Policy,
    /// The certificates.
    pub(crate) tls: ServerTls,
    /// The agencies.
    pub(crate) agencies: Vec<Arc<dyn adapter::Agency>>,
}

impl Checked {
    /// Reads every file that the configuration names.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let policy = admission::Policy::load(&config.policy)
            .map_err(|error| problems.policy(&config.policy, &error));
        let tls = ServerTls::load(&config.tls, Arc::clone(clock))
            .map_err(|error| problems.add("tls", chain(&error)));
        let deps = Deps {
            clock: Arc::clone(clock),
        };
        let mut connected = Vec::new();
        for (source, settings) in &config.agencies {
            let entry = ALL.iter().find(|entry| entry.source == *source);
            match entry.map(|entry| (entry.connect)(settings.clone(), &deps)) {
                Some(Ok(agency)) => connected.push(agency),
                Some(Err(wrong)) => problems.agency(&format!("agency.{source}"), &wrong),
                None => {}
            }
        }
        match (policy, tls) {
            (Ok(policy), Ok(tls)) if problems.is_empty() => Ok(Self {
                policy,
                tls,
                agencies: connected,
            }),
            _ => Err(problems),
        }
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        let table = toml::from_str(text).unwrap();
        let problems = Reader::new(table, PathBuf::from("/x"))
            .config()
            .unwrap_err();
        problems.to_string()
    }

    #[test]
    fn everything_wrong_is_reported_at_once_with_its_path() {
        let found = problems(
            r#"
            colour = "red"
            [gateway]
            node = "a"
            trust_domain = "NOT A DOMAIN"
            policy = "p.toml"
            [tls]
            certificate = "c"
            [agency.nobody]
            url = "https://localhost"
            [agency.tax]
            url = 7
            "#,
        );
        for path in [
            "colour",
            "gateway.trust_domain",
            "tls",
            "edge",
            "evidence",
            "agency.nobody",
            "agency.tax.endpoint",
        ] {
            let line = format!("{path}: ");
            assert!(
                found.lines().any(|found| found.starts_with(&line)),
                "{path} in {found}"
            );
        }
    }

    #[test]
    fn only_a_sandbox_domain_serves_synthetic_citizens() {
        assert!(is_sandbox("sandbox.lienthong.example"));
        assert!(!is_sandbox("lienthong.example"));
        assert!(!is_sandbox("not-a-sandbox.example"));
    }
}
