//! What the files of a policy say: their keys, the defaults, and what must fit together.
//!
//! Not here: which file holds what (`files.rs`), how TOML is walked (`reader.rs`), single strings
//! (`words.rs`), how a decision looks things up (`policy.rs`).

use std::collections::HashSet;

use exchange::{AgencyCode, AgreementId, Criticality, ProcedureCode, PurposeCode, SystemId};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};

use crate::hours::Hours;
use crate::policy::{Agreement, Exception, Purpose};
use crate::quota::Limits;
use crate::reader::{Problems, Section};
use crate::{AgencyName, Bundle, Error, bundle};

mod files;
mod limits;
mod rights;
mod words;

use files::Files;
use limits::limits;
use rights::{glass, rights, seen};
use words::{
    agency_code, criticality, declared, distinct, exception, opened, prose, system_id, unique, word,
};

/// The content of a policy, each part sound and fitting the others.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) agreements: Vec<Agreement>,
    pub(crate) names: Vec<(AgencyCode, AgencyName)>,
    pub(crate) limits: Limits,
}

/// Reads a policy.
///
/// # Errors
/// The files that are no TOML; if none is, everything that is wrong with them.
pub(crate) fn read(bundle: &Bundle) -> Result<Terms, Error> {
    let problems = Problems::default();
    let files = Files::parse(bundle, &problems)?;
    let terms = terms(files);
    let problems: Vec<_> = bundle.strangers().chain(problems.into_vec()).collect();
    match terms {
        Some(terms) if problems.is_empty() => Ok(terms),
        _ => Err(Error::Invalid(problems)),
    }
}

fn terms(mut files: Files<'_>) -> Option<Terms> {
    let mut codes = HashSet::new();
    let purposes = files.purposes.sections("purpose");
    let purposes: Vec<_> = purposes
        .into_iter()
        .map(|section| purpose(section, &mut codes))
        .collect();
    let mut known = Known::default();
    let agreements: Vec<_> = files
        .agreements
        .into_iter()
        .map(|section| agreement(section, &codes, &mut known))
        .collect();
    let mut named = HashSet::new();
    let names = files.agencies.sections("agency");
    let names: Vec<_> = names
        .into_iter()
        .map(|section| agency_name(section, &mut named))
        .collect();
    let limits = files
        .quotas
        .section("quota")
        .and_then(|quota| limits(quota, &known));
    for file in [files.purposes, files.agencies, files.quotas] {
        file.finish();
    }
    Some(Terms {
        purposes: purposes.into_iter().collect::<Option<_>>()?,
        agreements: agreements.into_iter().collect::<Option<_>>()?,
        names: names.into_iter().collect::<Option<_>>()?,
        limits: limits?,
    })
}

fn purpose(mut section: Section<'_>, codes: &mut HashSet<PurposeCode>) -> Option<Purpose> {
    let code = section.word("code", |text| {
        unique(word(PurposeCode::parse(text))?, codes)
    });
    let title_vi = section.word("title_vi", prose);
    let title_en = section.word("title_en", prose);
    let legal_basis = section.word("legal_basis", prose);
    let procedure_required = section.flag("procedure_required", false);
    let dossier_required = section.flag("dossier_required", false);
    let officer_required = section.flag("officer_required", false);
    section.finish();
    Some(Purpose {
        code: code?,
        title_vi: title_vi?,
        title_en: title_en?,
        legal_basis: legal_basis?,
        procedure_required,
        dossier_required,
        officer_required,
    })
}

fn agency_name(
    mut section: Section<'_>,
    named: &mut HashSet<AgencyCode>,
) -> Option<(AgencyCode, AgencyName)> {
    let code = section.word("code", |text| unique(agency_code(text)?, named));
    let name_vi = section.word("name_vi", prose);
    let name_en = section.word("name_en", prose);
    section.finish();
    let (name_vi, name_en) = (name_vi?, name_en?);
    Some((code?, AgencyName { name_vi, name_en }))
}

/// What agreements have named so far, sound or not.
#[derive(Debug, Default)]
struct Known {
    ids: HashSet<AgreementId>,
    agencies: HashSet<AgencyCode>,
    systems: HashSet<(AgencyCode, SystemId)>,
    /// Agencies with an agreement for all their systems.
    open: HashSet<AgencyCode>,
}

impl Known {
    fn add(&mut self, agency: &AgencyCode, systems: Option<&HashSet<SystemId>>) {
        self.agencies.insert(agency.clone());
        match systems {
            None => drop(self.open.insert(agency.clone())),
            Some(systems) => {
                let each = systems
                    .iter()
                    .map(|system| (agency.clone(), system.clone()));
                self.systems.extend(each);
            }
        }
    }

    fn knows(&self, agency: &AgencyCode, system: &SystemId) -> bool {
        self.open.contains(agency) || self.systems.contains(&(agency.clone(), system.clone()))
    }
}

fn agreement(
    mut section: Section<'_>,
    codes: &HashSet<PurposeCode>,
    known: &mut Known,
) -> Option<Agreement> {
    let file = section.file();
    let id = section.word("id", |text| {
        let id = unique(word(AgreementId::parse(text))?, &mut known.ids)?;
        match bundle::agreement_id(file) {
            Some(named) if named != text => Err(format!("is not {named:?}, the name of its file")),
            _ => Ok(id),
        }
    });
    let agency = section.word("agency", agency_code);
    let systems = section.optional_words("systems", system_id);
    let systems = systems.map(HashSet::from_iter);
    if let Some(agency) = &agency {
        known.add(agency, systems.as_ref());
    }
    let purposes = section.words("purposes", |text| declared(text, codes));
    let procedures = section.optional_words("procedures", |text| word(ProcedureCode::parse(text)));
    let rights = rights(&mut section);
    let break_glass = glass(&mut section);
    let validity = validity(&mut section);
    let second_factor = section.flag("second_factor", SECOND_FACTOR);
    let officer_required = section.flag("officer_required", false);
    let consent_required = section.flag("consent_required", false);
    let hours = section.optional_words("hours", Hours::parse);
    let outside_hours = section.optional_word("outside_hours", exception);
    let own_record = section.optional_word("own_record", exception);
    let flag_relatives = section.flag("flag_relatives", false);
    let opens = section.optional_words("also_about", opened);
    let criticality_cap = section
        .optional_word("criticality_cap", criticality)
        .unwrap_or(CRITICALITY_CAP);
    let visibility = seen(&mut section);
    section.finish();
    let ((valid_from, valid_to), rights) = (validity?, rights?);
    Some(Agreement {
        id: id?.as_str().into(),
        agency: agency?,
        systems,
        purposes: distinct(purposes?),
        procedures: procedures.map(HashSet::from_iter),
        fields: rights.fields,
        verify: rights.verify,
        disclosure: rights.disclosure,
        masked: rights.masked,
        break_glass: break_glass?,
        duties: rights.duties,
        visibility: visibility?,
        valid_from,
        valid_to,
        second_factor,
        officer_required,
        consent_required,
        hours,
        outside_hours: outside_hours.unwrap_or(Exception::Refuse),
        own_record: own_record.unwrap_or(Exception::Flag),
        flag_relatives,
        opens: opens.into_iter().flatten().collect(),
        criticality_cap,
    })
}

/// The instants between which an agreement is in force: whole days in `Asia/Ho_Chi_Minh`, the last
/// one included.
fn validity(section: &mut Section<'_>) -> Option<(Timestamp, Timestamp)> {
    let first = section.day("valid_from");
    let last = section.day("valid_to");
    let (first, last) = (first?, last?);
    if last < first {
        section.problem("valid_to", "lies before valid_from");
    }
    let end = last.tomorrow().ok().and_then(midnight);
    if end.is_none() {
        section.problem("valid_to", "lies at the end of the calendar");
    }
    Some((midnight(first)?, end?))
}

/// The start of a day in `Asia/Ho_Chi_Minh`: UTC+7, without daylight saving since 1975; none if no
/// calendar holds it.
#[must_use]
pub fn midnight(day: Date) -> Option<Timestamp> {
    let start = day.to_zoned(TimeZone::fixed(offset(7))).ok()?;
    Some(start.timestamp())
}

/// An agreement waives the second factor in so many words, never by silence.
const SECOND_FACTOR: bool = true;

/// An emergency is no class that is claimed: it is granted as `break_glass`, and reviewed.
const CRITICALITY_CAP: Criticality = Criticality::CitizenWaiting;
