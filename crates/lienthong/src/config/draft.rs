//! What can be read of a configuration file, and what cannot.
//!
//! Not here: the files that it names (`checked.rs`).

use std::path::{Path, PathBuf};
use std::time::Duration;

use admission::Thresholds;
use evidence::keys::VerifierKey;
use evidence::{NODE_NAME, is_node};
use identity::{TlsFiles, TrustDomain};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::DeTable;

use super::agency::Switched;
use super::lines::Lines;
use super::problem::Problems;
use super::scrutiny::Scrutiny;
use super::stanza::Stanza;
use super::{Config, is_sandbox};
use crate::sharing;

/// A configuration, each part of it if that can be read.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) lines: Lines,
    pub(super) base: PathBuf,
    node: Option<String>,
    trust_domain: Option<TrustDomain>,
    pub(super) policy: Option<PathBuf>,
    pub(super) policy_keys: Vec<VerifierKey>,
    consents: Option<PathBuf>,
    pub(super) canaries: Option<PathBuf>,
    pub(super) protected: Option<PathBuf>,
    verification_step: Duration,
    verdicts_kept: Duration,
    edge: Option<edge::Config>,
    pub(super) tls: Option<TlsFiles>,
    pub(super) evidence: Option<evidence::Config>,
    pub(super) sharing: Option<sharing::Config>,
    thresholds: Thresholds,
    pub(super) agencies: Vec<Switched>,
    pub(super) problems: Problems,
}

/// Who the gateway is, and what it answers under.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Gateway {
    /// The name of this node in what it counts and logs.
    #[schemars(required)]
    node: Option<String>,
    /// The SPIFFE trust domain of callers. One whose first label is `sandbox` serves synthetic citizens.
    #[schemars(
        required,
        regex(pattern = r"^[a-z0-9_-]([a-z0-9._-]{0,253}[a-z0-9_-])?$")
    )]
    trust_domain: Option<String>,
    /// The directory of the agreements, or one file with everything.
    #[schemars(required)]
    policy: Option<PathBuf>,
    /// The keys of which one must have signed the directory, as `name+id+base64`; without any its
    /// signatures are not looked at.
    #[serde(default)]
    policy_keys: Vec<String>,
    /// The registry of consents.
    consents: Option<PathBuf>,
    /// A file of numbers about which nobody has a reason to ask.
    canaries: Option<PathBuf>,
    /// A file of the numbers of highly protected persons.
    protected_persons: Option<PathBuf>,
    /// A verification is answered after this time, in milliseconds, or twice or four times that.
    #[serde(default = "verification_step_ms")]
    verification_step_ms: u16,
    /// For how many seconds the verdict of a verification is remembered; 0 for not at all.
    #[serde(default = "verdicts_kept_s")]
    #[schemars(range(max = 900))]
    verdicts_kept_s: u16,
}

/// True for the address of a page, to which a fragment can be added.
fn is_page(text: &str) -> bool {
    let is_web =
        |url: url::Url| matches!(url.scheme(), "http" | "https") && url.fragment().is_none();
    url::Url::parse(text).is_ok_and(is_web)
}

fn verification_step_ms() -> u16 {
    u16::try_from(gate::VERIFICATION_STEP.as_millis()).unwrap_or(u16::MAX)
}

fn verdicts_kept_s() -> u16 {
    u16::try_from(gate::VERDICTS_KEPT.as_secs()).unwrap_or(u16::MAX)
}

/// What goes wrong on purpose: in a sandbox's trust domain alone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sandbox {
    /// The agencies whose adapters panic at every question.
    #[serde(default)]
    panics: Vec<String>,
}

/// The certificates of the agencies' listener.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    /// PEM file of the certificate and those that lead to its authority.
    #[schemars(required)]
    certificate: Option<PathBuf>,
    /// PEM file of its private key.
    #[schemars(required)]
    key: Option<PathBuf>,
    /// PEM file of the authorities that vouch for callers.
    #[schemars(required)]
    client_ca: Option<PathBuf>,
    /// Files of their revocation lists, PEM or DER; without any nobody is revoked.
    #[serde(default)]
    crls: Vec<PathBuf>,
}

impl Draft {
    /// Reads a file.
    pub(super) fn load(path: &Path) -> Self {
        let base = path.parent().unwrap_or(Path::new(""));
        let base = base.canonicalize().unwrap_or_else(|_| base.to_owned());
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, base),
            Err(error) => Self {
                problems: Problems::one("", format!("{}: {error}", path.display())),
                ..Self::default()
            },
        }
    }

    /// Reads the text of a file in the folder `base`. A text that is no TOML is not looked at
    /// further: what its stanzas hold is anyone's guess.
    pub(super) fn parse(text: &str, base: PathBuf) -> Self {
        let mut draft = Self {
            lines: Lines::of(text),
            base,
            ..Self::default()
        };
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            draft.problems.syntax(text, error);
        }
        if errors.is_empty() {
            draft.stanzas(Stanza::root(root));
        }
        draft.problems.locate(&draft.lines);
        draft
    }

    fn stanzas(&mut self, mut root: Stanza<'_>) {
        self.gateway(&mut root);
        self.tls(&mut root);
        let problems = &mut self.problems;
        let edge = root.take("edge", problems);
        self.edge = edge.and_then(|stanza| stanza.read(&["listen"], problems));
        let help = self.edge.as_ref().map(|edge| edge.help_base.as_str());
        if help.is_some_and(|help| !is_page(help)) {
            problems.add("edge.help_base", "is no http or https address of a page");
        }
        if self.edge.as_ref().is_some_and(|edge| edge.reflection) && !self.is_sandbox() {
            self.problems.add("edge.reflection", SANDBOX_ALONE);
        }
        self.evidence(&mut root);
        let problems = &mut self.problems;
        let sharing = root.take_optional("sharing", problems);
        let required = ["nodes", "redis", "secret"];
        let sharing = sharing.and_then(|stanza| stanza.read(&required, problems));
        self.sharing = sharing.map(|its: sharing::Config| its.below(&self.base));
        let scrutiny = root.take_optional("scrutiny", problems);
        let scrutiny: Option<Scrutiny> = scrutiny.and_then(|it| it.read(&[], problems));
        self.thresholds = scrutiny.map_or(Thresholds::DEFAULT, |it| it.thresholds(problems));
        self.agencies(&mut root);
        self.sandbox(&mut root);
        for key in root.keys() {
            self.problems.add(&key, "is no stanza of this file");
        }
    }

    fn gateway(&mut self, root: &mut Stanza<'_>) -> Option<()> {
        let stanza = root.take("gateway", &mut self.problems)?;
        let required = ["node", "trust_domain", "policy"];
        let gateway: Gateway = stanza.read(&required, &mut self.problems)?;
        self.node = gateway.node;
        if self.node.as_deref().is_some_and(|node| !is_node(node)) {
            self.problems.add("gateway.node", NODE_NAME);
        }
        self.policy = gateway.policy.map(|policy| self.base.join(policy));
        self.policy_keys(&gateway.policy_keys);
        self.consents = gateway.consents.map(|file| self.base.join(file));
        self.canaries = gateway.canaries.map(|file| self.base.join(file));
        let protected = gateway.protected_persons;
        self.protected = protected.map(|file| self.base.join(file));
        let step = u64::from(gateway.verification_step_ms);
        self.verification_step = Duration::from_millis(step);
        self.verdicts_kept = Duration::from_secs(gateway.verdicts_kept_s.into());
        if self.verdicts_kept > gate::VERDICTS_KEPT_MOST {
            let what = "is more than 900 s: no verdict is remembered for longer";
            self.problems.add("gateway.verdicts_kept_s", what);
        }
        let domain = gateway.trust_domain?;
        self.trust_domain = TrustDomain::parse(&domain);
        if self.trust_domain.is_none() {
            let what = "is no SPIFFE trust domain, such as gateway.example";
            self.problems.add("gateway.trust_domain", what);
        }
        Some(())
    }

    fn policy_keys(&mut self, keys: &[String]) {
        for (place, key) in keys.iter().enumerate() {
            match key.parse() {
                Ok(key) => self.policy_keys.push(key),
                Err(what) => self
                    .problems
                    .add(&format!("gateway.policy_keys[{place}]"), what),
            }
        }
    }

    fn tls(&mut self, root: &mut Stanza<'_>) -> Option<()> {
        let stanza = root.take("tls", &mut self.problems)?;
        let required = ["certificate", "key", "client_ca"];
        let tls: Tls = stanza.read(&required, &mut self.problems)?;
        self.tls = Some(TlsFiles {
            certificate: self.base.join(tls.certificate?),
            key: self.base.join(tls.key?),
            client_ca: self.base.join(tls.client_ca?),
            crls: tls.crls.iter().map(|crl| self.base.join(crl)).collect(),
        });
        Some(())
    }

    fn evidence(&mut self, root: &mut Stanza<'_>) -> Option<()> {
        let stanza = root.take("evidence", &mut self.problems)?;
        let required = ["dir", "origin", "node"];
        let evidence: evidence::Config = stanza.read(&required, &mut self.problems)?;
        let below = |path: &Option<PathBuf>| path.as_ref().map(|path| self.base.join(path));
        self.evidence = Some(evidence::Config {
            dir: self.base.join(&evidence.dir),
            keys_dir: below(&evidence.keys_dir),
            signing_dir: below(&evidence.signing_dir),
            index_dir: below(&evidence.index_dir),
            database: below(&evidence.database),
            database_ca: below(&evidence.database_ca),
            lock_file: below(&evidence.lock_file),
            witness_policy: below(&evidence.witness_policy),
            ..evidence
        });
        Some(())
    }

    fn agencies(&mut self, root: &mut Stanza<'_>) -> Option<()> {
        let mut all = root.take("agency", &mut self.problems)?;
        for name in all.keys().collect::<Vec<_>>() {
            if let Some(stanza) = all.take(&name, &mut self.problems) {
                let switched = Switched::read(&name, stanza, &mut self.problems);
                self.agencies.extend(switched);
            }
        }
        Some(())
    }

    /// True if its trust domain is a sandbox's.
    fn is_sandbox(&self) -> bool {
        let domain = self.trust_domain.as_ref().map(TrustDomain::as_str);
        domain.is_some_and(is_sandbox)
    }

    /// What goes wrong on purpose.
    fn sandbox(&mut self, root: &mut Stanza<'_>) -> Option<()> {
        let stanza = root.take_optional("sandbox", &mut self.problems)?;
        let sandbox: Sandbox = stanza.read(&[], &mut self.problems)?;
        if !self.is_sandbox() {
            self.problems.add("sandbox", SANDBOX_ALONE);
        }
        for (place, name) in sandbox.panics.iter().enumerate() {
            match self.agencies.iter_mut().find(|it| it.name() == name) {
                Some(agency) => agency.panics(),
                None => self.problems.add(
                    &format!("sandbox.panics[{place}]"),
                    "is no agency that is switched on",
                ),
            }
        }
        Some(())
    }

    /// The configuration, if nothing is wrong with it.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(super) fn finish(self) -> Result<Config, Problems> {
        let required = (self.node, self.trust_domain, self.policy, self.edge);
        match (required, self.tls, self.evidence) {
            (
                (Some(node), Some(trust_domain), Some(policy), Some(edge)),
                Some(tls),
                Some(evidence),
            ) if self.problems.is_empty() => Ok(Config {
                node,
                trust_domain,
                policy,
                policy_keys: self.policy_keys,
                consents: self.consents,
                canaries: self.canaries,
                protected: self.protected,
                verification_step: self.verification_step,
                verdicts_kept: self.verdicts_kept,
                edge,
                tls,
                evidence,
                sharing: self.sharing,
                thresholds: self.thresholds,
                agencies: self.agencies,
                lines: self.lines,
                base: self.base,
            }),
            _ => Err(self.problems),
        }
    }
}

const SANDBOX_ALONE: &str = "is for a sandbox's trust domain alone";
