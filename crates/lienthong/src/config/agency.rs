//! One stanza `[agency.<name>]`, as far as it can be read without knowing the agency.

use std::path::Path;
use std::sync::Arc;

use adapter::guard::{self, Guarded};
use adapter::{Addresses, Agency, Announced, Endpoint, is_loopback};
use agencies::{ALL, Deps, ENDPOINT_KEYS, Entry, Problem, Settings};
use toml::Table;

use super::lines::join;
use super::panicking::Panicking;
use super::problem::Problems;
use super::stanza::{MISSING, Stanza, missing};

/// What one stanza says of an agency.
#[derive(Clone, Debug)]
pub(super) struct Switched {
    entry: &'static Entry,
    path: String,
    endpoint: Table,
    own: Table,
    guard: guard::Config,
    /// The keys that stand in for others, of which everything is said: to look at the rest.
    stand_ins: Vec<String>,
    /// True if its adapter is to have a defect.
    panics: bool,
}

impl Switched {
    /// Reads the stanza of a name.
    pub(super) fn read(
        name: &str,
        mut stanza: Stanza<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let Some(entry) = ALL.iter().find(|entry| entry.source.name() == name) else {
            let known: Vec<_> = ALL.iter().map(|entry| entry.source.name()).collect();
            let what = format!("is no agency; there are {}", known.join(", "));
            problems.add(stanza.path(), what);
            return None;
        };
        let path = stanza.path().to_owned();
        let before = problems.len();
        let guard = guard(&mut stanza, problems);
        let common = stanza.split(&ENDPOINT_KEYS);
        let endpoint = common
            .clone()
            .read::<Table>(&[], problems)
            .unwrap_or_default();
        common.read::<Endpoint<Addresses>>(&["url"], problems);
        let mut switched = Self {
            entry,
            path,
            endpoint,
            own: stanza.read(&[], problems)?,
            guard,
            stand_ins: Vec::new(),
            panics: false,
        };
        if problems.len() > before {
            let keys = ENDPOINT_KEYS.into_iter().chain(["endpoint"]);
            switched.stand_ins.extend(keys.map(str::to_owned));
            switched.endpoint = Table::from_iter([("url".to_owned(), STAND_IN_URL.into())]);
        }
        Some(switched)
    }

    /// The name of the agency.
    pub(super) fn name(&self) -> &'static str {
        self.entry.source.name()
    }

    /// Gives its adapter a defect.
    pub(super) const fn panics(&mut self) {
        self.panics = true;
    }

    /// Makes the adapter, one for each address, and says everything that is wrong; paths count from
    /// `base`.
    ///
    /// If anything is, the adapter may be none that could be used.
    pub(super) fn connect(
        &self,
        base: &Path,
        deps: &Deps,
        problems: &mut Problems,
    ) -> Option<Guarded> {
        let mut tried = self.clone();
        loop {
            let wrong = match tried.try_connect(base, deps) {
                Ok(agency) => return Some(agency),
                Err(wrong) => wrong,
            };
            // An agency stops at the first thing that is wrong with its own keys as a whole.
            let what = of_stanza(&wrong).unwrap_or_default();
            if let Some(key) = missing(what).filter(|key| !tried.own.contains_key(*key)) {
                problems.add_once(&join(&self.path, key), MISSING);
                tried.own.insert(key.to_owned(), String::new().into());
                tried.stand_ins.push(key.to_owned());
            } else if let Some(key) = tried.culprit(what, base, deps) {
                problems.add(&join(&self.path, &key), what);
                tried.own.remove(&key);
            } else {
                tried.tell(&wrong, problems);
                return None;
            }
        }
    }

    /// The key of the file without which the agency says something else of its stanza.
    fn culprit(&self, what: &str, base: &Path, deps: &Deps) -> Option<String> {
        let is_cured = |key: &&String| {
            let mut without = self.clone();
            without.own.remove(key.as_str());
            let less = without.try_connect(base, deps);
            less.map_or_else(|wrong| of_stanza(&wrong) != Some(what), |_| true)
        };
        let mut keys = self.own.keys().filter(|key| !self.stand_ins.contains(key));
        keys.find(is_cured).filter(|_| !what.is_empty()).cloned()
    }

    fn try_connect(&self, base: &Path, deps: &Deps) -> Result<Guarded, Vec<Problem>> {
        let mut stanza = self.endpoint.clone();
        stanza.extend(self.own.clone());
        let (mut made, mut wrong, mut windows) = (Vec::new(), Vec::new(), Vec::new());
        for settings in Settings::each(stanza, base)? {
            windows.clone_from(&settings.endpoint.maintenance);
            let name = settings.endpoint.name();
            match (self.entry.connect)(settings, deps) {
                Ok(agency) => made.push((name, self.spoilt(agency))),
                // Most of it is the same at every address.
                Err(problems) => {
                    wrong.retain(|it| !problems.contains(it));
                    wrong.extend(problems);
                }
            }
        }
        let announced = Announced::new(windows, Arc::clone(&deps.clock));
        let mut made = made.into_iter();
        match made.next() {
            Some(first) if wrong.is_empty() => {
                Ok(Guarded::at(first, made.collect(), &self.guard, announced))
            }
            _ => Err(wrong),
        }
    }

    /// The adapter, with a defect if it is to have one.
    fn spoilt(&self, agency: Arc<dyn Agency>) -> Arc<dyn Agency> {
        match self.panics {
            true => Arc::new(Panicking(agency)),
            false => agency,
        }
    }

    /// Refuses an agency on this machine outside a sandbox, unless it is said to be here.
    pub(super) fn check_local(&self, problems: &mut Problems) {
        let url = self.endpoint.get("url");
        let one = url.and_then(toml::Value::as_str);
        let list = url.and_then(toml::Value::as_array).into_iter().flatten();
        let mut all = one.into_iter().chain(list.filter_map(toml::Value::as_str));
        let here = all.any(|url| url.parse().is_ok_and(|url| is_loopback(&url)));
        let said = self.endpoint.get("local") == Some(&true.into());
        if here && !said && self.stand_ins.is_empty() {
            let what = "is this machine: say `local = true` if the agency's service, or a relay to it, runs here";
            problems.add(&join(&self.path, "url"), what);
        }
    }

    /// Adds what the agency says, but for what stands in.
    fn tell(&self, wrong: &[Problem], problems: &mut Problems) {
        let own = wrong
            .iter()
            .filter(|problem| !self.stand_ins.contains(&problem.key));
        for Problem { key, what } in own {
            problems.add(&join(&self.path, key), what);
        }
    }
}

/// How the agency is guarded, and what is wrong with that.
fn guard(stanza: &mut Stanza<'_>, problems: &mut Problems) -> guard::Config {
    let Some(own) = stanza.take_optional("guard", problems) else {
        return guard::Config::default();
    };
    let path = own.path().to_owned();
    let read: guard::Config = own.read(&[], problems).unwrap_or_default();
    for (key, what) in read.problems() {
        problems.add(&join(&path, key), what);
    }
    read
}

/// What an agency says of its own keys as a whole: only the first thing that is wrong.
fn of_stanza(wrong: &[Problem]) -> Option<&str> {
    let whole = wrong.iter().find(|problem| problem.key == "stanza");
    whole.map(|problem| problem.what.as_str())
}

/// An address that is right: nothing is sent to it.
const STAND_IN_URL: &str = "http://localhost:1";
