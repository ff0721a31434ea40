//! A batch job as it is kept, and as a row.

use std::path::PathBuf;

use exchange::{AgencyCode, Caller, RequestId, SystemId};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::super::sql::Value;
use super::seal::{Part, Seal};
use crate::Error;
use crate::tree::Hash;

/// Whose job it is, and the request id that has created it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BatchKey {
    /// The agency.
    pub agency: AgencyCode,
    /// Its system.
    pub system: SystemId,
    /// The request id.
    pub id: RequestId,
}

impl BatchKey {
    /// The job of a caller.
    #[must_use]
    pub fn of(caller: &Caller, id: RequestId) -> Self {
        Self {
            agency: caller.agency().clone(),
            system: caller.system().clone(),
            id,
        }
    }

    pub(super) fn caller(&self) -> [Value; 2] {
        [self.agency.as_str(), self.system.as_str()].map(|it| Value::Text(it.to_owned()))
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchState {
    /// Nothing is asked yet.
    Queued,
    /// Agencies are asked.
    Running,
    /// Something must be over first.
    Paused,
    /// Every item has a result.
    Succeeded,
    /// It was ended before its time.
    Failed,
    /// Its caller has ended it.
    Cancelled,
}

impl BatchState {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Paused,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The name in the store and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// True if nothing is asked any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// A job to be taken.
#[derive(Debug)]
pub struct NewBatch {
    /// Its key.
    pub key: BatchKey,
    /// The fingerprint of the caller's certificate.
    pub certificate: String,
    /// The whole message, which is told from others under the same id; not kept.
    pub content: Zeroizing<Vec<u8>>,
    /// What all questions have in common.
    pub plan: Zeroizing<Vec<u8>>,
    /// The questions.
    pub items: Vec<Zeroizing<Vec<u8>>>,
    /// Until when it must have come to its end, in milliseconds from now.
    pub lasts_ms: u64,
}

/// What became of a job to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It was taken.
    New,
    /// It was taken before.
    Known,
    /// Another one was taken under this id.
    Reused,
    /// The caller has too many that are not over.
    TooMany,
}

/// A job as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBatch {
    /// Its key.
    pub key: BatchKey,
    /// How far it is.
    pub state: BatchState,
    /// Why so, if there is something to tell.
    pub reason: String,
    /// When it tries again, if it is paused.
    pub next_try: Option<Timestamp>,
    /// When it was taken.
    pub created: Timestamp,
    /// When it is destroyed; of one that is not over, when it is ended.
    pub expires: Timestamp,
    /// How many items it has.
    pub total: u32,
    /// How many of them have an answer of every source.
    pub succeeded: u32,
    /// How many have a result, and no such answer.
    pub failed: u32,
}

/// A job that this node is to run.
#[derive(Debug)]
pub struct Due {
    /// As it is kept.
    pub job: KeptBatch,
    /// The fingerprint of the certificate of whoever has created it.
    pub certificate: String,
    /// What all questions have in common.
    pub plan: Zeroizing<Vec<u8>>,
    /// The questions without a result, each with its place.
    pub items: Vec<(u64, Zeroizing<Vec<u8>>)>,
}

/// One result.
#[derive(Debug)]
pub struct KeptResult {
    /// Its number, from 1 on, in the order in which they came.
    pub number: u64,
    /// The result itself.
    pub result: Zeroizing<Vec<u8>>,
}

/// The end of one question.
#[derive(Debug)]
pub struct BatchEnd {
    /// Its place.
    pub place: u64,
    /// The result.
    pub result: Zeroizing<Vec<u8>>,
    /// True if every source gave an answer.
    pub is_answered: bool,
}

/// What has happened to a job.
#[derive(Debug)]
pub struct Step {
    /// How far it is.
    pub state: BatchState,
    /// Why so.
    pub reason: String,
    /// When it tries again.
    pub next_try: Option<Timestamp>,
    /// The number of the first result.
    pub first: u64,
    /// The questions that have come to their end.
    pub ends: Vec<BatchEnd>,
    /// True if this node does not go on with it.
    pub lets_go: bool,
}

impl NewBatch {
    pub(super) fn values(
        &self,
        seal: &Seal,
        content: Hash,
        now: i64,
        node: i64,
    ) -> Result<[Value; 11], Error> {
        let [agency, system] = self.key.caller();
        let lasts = i64::try_from(self.lasts_ms).unwrap_or(i64::MAX);
        Ok([
            seal.job(),
            agency,
            system,
            Value::Text(self.key.id.to_string()),
            Value::Text(self.certificate.clone()),
            Value::Bytes(content.to_vec()),
            Value::Bytes(seal.seal(Part::Plan, &self.plan)?),
            Value::Int(now),
            Value::Int(now.saturating_add(lasts)),
            Value::of(self.items.len() as u64),
            Value::Int(node),
        ])
    }
}

impl Step {
    pub(super) fn values(
        &self,
        seal: &Seal,
        node: i64,
        lease: i64,
        expires: Option<i64>,
    ) -> [Value; 9] {
        let answered = self.ends.iter().filter(|end| end.is_answered).count();
        let next_try = self.next_try.map_or(0, Timestamp::as_millisecond);
        [
            Value::Text(self.state.name().to_owned()),
            Value::Text(self.reason.clone()),
            Value::Int(next_try),
            Value::of(answered as u64),
            Value::of((self.ends.len() - answered) as u64),
            Value::Int(lease),
            Value::Int(expires.unwrap_or(0)),
            seal.job(),
            Value::Int(node),
        ]
    }
}

/// The job of a row.
pub(super) fn read(row: &[Value]) -> Result<KeptBatch, Error> {
    understood(row).ok_or_else(|| Error::Newer {
        path: PathBuf::from("the store of batch jobs"),
        what: "a batch job",
    })
}

fn understood(row: &[Value]) -> Option<KeptBatch> {
    let [
        agency,
        system,
        request,
        state,
        reason,
        next_try,
        created,
        expires,
        total,
        succeeded,
        failed,
    ] = row
    else {
        return None;
    };
    let time = |value: &Value| Timestamp::from_millisecond(value.int()).ok();
    let count = |value: &Value| u32::try_from(value.number()).ok();
    Some(KeptBatch {
        key: BatchKey {
            agency: AgencyCode::parse(agency.text())?,
            system: SystemId::parse(system.text())?,
            id: RequestId::parse(request.text())?,
        },
        state: BatchState::from_name(state.text())?,
        reason: reason.text().to_owned(),
        next_try: time(next_try).filter(|_| next_try.int() > 0),
        created: time(created)?,
        expires: time(expires)?,
        total: count(total)?,
        succeeded: count(succeeded)?,
        failed: count(failed)?,
    })
}
