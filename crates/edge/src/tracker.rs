//! A citizen's own accesses as Estonia's Data Tracker (`andmejälgija`, version 2) asks for them:
//! `findUsage`, `usagePeriod`, `heartbeat`.
//!
//! There the number of the person stands in a query. It does not here: `findUsage` is a `POST` with
//! the same members in its body. The form with a query is served at the operations listener alone,
//! and only if the operator says in whose name. Not here: which accesses there are (crate `gate`).

use std::sync::Arc;
use std::time::Duration;

use admission::QuotaState;
use api::v1;
use exchange::{
    Caller, Fault, Identifier, IdentifierKind, OfficerId, Reason, RequestId, Violation,
};
use gate::{Call, Gate, Usage, Usages};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};
use url::form_urlencoded;

use crate::Readiness;
use crate::fault::Told;
use crate::listener::plain::Page;
use crate::method::Tracked;

/// The three calls of a data tracker.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    gate: Arc<Gate>,
    readiness: Readiness,
    help_base: Arc<str>,
}

/// The members of `findUsage`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FindUsage {
    user_code: Code,
    period_start: Option<Timestamp>,
    period_end: Option<Timestamp>,
    #[serde(default)]
    offset: i32,
    #[serde(default = "limit")]
    limit: i32,
}

/// The number of a person, as text that does not show.
#[derive(Deserialize)]
struct Code(String);

/// What a call is answered with.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// To `findUsage`.
    #[serde(rename_all = "camelCase")]
    Usages {
        total_usages: i32,
        usages: Vec<Entry>,
    },
    /// To `usagePeriod`.
    #[serde(rename_all = "camelCase")]
    Period { period_start: api::Timestamp },
    /// To `heartbeat`.
    Heartbeat {
        status: &'static str,
        message: &'static str,
    },
}

/// One access.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    logtime: Option<api::Timestamp>,
    action: String,
    receiver_code: String,
    receiver_name: String,
    receiver_system: String,
}

impl Tracker {
    pub(crate) const fn new(gate: Arc<Gate>, readiness: Readiness, help_base: Arc<str>) -> Self {
        Self {
            gate,
            readiness,
            help_base,
        }
    }

    /// The caller's quota as it stands.
    pub(crate) fn quota(&self, call: &Call) -> Option<QuotaState> {
        self.gate.quota(call)
    }

    /// Reads the question of `findUsage`.
    pub(crate) fn read(&self, headers: &HeaderMap, asked: &FindUsage) -> Result<Usage, Fault> {
        asked.read(headers, self.gate.year())
    }

    /// Answers `findUsage`.
    pub(crate) async fn find(&self, call: &Call, usage: &Usage) -> Result<Answer, Fault> {
        let reply = self.gate.find_usage(call, usage).await?;
        Ok(reply.message.into())
    }

    /// Answers `usagePeriod`.
    pub(crate) async fn period(&self, call: &Call) -> Result<Answer, Fault> {
        let begins = self.gate.usage_period(call).await?;
        let begins = begins.ok_or_else(|| Fault::new(Reason::RecordNotFound, "an empty log"))?;
        Ok(Answer::Period {
            period_start: begins.into(),
        })
    }

    /// Answers `heartbeat`.
    pub(crate) fn heartbeat(&self) -> Answer {
        let (status, message) = match self.readiness.is_ready() {
            true => ("OK", "ready"),
            false => ("FAIL", "not ready"),
        };
        Answer::Heartbeat { status, message }
    }

    /// The page of the operations listener at a path with a query; none for any other path.
    pub(crate) async fn page(&self, caller: &Caller, head: &Parts) -> Option<Page> {
        let which = Tracked::of(head.uri.path())?;
        let deadline = Instant::now() + PATIENCE;
        let call = Call {
            caller: caller.clone(),
            deadline,
            repeats: None,
        };
        let answer = timeout_at(deadline, self.asked(which, &call, head)).await;
        let answer = answer.unwrap_or_else(|_| Err(Fault::new(Reason::DeadlineExceeded, "late")));
        Some(match answer {
            // Texts and numbers alone: nothing that JSON cannot hold.
            Ok(answer) => Page::ok(
                "application/json",
                serde_json::to_vec(&answer).unwrap_or_default(),
            ),
            Err(fault) => self.problem(&fault),
        })
    }

    fn problem(&self, fault: &Fault) -> Page {
        let told = Told::new(fault, RequestId::fresh(), &self.help_base);
        Page {
            status: told.status(),
            ..Page::ok("application/problem+json", told.problem())
        }
    }

    async fn asked(&self, which: Tracked, call: &Call, head: &Parts) -> Result<Answer, Fault> {
        match which {
            Tracked::FindUsage => {
                let asked = query(head.uri.query().unwrap_or_default())?;
                let usage = self.read(&head.headers, &asked)?;
                self.find(call, &usage).await
            }
            Tracked::UsagePeriod => self.period(call).await,
            Tracked::Heartbeat => Ok(self.heartbeat()),
        }
    }
}

impl FindUsage {
    /// Reads the question, with everything that is wrong with it at once.
    fn read(&self, headers: &HeaderMap, year: i16) -> Result<Usage, Fault> {
        let mut violations = Vec::new();
        let subject = self.subject(year).map_err(|all| violations.extend(all));
        let asker = asker(headers).map_err(|one| violations.push(one));
        let page = self.page().map_err(|one| violations.push(one));
        if let (Some(start), Some(end)) = (self.period_start, self.period_end)
            && end <= start
        {
            violations.push(wrong("periodEnd", "does not lie behind the start"));
        }
        match (subject, asker, page) {
            (Ok(subject), Ok(asker), Ok((offset, limit))) if violations.is_empty() => Ok(Usage {
                subject,
                asker,
                from: self.period_start,
                until: self.period_end,
                offset,
                limit,
            }),
            _ => Err(Fault::invalid(violations)),
        }
    }

    /// The person, whose number may have the country before it as X-Road writes it.
    fn subject(&self, year: i16) -> Result<Identifier, Vec<Violation>> {
        let Code(code) = &self.user_code;
        let digits = code.strip_prefix(COUNTRY).unwrap_or(code);
        let parsed = Identifier::parse(IdentifierKind::Personal, digits, year);
        parsed.map_err(|violations| {
            let all = violations.into_iter().map(|violation| Violation {
                reason: Reason::InvalidSubjectId,
                ..wrong("userCode", violation)
            });
            all.collect()
        })
    }

    fn page(&self) -> Result<(u32, u32), Violation> {
        let offset = u32::try_from(self.offset)
            .ok()
            .filter(|it| *it <= MAX_OFFSET);
        let limit = u32::try_from(self.limit).ok();
        let limit = limit.filter(|it| (1..=MAX_LIMIT).contains(it));
        let offset = offset.ok_or_else(|| wrong("offset", OFFSET))?;
        Ok((
            offset,
            limit.ok_or_else(|| wrong("limit", "lies outside 1 to 1000"))?,
        ))
    }
}

impl From<Usages> for Answer {
    fn from(found: Usages) -> Self {
        Self::Usages {
            total_usages: i32::try_from(found.total).unwrap_or(i32::MAX),
            usages: found.accesses.into_iter().map(Entry::from).collect(),
        }
    }
}

impl From<v1::Access> for Entry {
    fn from(access: v1::Access) -> Self {
        Self {
            logtime: access.log_time,
            action: access.action,
            receiver_code: access.receiver_code,
            receiver_name: access.receiver_name,
            receiver_system: access.receiver_system,
        }
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

/// Whoever asks, as X-Road names them.
fn asker(headers: &HeaderMap) -> Result<OfficerId, Violation> {
    let value = headers.get(USER_ID).and_then(|value| value.to_str().ok());
    OfficerId::parse(value.unwrap_or_default())
        .map_err(|violation| wrong("X-Road-UserId", violation))
}

/// The members of `findUsage` in a query.
fn query(query: &str) -> Result<FindUsage, Fault> {
    let members = form_urlencoded::parse(query.as_bytes()).map(|(name, text)| {
        let number = matches!(&*name, "offset" | "limit").then(|| text.parse::<i32>().ok());
        let value = number.flatten().map(Value::from);
        (name.into_owned(), value.unwrap_or_else(|| text.into()))
    });
    let members: Map<String, Value> = members.collect();
    serde_json::from_value(members.into()).map_err(|_| {
        let what = "lacks userCode, or has a member that is unknown or of the wrong type: \
                    userCode is text, periodStart and periodEnd are times in RFC 3339, offset \
                    and limit whole numbers";
        Fault::invalid(vec![wrong("query", what)])
    })
}

fn wrong(field: &str, what: impl std::fmt::Display) -> Violation {
    Violation {
        field: field.to_owned(),
        description: what.to_string(),
        reason: Reason::InvalidArgument,
    }
}

const fn limit() -> i32 {
    1000
}

const USER_ID: HeaderName = HeaderName::from_static("x-road-userid");
/// The country as X-Road puts it before a number.
const COUNTRY: &str = "VN";
/// An entry takes about 300 bytes: a third of what an answer may have.
const MAX_LIMIT: u32 = 1000;
/// What is left out is read all the same.
const MAX_OFFSET: u32 = 9000;
const OFFSET: &str = "lies outside 0 to 9000: ask for what is older with a periodEnd";
/// As long as a call that names no deadline.
const PATIENCE: Duration = Duration::from_secs(3);
