//! From the parts to what leaves: complete in its states, or a fault.

use admission::Permit;
use api::v1;
use evidence::SourceOutcome;
use exchange::{CitizenId, Fault, Field, FieldSet, Reason, Request, Source, SourceState};
use jiff::Timestamp;

use crate::ask::Answers;
use crate::failure::failure;
use crate::part::Part;
use crate::{Reply, differ, quality};

/// An answer that is not recorded yet, or the fault that takes its place.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) response: v1::LookupCitizenResponse,
    pub(crate) outcomes: Vec<SourceOutcome>,
    pub(crate) fault: Option<Fault>,
    /// The person whom the number in the question turned out to be of, for the record.
    pub(crate) person: Option<CitizenId>,
}

impl Draft {
    /// Puts the parts together, or the fault that kept them from being asked for.
    pub(crate) fn new(
        request: &Request,
        permit: &Permit,
        answers: Answers,
        now: Timestamp,
    ) -> Self {
        let (parts, fault) = match answers.parts {
            Ok(parts) => {
                let fault = failure(request, &parts);
                (parts, fault)
            }
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let mut draft = Self::assemble(request, permit, parts, fault);
        draft.person = answers.person;
        if let Some(resolver) = answers.resolver {
            draft.note(resolver);
        }
        if let Some(fault) = &mut draft.fault {
            // Where nobody was found, who said so would tell a wrong guess from no such number.
            if fault.reason != Reason::PersonNotFound {
                let states = draft.outcomes.iter();
                let states = states.map(|o| (o.source.name(), o.state.name().to_owned()));
                fault.metadata.extend(states);
            }
        } else if let Some(view) = &draft.response.citizen {
            if draft.outcomes.len() > 1 {
                // A masked value differs from another one by its mask.
                draft.response.discrepancies = differ::discrepancies(view, &permit.whole(), now);
            }
            draft.response.quality = quality::signals(&request.subject.identifier, view);
        }
        draft
    }

    /// Notes in the record that a source was asked who is behind the number, unless it stands there
    /// as asked already.
    fn note(&mut self, resolver: SourceOutcome) {
        let mut outcomes = self.outcomes.iter_mut();
        match outcomes.find(|own| own.source == resolver.source) {
            Some(own) if matches!(own.state, SourceState::Withheld | SourceState::Skipped) => {
                *own = resolver;
            }
            Some(_) => {}
            None => self.outcomes.push(resolver),
        }
    }

    /// The answer to a dry run, of sources that were not asked.
    pub(crate) fn dry(request: &Request, permit: &Permit, parts: Vec<Part>) -> Self {
        Self::assemble(request, permit, parts, None)
    }

    /// The answer as it stands, for questions that no agency was asked.
    pub(crate) fn unrecorded(self, permit: &Permit) -> Reply<v1::LookupCitizenResponse> {
        Reply {
            message: self.response,
            quota: permit.quota().clone(),
        }
    }

    /// Gives every source of the mask its state. If the call fails, nothing is released.
    fn assemble(
        request: &Request,
        permit: &Permit,
        mut parts: Vec<Part>,
        fault: Option<Fault>,
    ) -> Self {
        let mut view = v1::CitizenView::default();
        let mut sources = Vec::with_capacity(Source::ALL.len());
        let mut outcomes = Vec::with_capacity(Source::ALL.len());
        for source in request.mask.sources().iter() {
            let place = parts.iter().position(|part| part.outcome.source == source);
            let part = match place {
                Some(place) if fault.is_some() => parts.swap_remove(place).kept_back(),
                Some(place) => parts.swap_remove(place),
                None if permit.granted().sources().contains(source) => {
                    Part::unasked(source, SourceState::Skipped, "NOT_ASKED")
                }
                None => Part::unasked(source, SourceState::Withheld, withheld(permit, source)),
            };
            if let Some(record) = part.record {
                record.put_into(&mut view);
            }
            sources.push(part.status);
            outcomes.push(part.outcome);
        }
        let failed = outcomes
            .iter()
            .any(|o: &SourceOutcome| o.state.is_failure());
        let completeness = if failed {
            v1::Completeness::Partial
        } else {
            v1::Completeness::Complete
        };
        Self {
            response: v1::LookupCitizenResponse {
                citizen: Some(view),
                completeness: completeness.into(),
                sources,
                withheld_paths: paths(permit.withheld()),
                masked: masked(permit.masked()),
                request_id: request.id.to_string(),
                ..Default::default()
            },
            outcomes,
            fault,
            person: None,
        }
    }
}

fn masked(fields: &FieldSet) -> Vec<v1::MaskedField> {
    let fields = fields.iter().filter_map(|field| {
        let mask = v1::Mask::from(field.info().mask?).into();
        let path = field.path().to_owned();
        Some(v1::MaskedField { path, mask })
    });
    fields.collect()
}

/// Why nothing of a source is granted.
fn withheld(permit: &Permit, source: Source) -> &'static str {
    let has = |fields: &FieldSet| fields.sources().contains(source);
    if has(permit.unconsented()) {
        "NOT_IN_CONSENT"
    } else if has(permit.not_in_emergency()) {
        "NOT_IN_EMERGENCY"
    } else {
        "NOT_IN_AGREEMENT"
    }
}

/// The ids of fields.
pub(crate) fn paths(fields: &FieldSet) -> Vec<String> {
    fields.iter().map(Field::path).map(str::to_owned).collect()
}
