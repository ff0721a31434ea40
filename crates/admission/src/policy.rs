//! The policy in force, compiled into tables: a decision is a few look-ups.
//!
//! Not here: how the files are read (`config.rs`), the order of the checks (`check.rs`).

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use exchange::{
    AgencyCode, AgreementId, Caller, ClosedSet, Criticality, Disclosure, FieldSet, ProcedureCode,
    PurposeCode, SystemId,
};
use jiff::Timestamp;

use crate::hours::Hours;
use crate::{Bundle, Duty, Error, config, quota::Limits};

/// Every agreement, purpose and limit, compiled.
#[derive(Debug)]
pub struct Policy {
    digest: [u8; 32],
    purposes: Vec<Arc<Purpose>>,
    by_code: HashMap<PurposeCode, Arc<Purpose>>,
    parties: HashMap<AgencyCode, Party>,
    names: HashMap<AgencyCode, Arc<AgencyName>>,
    limits: Limits,
}

/// Why one may ask, as the catalogue of purposes describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Its code in requests and agreements.
    pub code: PurposeCode,
    /// Its Vietnamese name.
    pub title_vi: String,
    /// Its English name.
    pub title_en: String,
    /// The law it rests on.
    pub legal_basis: String,
    /// True if a request must name its administrative procedure.
    pub procedure_required: bool,
    /// True if a request must give a dossier number.
    pub dossier_required: bool,
    /// True if a request must name its officer.
    pub officer_required: bool,
}

/// What an agency is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgencyName {
    /// Its Vietnamese name.
    pub name_vi: String,
    /// Its English name.
    pub name_en: String,
}

/// From when on a citizen sees the accesses under an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// At once.
    Citizen,
    /// So many days later: the matter concerns others too, or is not decided yet.
    Delayed {
        /// How many days.
        days: u32,
    },
    /// Not at all, as a law says.
    Sealed,
}

impl Policy {
    /// Reads and compiles a policy: a directory or a file. Blocks while it is read.
    ///
    /// # Errors
    /// A file cannot be read, is no TOML, or everything that is wrong with the content.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::compile(&Bundle::read(path)?)
    }

    /// Compiles the bytes of a policy that is one file.
    ///
    /// # Errors
    /// The bytes are no TOML, or everything that is wrong with the content.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::compile(&Bundle::of_file(bytes.to_owned()))
    }

    /// Compiles what was read.
    ///
    /// # Errors
    /// A file is no TOML, or everything that is wrong with the content.
    pub fn compile(bundle: &Bundle) -> Result<Self, Error> {
        let terms = config::read(bundle)?;
        let purposes: Vec<Arc<Purpose>> = terms.purposes.into_iter().map(Arc::new).collect();
        let by_code = purposes.iter().map(|p| (p.code.clone(), Arc::clone(p)));
        let mut parties: HashMap<AgencyCode, Party> = HashMap::new();
        for agreement in terms.agreements {
            let party = parties.entry(agreement.agency.clone()).or_default();
            party.join(Arc::new(agreement));
        }
        Ok(Self {
            digest: bundle.digest(),
            by_code: by_code.collect(),
            purposes,
            parties,
            names: terms
                .names
                .into_iter()
                .map(|(code, name)| (code, Arc::new(name)))
                .collect(),
            limits: terms.limits,
        })
    }

    /// The SHA-256 by which every record names it: see [`Bundle::digest`].
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// How many agreements it has.
    #[must_use]
    pub fn agreement_count(&self) -> usize {
        self.parties
            .values()
            .map(|party| party.agreements.len())
            .sum()
    }

    /// The catalogue of purposes, in the order of the files.
    #[must_use]
    pub fn purposes(&self) -> &[Arc<Purpose>] {
        &self.purposes
    }

    /// The purpose of that code.
    pub(crate) fn purpose(&self, code: &PurposeCode) -> Option<&Arc<Purpose>> {
        self.by_code.get(code)
    }

    /// What an agency is called.
    pub(crate) fn agency_name(&self, code: &AgencyCode) -> Option<&Arc<AgencyName>> {
        self.names.get(code)
    }

    /// The agreements of an agency; none if it has not one.
    pub(crate) fn party(&self, agency: &AgencyCode) -> Option<&Party> {
        self.parties.get(agency)
    }

    /// True if some agreement, valid or not, is open to the system.
    pub(crate) fn knows(&self, agency: &AgencyCode, system: &SystemId) -> bool {
        self.party(agency).is_some_and(|party| party.knows(system))
    }

    /// The agreements open to the caller, valid or not, in the order of the files.
    pub(crate) fn agreements(&self, caller: &Caller) -> impl Iterator<Item = &Agreement> {
        let party = self.party(caller.agency()).into_iter();
        let all = party.flat_map(|party| &party.agreements);
        all.map(Arc::as_ref)
            .filter(|agreement| agreement.is_open_to(caller.system()))
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// One agency and what it agreed to.
#[derive(Debug, Default)]
pub(crate) struct Party {
    agreements: Vec<Arc<Agreement>>,
    by_purpose: HashMap<PurposeCode, Vec<Arc<Agreement>>>,
    systems: HashSet<SystemId>,
    is_open: bool,
}

impl Party {
    /// True if some agreement is open to the system.
    pub(crate) fn knows(&self, system: &SystemId) -> bool {
        self.is_open || self.systems.contains(system)
    }

    /// The agreements for a purpose that are open to the system, valid or not.
    pub(crate) fn fitting<'a>(
        &'a self,
        purpose: &PurposeCode,
        system: &'a SystemId,
    ) -> impl Iterator<Item = &'a Agreement> + Clone {
        let all = self.by_purpose.get(purpose).into_iter().flatten();
        all.map(Arc::as_ref)
            .filter(move |agreement| agreement.is_open_to(system))
    }

    /// All of them, in the order of the files.
    pub(crate) fn agreements(&self) -> impl Iterator<Item = &Agreement> {
        self.agreements.iter().map(Arc::as_ref)
    }

    fn join(&mut self, agreement: Arc<Agreement>) {
        match &agreement.systems {
            Some(systems) => self.systems.extend(systems.iter().cloned()),
            None => self.is_open = true,
        }
        for purpose in &agreement.purposes {
            let fitting = self.by_purpose.entry(purpose.clone()).or_default();
            fitting.push(Arc::clone(&agreement));
        }
        self.agreements.push(agreement);
    }
}

/// What one agency may ask, as signed.
#[derive(Debug)]
pub(crate) struct Agreement {
    pub(crate) id: Arc<str>,
    pub(crate) agency: AgencyCode,
    /// None: every system of the agency.
    pub(crate) systems: Option<HashSet<SystemId>>,
    pub(crate) purposes: Vec<PurposeCode>,
    /// None: every procedure.
    pub(crate) procedures: Option<HashSet<ProcedureCode>>,
    pub(crate) fields: FieldSet,
    /// What may be compared with a claim beside the fields, and is never released.
    pub(crate) verify: FieldSet,
    /// How much a verification may tell.
    pub(crate) disclosure: Disclosure,
    /// Those of the fields that are granted in their masked form alone.
    pub(crate) masked: FieldSet,
    /// What an emergency is answered with; none if there are none under it.
    pub(crate) break_glass: Option<FieldSet>,
    pub(crate) duties: Vec<Duty>,
    pub(crate) visibility: Visibility,
    /// Midnight at the start of its first day.
    pub(crate) valid_from: Timestamp,
    /// Midnight at the end of its last day: the first instant at which it is over.
    pub(crate) valid_to: Timestamp,
    /// True if name and birth date must be given beside the number.
    pub(crate) second_factor: bool,
    pub(crate) officer_required: bool,
    /// True if the person must have agreed.
    pub(crate) consent_required: bool,
    /// When one may ask; none: always.
    pub(crate) hours: Option<Vec<Hours>>,
    /// What becomes of a question outside the hours.
    pub(crate) outside_hours: Exception,
    /// What becomes of a question of an officer about themselves.
    pub(crate) own_record: Exception,
    /// True if an officer who asks about a relative is to be found and flagged.
    pub(crate) flag_relatives: bool,
    /// Who is not closed to it, though they are to others.
    pub(crate) opens: ClosedSet,
    /// The most urgent class that a request under it may claim.
    pub(crate) criticality_cap: Criticality,
}

/// What becomes of a question that is out of the ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exception {
    /// It is refused.
    Refuse,
    /// It is answered, with a flag in the record.
    Flag,
}

impl Agreement {
    /// True if the request names this agreement.
    pub(crate) fn is_named(&self, id: &AgreementId) -> bool {
        *self.id == *id.as_str()
    }

    /// True if it is in force at that instant.
    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        self.valid_from <= now && now < self.valid_to
    }

    /// What claims may rest on: what may be seen whole, and what may be verified alone.
    pub(crate) fn verifiable(&self) -> FieldSet {
        self.fields.minus(&self.masked).or(&self.verify)
    }

    /// True if one may ask at that instant.
    pub(crate) fn is_open_at(&self, now: Timestamp) -> bool {
        let hours = self.hours.as_ref();
        hours.is_none_or(|hours| hours.iter().any(|hours| hours.contain(now)))
    }

    /// True if that system of the agency may ask under it.
    pub(crate) fn is_open_to(&self, system: &SystemId) -> bool {
        self.systems.as_ref().is_none_or(|all| all.contains(system))
    }
}
