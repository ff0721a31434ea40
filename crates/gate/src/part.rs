//! What one source said, minimised: its status in the answer, its entry in the record, its data.

use std::time::Duration;

use adapter::{Answer, Miss};
use admission::Permit;
use api::{Encoded, v1};
use evidence::{Open, SourceOutcome};
use exchange::{CitizenId, FieldSet, Source, SourceState};

use crate::ask::Asked;

/// One source's part of an answer.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) status: v1::SourceStatus,
    pub(crate) outcome: SourceOutcome,
    pub(crate) record: Option<Encoded>,
    /// The person it is about, if the number asked for is superseded.
    pub(crate) person: Option<CitizenId>,
    pub(crate) retry_after: Option<Duration>,
}

impl Part {
    /// Minimises what a source said to what the permit grants, masked where it says so, and commits to
    /// what is left.
    pub(crate) fn new(asked: Asked, permit: &Permit, open: &Open) -> Self {
        let latency = Some(duration(asked.took));
        let mut part = match asked.result {
            Ok(answer) => Self::answered(asked.source, answer, permit, open),
            Err(miss) => Self::missed(asked.source, &miss),
        };
        part.status.latency = latency;
        part
    }

    /// A source that was not asked.
    pub(crate) fn unasked(source: Source, state: SourceState, reason: &str) -> Self {
        Self {
            status: v1::SourceStatus {
                source: v1::Source::from(source).into(),
                state: v1::SourceState::from(state).into(),
                reason: reason.to_owned(),
                ..Default::default()
            },
            outcome: SourceOutcome {
                source,
                state,
                released: FieldSet::EMPTY,
                masked: FieldSet::EMPTY,
                as_of: None,
                record: None,
            },
            record: None,
            person: None,
            retry_after: None,
        }
    }

    fn answered(source: Source, answer: Answer, permit: &Permit, open: &Open) -> Self {
        let reason = if answer.in_force.is_some() {
            "IDENTIFIER_SUPERSEDED"
        } else {
            ""
        };
        let mut record = answer.record;
        record.retain(permit.granted());
        let released = record.present();
        let masked = released.and(permit.masked());
        if !masked.is_empty() {
            record.mask(&masked);
        }
        let record = record.encode();
        let mut part = Self::unasked(source, SourceState::Ok, reason);
        part.status.attempts = answer.attempts;
        part.status.as_of = answer.as_of.map(Into::into);
        part.status.upstream_request_id = answer.upstream_request_id.unwrap_or_default();
        part.status.record_salt = open.record_salt(source).to_vec();
        part.outcome.released = released;
        part.outcome.masked = masked;
        part.outcome.as_of = answer.as_of;
        part.outcome.record = Some(evidence::digest(record.bytes()));
        part.record = Some(record);
        part.person = answer.in_force;
        part
    }

    fn missed(source: Source, miss: &Miss) -> Self {
        let mut part = Self::unasked(source, miss.state, miss.reason);
        part.status.attempts = miss.attempts;
        part.status.retry_after = miss.retry_after.map(duration);
        part.retry_after = miss.retry_after;
        part
    }

    /// The state of the source.
    pub(crate) const fn state(&self) -> SourceState {
        self.outcome.state
    }

    /// The same part with nothing of it released.
    pub(crate) fn kept_back(mut self) -> Self {
        self.record = None;
        self.outcome.released = FieldSet::EMPTY;
        self.outcome.masked = FieldSet::EMPTY;
        self.outcome.record = None;
        self
    }
}

fn duration(duration: Duration) -> pbjson_types::Duration {
    pbjson_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}
