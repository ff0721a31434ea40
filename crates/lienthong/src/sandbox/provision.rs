//! What a sandbox is made of on disk: CA, certificates, agreements, configuration. What is there
//! is kept.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use exchange::{AgencyCode, Clock, SystemId};
use identity::TrustDomain;
use identity::pki::{Authority, LOOPBACK};

use super::description::Caller;

/// The trust domain of sandboxes: its first label lets synthetic citizens in.
const TRUST_DOMAIN: &str = "sandbox.lienthong.example";

/// The node's name in every record.
const NODE: &str = "gw-1";

/// How long certificates hold.
const VALIDITY: Duration = Duration::from_secs(365 * 24 * 3600);

/// The callers: name, agency, system, purposes. The first is the default one.
const CALLERS: [(&str, &str, &str, &[&str]); 5] = [
    ("commune", "H55", "one-stop-desk", &["ONE_STOP_DESK"]),
    ("claims", "G24", "claims", &["BENEFIT_CLAIM"]),
    ("tax", "G12", "tax-registry", &["TAXPAYER_REGISTRATION"]),
    ("auditor", "G03", "auditor", &["INSPECTION"]),
    ("portal", "G22", "public-service-portal", &["SELF_ACCESS"]),
];

/// The directory of a sandbox, with everything that does not depend on ports.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The directory, absolute.
    pub(crate) dir: PathBuf,
    /// The CA.
    pub(crate) authority: Arc<Authority>,
    /// What `database` in the configuration says, if it says something.
    database: Option<String>,
    clock: Arc<dyn Clock>,
}

/// Where the listeners of the gateway are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listeners {
    /// For agencies.
    pub(crate) agencies: SocketAddr,
    /// For the public.
    pub(crate) public: SocketAddr,
    /// For operators.
    pub(crate) operations: SocketAddr,
}

impl Ground {
    /// Makes or opens the directory.
    pub(crate) fn prepare(dir: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let dir = dir.canonicalize()?;
        let pki = dir.join("pki");
        let authority = if pki.join("ca.pem").exists() {
            Authority::load(&pki, Arc::clone(&clock))?
        } else {
            let domain = TrustDomain::parse(TRUST_DOMAIN)
                .ok_or_else(|| anyhow!("{TRUST_DOMAIN} is no trust domain"))?;
            let name = "Lienthong sandbox CA";
            Authority::create(&pki, name, &domain, Arc::clone(&clock))?
        };
        authority.renew_crl()?;
        let ground = Self {
            dir,
            authority: Arc::new(authority),
            database: None,
            clock,
        };
        ground.certificates()?;
        let agreements = ground.dir.join("agreements.toml");
        if !agreements.exists() {
            std::fs::write(&agreements, include_str!("agreements.toml"))?;
        }
        Ok(ground)
    }

    /// Has index, keyring and lock store kept in the PostgreSQL of that file; else where the directory
    /// was made with.
    pub(crate) fn with_database(mut self, file: Option<&Path>) -> anyhow::Result<Self> {
        self.database = match file {
            Some(file) => {
                let file = file.canonicalize();
                let file = file.context("the file of the database")?;
                Some(file.display().to_string())
            }
            None => {
                let before = self.before("evidence", "database");
                before.and_then(|file| Some(file.as_str()?.to_owned()))
            }
        };
        Ok(self)
    }

    /// The certificates of the gateway and of every caller.
    fn certificates(&self) -> anyhow::Result<()> {
        let pki = self.dir.join("pki");
        if !pki.join("gateway.pem").exists() {
            let server = self.authority.issue_server("gateway", LOOPBACK, VALIDITY)?;
            server.save(&pki, "gateway")?;
        }
        let folder = pki.join("callers");
        std::fs::create_dir_all(&folder)?;
        for (name, agency, system, _) in CALLERS {
            if folder.join(format!("{name}.pem")).exists() {
                continue;
            }
            let agency = AgencyCode::parse(agency).ok_or_else(|| anyhow!("no agency code"))?;
            let system = SystemId::parse(system).ok_or_else(|| anyhow!("no system"))?;
            let client = self.authority.issue_client(&agency, &system, VALIDITY)?;
            client.save(&folder, name)?;
        }
        Ok(())
    }

    /// The callers, as `sandbox.json` lists them.
    pub(crate) fn callers() -> Vec<Caller> {
        let callers = CALLERS
            .iter()
            .map(|(name, agency, system, purposes)| Caller {
                name: (*name).to_owned(),
                agency: (*agency).to_owned(),
                system: (*system).to_owned(),
                cert: format!("pki/callers/{name}.pem"),
                key: format!("pki/callers/{name}.key"),
                purposes: purposes.iter().map(|&purpose| purpose.to_owned()).collect(),
            });
        callers.collect()
    }

    /// The configuration file, which `serve` takes too.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.dir.join("lienthong.toml")
    }

    /// Writes the configuration for these listeners and agencies. Everything else that was set stays as
    /// it is, the log's origin too; what is missing is added.
    pub(crate) fn configure(
        &self,
        listeners: &Listeners,
        agencies: &toml::Table,
    ) -> anyhow::Result<()> {
        let mut table = self.configured().unwrap_or_default();
        for (name, stanza) in [
            ("edge", self.edge(listeners)),
            ("tls", self.tls()),
            ("gateway", self.gateway()),
            ("evidence", self.evidence()),
            ("agency", self.agencies(agencies)),
        ] {
            table.insert(name.to_owned(), stanza.into());
        }
        std::fs::write(self.config_file(), toml::to_string_pretty(&table)?)?;
        Ok(())
    }

    /// The configuration as it was last written, if it was.
    pub(crate) fn configured(&self) -> Option<toml::Table> {
        let text = std::fs::read_to_string(self.config_file()).ok()?;
        toml::from_str(&text).ok()
    }

    /// Where the gateway listens.
    fn edge(&self, listeners: &Listeners) -> toml::Table {
        let mut table = self.stanza_before("edge").unwrap_or_default();
        for (name, address) in [
            ("listen", listeners.agencies),
            ("public", listeners.public),
            ("operations", listeners.operations),
        ] {
            table.insert(name.to_owned(), address.to_string().into());
        }
        let reflection = table.entry("reflection");
        reflection.or_insert_with(|| true.into());
        table
    }

    /// The certificates of the agencies' listener.
    fn tls(&self) -> toml::Table {
        let mut table = self.stanza_before("tls").unwrap_or_default();
        for (name, file) in [
            ("certificate", "pki/gateway.pem"),
            ("key", "pki/gateway.key"),
            ("client_ca", "pki/ca.pem"),
        ] {
            table.entry(name).or_insert_with(|| file.into());
        }
        let crls = table.entry("crls");
        crls.or_insert_with(|| vec!["pki/ca.crl"].into());
        table
    }

    /// Who the gateway is, and under which agreements.
    fn gateway(&self) -> toml::Table {
        let mut table = self.stanza_before("gateway").unwrap_or_default();
        table.insert("node".to_owned(), NODE.into());
        table.insert("trust_domain".to_owned(), TRUST_DOMAIN.into());
        let policy = table.entry("policy");
        policy.or_insert_with(|| "agreements.toml".into());
        table
    }

    /// The settings of the log; its name is one per node and half-year.
    fn evidence(&self) -> toml::Table {
        let mut table = self.stanza_before("evidence").unwrap_or_default();
        let now = self.clock.now().to_zoned(jiff::tz::TimeZone::UTC);
        let half = if now.month() <= 6 { 1 } else { 2 };
        let origin = format!("{TRUST_DOMAIN}/{NODE}/{}h{half}", now.year());
        let mut default = |name: &str, value: toml::Value| {
            table.entry(name).or_insert(value);
        };
        default("dir", "log".into());
        default("node", NODE.into());
        default("origin", origin.into());
        default("reserve_bytes", RESERVE_BYTES.into());
        default("reserve_percent", 1.into());
        if let Some(file) = &self.database {
            table.insert("database".to_owned(), file.clone().into());
        }
        table
    }

    /// Where the agencies are now, and what else was set of each before.
    fn agencies(&self, now: &toml::Table) -> toml::Table {
        let mut agencies = self.stanza_before("agency").unwrap_or_default();
        for (name, agency) in now {
            let before = agencies.get_mut(name).and_then(toml::Value::as_table_mut);
            match (before, agency.as_table()) {
                (Some(before), Some(agency)) => before.extend(agency.clone()),
                _ => drop(agencies.insert(name.clone(), agency.clone())),
            }
        }
        agencies
    }

    /// What was configured before under that name.
    fn stanza_before(&self, name: &str) -> Option<toml::Table> {
        let table = self.configured()?;
        table.get(name)?.as_table().cloned()
    }

    /// What was configured before under a key of a stanza.
    fn before(&self, stanza: &str, key: &str) -> Option<toml::Value> {
        Some(self.configured()?.get(stanza)?.get(key)?.clone())
    }
}

/// A sandbox may stand on a disk that is nearly full.
const RESERVE_BYTES: i64 = 64 << 20;

#[cfg(test)]
mod tests {
    use exchange::SystemClock;

    use super::*;

    #[test]
    fn a_sandbox_that_goes_on_keeps_what_was_set() {
        let dir = tempfile::tempdir().unwrap();
        let ground = Ground::prepare(dir.path(), Arc::new(SystemClock)).unwrap();
        let set = "[edge]\nhelp_base = 'https://help.example'\nlisten = '127.0.0.1:1'\n\
             [edge.find_usage]\nagency = 'H55'\n\
             [scrutiny]\nx = 1\n\
             [agency.tax]\ntimeout_ms = 700\nurl = 'http://localhost:1'\n";
        std::fs::write(ground.config_file(), set).unwrap();
        let now = "[tax]\nurl = 'http://localhost:2'\n[health]\nurl = 'http://localhost:3'\n";
        let now = toml::from_str(now).unwrap();
        ground.configure(&Listeners::any(), &now).unwrap();

        let table = ground.configured().unwrap();
        assert_eq!(
            table["edge"]["help_base"].as_str(),
            Some("https://help.example")
        );
        assert_eq!(table["edge"]["listen"].as_str(), Some("127.0.0.1:0"));
        assert_eq!(table["edge"]["find_usage"]["agency"].as_str(), Some("H55"));
        assert_eq!(table["scrutiny"]["x"].as_integer(), Some(1));
        assert_eq!(table["tls"]["key"].as_str(), Some("pki/gateway.key"));
        assert_eq!(table["agency"]["tax"]["timeout_ms"].as_integer(), Some(700));
        assert_eq!(
            table["agency"]["tax"]["url"].as_str(),
            Some("http://localhost:2")
        );
        assert!(table["agency"].get("health").is_some());
    }
}
