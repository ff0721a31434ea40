//! The files that a configuration names, read; no connection and no log is opened.

use std::path::Path;
use std::sync::Arc;

use adapter::dossier::Register;
use adapter::guard::Guarded;
use admission::Policy;
use agencies::Deps;
use evidence::keys::VerifierKey;
use exchange::Clock;
use gate::Listed;
use identity::{ServerTls, TlsFiles};

use crate::cosigners::Cosigners;
use crate::sharing::{self, Shared};

use super::agency::Switched;
use super::agreements;
use super::draft::Draft;
use super::problem::Problems;
use super::{Config, chain};

/// What is made of a configuration without opening a connection or the log.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The agreements.
    pub(crate) policy: Policy,
    /// Whom nobody should ask about.
    pub(crate) canaries: Listed,
    /// Who is closed unless an agreement opens them.
    pub(crate) protected: Listed,
    /// The certificates.
    pub(crate) tls: ServerTls,
    /// The way to the witnesses, if there are any.
    pub(crate) witnesses: Option<Cosigners>,
    /// Where quotas are shared, if they are.
    pub(crate) shared: Option<Shared>,
    /// The agencies.
    pub(crate) agencies: Vec<Guarded>,
    /// What questions leave under way at them; to be opened.
    pub(crate) dossiers: Arc<Register>,
}

impl Checked {
    /// Reads every file that the configuration names.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, Problems> {
        let mut named = Named::new(clock);
        let policy = named.policy(&config.policy, &config.policy_keys);
        let canaries = named.listed("canaries", config.canaries.as_deref());
        let protected = named.listed(PROTECTED, config.protected.as_deref());
        let tls = named.tls(&config.tls);
        named.half_years(&config.evidence);
        named.database(&config.evidence);
        let witnesses = named.witnesses(&config.evidence);
        let shared = named.sharing(config.sharing.as_ref());
        let agencies = named.agencies(&config.agencies, &config.base);
        if !config.is_sandbox() {
            let all = config.agencies.iter();
            all.for_each(|one| one.check_local(&mut named.problems));
        }
        named.problems.locate(&config.lines);
        match (policy, tls) {
            (Some(policy), Some(tls)) if named.problems.is_empty() => Ok(Self {
                policy,
                canaries,
                protected,
                tls,
                witnesses,
                shared,
                agencies,
                dossiers: named.deps.dossiers,
            }),
            _ => Err(named.problems),
        }
    }

    /// Reads a configuration and every file that it names.
    ///
    /// # Errors
    /// Everything that is wrong, with the files also if something is wrong elsewhere.
    pub(crate) fn load(path: &Path, clock: &Arc<dyn Clock>) -> Result<(Config, Self), Problems> {
        let mut draft = Draft::load(path);
        if draft.problems.is_empty() {
            let config = draft.finish()?;
            let checked = Self::new(&config, clock)?;
            return Ok((config, checked));
        }
        let mut named = Named::new(clock);
        let (policy, keys) = (draft.policy.as_deref(), &draft.policy_keys);
        policy.map(|policy| named.policy(policy, keys));
        named.listed("canaries", draft.canaries.as_deref());
        named.listed(PROTECTED, draft.protected.as_deref());
        draft.tls.as_ref().map(|files| named.tls(files));
        if let Some(log) = &draft.evidence {
            named.half_years(log);
            named.database(log);
            named.witnesses(log);
        }
        named.sharing(draft.sharing.as_ref());
        named.agencies(&draft.agencies, &draft.base);
        named.problems.locate(&draft.lines);
        draft.problems.extend(named.problems);
        Err(draft.problems)
    }
}

/// Reads file after file and gathers what is wrong.
struct Named<'c> {
    clock: &'c Arc<dyn Clock>,
    deps: Deps,
    problems: Problems,
}

impl<'c> Named<'c> {
    fn new(clock: &'c Arc<dyn Clock>) -> Self {
        Self {
            clock,
            deps: Deps::of(Arc::clone(clock)),
            problems: Problems::default(),
        }
    }

    fn policy(&mut self, path: &Path, keys: &[VerifierKey]) -> Option<Policy> {
        let signed = agreements::load(path, keys);
        let signed = signed.map_err(|error| self.problems.policy(path, &error));
        Some(signed.ok()?.policy)
    }

    fn listed(&mut self, setting: &str, file: Option<&Path>) -> Listed {
        let loaded = file.map(Listed::load).transpose();
        let setting = format!("gateway.{setting}");
        let loaded = loaded.map_err(|error| self.problems.add(&setting, chain(&error)));
        loaded.ok().flatten().unwrap_or_default()
    }

    fn tls(&mut self, files: &TlsFiles) -> Option<ServerTls> {
        let tls = ServerTls::load(files, Arc::clone(self.clock));
        tls.map_err(|error| self.problems.add("tls", chain(&error)))
            .ok()
    }

    fn half_years(&mut self, log: &evidence::Config) {
        for (setting, problem) in log.check_settings() {
            self.problems.add(&format!("evidence.{setting}"), problem);
        }
        if let Err(evidence::Error::Setting { setting, problem }) = log.check_half_years() {
            self.problems.add(&format!("evidence.{setting}"), problem);
        }
    }

    fn database(&mut self, log: &evidence::Config) {
        let Err(error) = log.check_database() else {
            return;
        };
        if let evidence::Error::Setting { setting, problem } = error {
            self.problems.add(&format!("evidence.{setting}"), problem);
            return;
        }
        let setting = match matches!(error, evidence::Error::Database { .. }) {
            true => "evidence.database_ca",
            false => "evidence.database",
        };
        self.problems.add(setting, chain(&error));
    }

    fn witnesses(&mut self, log: &evidence::Config) -> Option<Cosigners> {
        let problems = match log.witnesses() {
            Ok(policy) => match Cosigners::new(&policy?) {
                Ok(cosigners) => return Some(cosigners),
                Err(problems) => problems,
            },
            Err(evidence::Error::Setting { setting, problem }) => {
                self.problems.add(&format!("evidence.{setting}"), problem);
                return None;
            }
            Err(error) => vec![chain(&error)],
        };
        for problem in problems {
            self.problems.add("evidence.witness_policy", problem);
        }
        None
    }

    fn sharing(&mut self, config: Option<&sharing::Config>) -> Option<Shared> {
        let opened = config?.open();
        opened
            .map_err(|problems| self.problems.extend(problems))
            .ok()
    }

    fn agencies(&mut self, all: &[Switched], base: &Path) -> Vec<Guarded> {
        let connected = all
            .iter()
            .filter_map(|one| one.connect(base, &self.deps, &mut self.problems));
        connected.collect()
    }
}

/// The setting that names the list of the highly protected.
const PROTECTED: &str = "protected_persons";
