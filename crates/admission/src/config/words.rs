//! The single strings of the policy file, each parsed into what it stands for.
//!
//! An error is a phrase that follows the path of the string.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;

use exchange::{
    AgencyCode, Closed, Criticality, Field, FieldSet, Mask, PurposeCode, Source, SystemId,
};

use super::rights::Kind;
use crate::Duty;
use crate::policy::Exception;

/// A parsed word, or what is wrong with it.
pub(super) fn word<T>(parsed: Result<T, impl Display>) -> Result<T, String> {
    parsed.map_err(|violation| violation.to_string())
}

/// A text for people.
pub(super) fn prose(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("must not be empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// A code that was not seen before.
pub(super) fn unique<T: Clone + Eq + Hash + Display>(
    code: T,
    seen: &mut HashSet<T>,
) -> Result<T, String> {
    if seen.insert(code.clone()) {
        Ok(code)
    } else {
        Err(format!("\"{code}\" stands twice"))
    }
}

/// A purpose of the catalogue.
pub(super) fn declared(text: &str, codes: &HashSet<PurposeCode>) -> Result<PurposeCode, String> {
    let code = word(PurposeCode::parse(text))?;
    if codes.contains(&code) {
        Ok(code)
    } else {
        Err(format!("unknown purpose {text:?}"))
    }
}

/// An agency as certificates spell it.
pub(super) fn agency_code(text: &str) -> Result<AgencyCode, String> {
    AgencyCode::parse(text).ok_or_else(|| format!("{text:?} is no agency code"))
}

/// A system as certificates spell it.
pub(super) fn system_id(text: &str) -> Result<SystemId, String> {
    SystemId::parse(text).ok_or_else(|| format!("{text:?} is no system id"))
}

/// The fields that an entry names: one by its path, or all of a source.
pub(super) fn fields(text: &str) -> Result<FieldSet, String> {
    let source = Source::from_name(text).map(FieldSet::of);
    source
        .or_else(|| Field::from_path(text).map(|field| [field].into_iter().collect()))
        .ok_or_else(|| format!("unknown field path {text:?}"))
}

/// A field that may be granted in that form; `named` are those whose value is granted by name.
pub(super) fn maskable(text: &str, mask: Mask, named: &FieldSet) -> Result<Field, String> {
    let field = Field::from_path(text).ok_or_else(|| format!("unknown field path {text:?}"))?;
    if named.contains(field) {
        return Err(format!("{text:?} stands in fields as well"));
    }
    match field.info().mask {
        Some(fitting) if fitting == mask => Ok(field),
        Some(other) => Err(format!("{text:?} has another mask, {other}")),
        None => Err(format!("{text:?} cannot be masked")),
    }
}

/// A class of criticality by its name. An emergency is none that an agreement caps at.
pub(super) fn criticality(text: &str) -> Result<Criticality, String> {
    CLASSES
        .into_iter()
        .find(|class| class.name() == text)
        .ok_or_else(|| {
            "must be CITIZEN_WAITING, BACK_OFFICE or BULK; an emergency is granted by break_glass"
                .to_owned()
        })
}

/// What becomes of what is out of the ordinary.
pub(super) fn exception(text: &str) -> Result<Exception, String> {
    match text {
        "REFUSE" => Ok(Exception::Refuse),
        "FLAG" => Ok(Exception::Flag),
        _ => Err("must be REFUSE or FLAG".to_owned()),
    }
}

/// Those who are closed otherwise, by their word.
pub(super) fn opened(text: &str) -> Result<Closed, String> {
    Closed::OPENED
        .into_iter()
        .find(|closed| closed.word() == Some(text))
        .ok_or_else(|| "must be MINORS, PROTECTED or ADOPTED".to_owned())
}

/// A duty by its name.
pub(super) fn duty(text: &str) -> Result<Duty, String> {
    Duty::ALL
        .into_iter()
        .find(|duty| duty.name() == text)
        .ok_or_else(|| "must be SEARCH_RECORDS, LIST_ACCESSES or ERASE_SUBJECT".to_owned())
}

/// A kind of visibility by its name.
pub(super) fn visibility(text: &str) -> Result<Kind, String> {
    match text {
        "CITIZEN" => Ok(Kind::Citizen),
        "DELAYED" => Ok(Kind::Delayed),
        "SEALED" => Ok(Kind::Sealed),
        _ => Err("must be CITIZEN, DELAYED or SEALED".to_owned()),
    }
}

/// The same list, each entry once.
pub(super) fn distinct<T: Clone + Eq + Hash>(all: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::new();
    let first = all.into_iter();
    first.filter(|one| seen.insert(one.clone())).collect()
}

const CLASSES: [Criticality; 3] = [
    Criticality::CitizenWaiting,
    Criticality::BackOffice,
    Criticality::Bulk,
];
