//! What a collection of citizens amounts to: an answer about the person asked for, or who is
//! behind a number.
//!
//! Pure. *Invariant:* what is not about the number asked for is a miss, and of several citizens
//! none is taken.

use adapter::{Answer, Confirmed, Miss, Question, Resolution, confirm};
use api::Record;
use exchange::{CitizenId, FieldSet, Identifier, SourceState};

use super::translate;
use super::wire::{Citizen, Collection};

/// `TrangThai` of a number that is cancelled and has no successor.
const CANCELLED: &str = "3";

/// A collection and what it took to get it.
pub(super) struct Told {
    pub(super) collection: Collection,
    pub(super) attempts: u32,
}

/// True if the answer names the request, or none.
pub(super) fn is_echo(id: &str, request_id: &str) -> bool {
    let id = id.trim();
    id.is_empty() || id == request_id
}

/// The one citizen of a collection.
pub(super) fn only(collection: Collection) -> Result<Box<Citizen>, Miss> {
    match (collection.count, collection.first) {
        (1, Some(citizen)) => Ok(citizen),
        (0, _) | (_, None) => Err(Miss::not_found()),
        _ => Err(Miss::ambiguous()),
    }
}

/// What the agency told, as the answer to the question.
pub(super) fn answer(question: &Question<'_>, told: Told) -> Result<Answer, Miss> {
    let collection = told.collection;
    let as_of = translate::as_of(&collection.as_of);
    let id = Some(collection.id.trim().to_owned()).filter(|id| !id.is_empty());
    let citizen = only(collection)?;
    let previous = citizen.previous_ids.iter().map(String::as_str);
    let confirmed = confirm(&question.subject, &citizen.id, previous)?;
    if citizen.status == CANCELLED {
        let detail = "the number is cancelled, and nobody has it";
        return Err(Miss::new(
            SourceState::NotFound,
            "IDENTIFIER_CANCELLED",
            detail,
        ));
    }
    let mut record = Record::Population(Box::new(translate::record(*citizen)));
    record.retain(&question.fields);
    Ok(Answer {
        record,
        as_of,
        upstream_request_id: id,
        in_force: confirmed.in_force(),
        adoption: FieldSet::EMPTY,
        attempts: told.attempts,
    })
}

/// Who is behind the number asked for. A legacy number must stand in the answer, as a personal
/// one must: else it is about somebody else.
pub(super) fn resolution(asked: &Identifier, collection: &Collection) -> Result<Resolution, Miss> {
    let citizen = match (collection.count, &collection.first) {
        (1, Some(citizen)) => citizen,
        (0, _) | (_, None) => return Ok(Resolution::NotFound),
        (candidates, _) => return Ok(Resolution::Ambiguous { candidates }),
    };
    let current = CitizenId::from_agency(&citizen.id).ok_or_else(Miss::wrong_subject)?;
    let confirmed = if let Identifier::Personal(id) = asked {
        confirm(
            id,
            &citizen.id,
            citizen.previous_ids.iter().map(String::as_str),
        )?
    } else if citizen.legacy_ids.iter().any(|id| id == asked.reveal()) {
        Confirmed::Current
    } else {
        return Err(Miss::wrong_subject());
    };
    Ok(match confirmed {
        _ if citizen.status == CANCELLED => Resolution::Cancelled,
        Confirmed::Current => Resolution::Current(current),
        Confirmed::Superseded(_) => Resolution::Superseded(current),
    })
}
