//! How often one may ask, as `[quota]` says it.

use std::collections::HashSet;

use exchange::Source;

use super::Known;
use super::words::{agency_code, system_id, unique};
use crate::quota::{Limit, Limits, Scope};
use crate::reader::Section;

/// Every limit: for each caller, for some of them, for each officer, and of sources.
pub(super) fn limits(mut section: Section<'_>, known: &Known) -> Option<Limits> {
    let default = limit(&mut section);
    let callers = section.sections("caller");
    let officer = match section.has("officer") {
        true => section.section("officer").and_then(alone).map(Some),
        false => Some(None),
    };
    let sources = section.sections("source");
    section.finish();
    let mut seen = HashSet::new();
    let callers: Vec<_> = callers
        .into_iter()
        .map(|caller| caller_limit(caller, known, &mut seen))
        .collect();
    let mut seen = HashSet::new();
    let sources: Vec<_> = sources
        .into_iter()
        .map(|source| source_limit(source, &mut seen))
        .collect();
    Some(Limits {
        default: default?,
        callers: callers.into_iter().collect::<Option<_>>()?,
        officer: officer?,
        sources: sources.into_iter().collect::<Option<_>>()?,
    })
}

fn caller_limit(
    mut section: Section<'_>,
    known: &Known,
    seen: &mut HashSet<Scope>,
) -> Option<(Scope, Limit)> {
    let agency = section.word("agency", |text| {
        let agency = agency_code(text)?;
        let is_known = known.agencies.contains(&agency);
        is_known
            .then_some(agency)
            .ok_or_else(|| format!("no agreement names the agency {text:?}"))
    });
    let system = section.optional_word("system", |text| {
        let system = system_id(text)?;
        let is_known = agency.as_ref().is_none_or(|a| known.knows(a, &system));
        is_known
            .then_some(system)
            .ok_or_else(|| format!("no agreement is open to the system {text:?}"))
    });
    let source = section.optional_word("source", source);
    let limit = limit(&mut section);
    let scope = Scope {
        agency: agency?,
        system,
        source,
    };
    if !seen.insert(scope.clone()) {
        section.problem("agency", "has this limit twice");
    }
    section.finish();
    Some((scope, limit?))
}

fn source_limit(mut section: Section<'_>, seen: &mut HashSet<Source>) -> Option<(Source, Limit)> {
    let source = section.word("source", |text| unique(source(text)?, seen));
    Some((source?, alone(section)?))
}

/// A limit with nothing beside it.
fn alone(mut section: Section<'_>) -> Option<Limit> {
    let limit = limit(&mut section);
    section.finish();
    limit
}

fn limit(section: &mut Section<'_>) -> Option<Limit> {
    let requests_per_minute = section.count("requests_per_minute", MAX_COUNT);
    let burst = section.count("burst", MAX_COUNT);
    Some(Limit {
        requests_per_minute: requests_per_minute?,
        burst: burst?,
    })
}

fn source(text: &str) -> Result<Source, String> {
    Source::from_name(text).ok_or_else(|| format!("{text:?} is no source"))
}

/// The limiter counts nanoseconds in 64 bits: one request a minute with this burst takes
/// 6·10¹⁰ ns · 10⁷ = 6·10¹⁷ of 1.8·10¹⁹.
const MAX_COUNT: u32 = 10_000_000;
