//! What is to be reviewed: every exchange in an emergency, until an operator has closed it with a
//! verdict. Both are read from records, so a review is as safe as they are.
//!
//! Not here: who reviews, and the record of a verdict.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::entry::Gist;
use super::index::Index;
use super::log_number;
use super::sql::{Row, Value};
use crate::{Error, batch};

/// An exchange that waits to be reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The log of its record.
    pub origin: String,
    /// The place of its record.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The agency that asked.
    pub agency: Option<String>,
    /// The request id that the agency gave it.
    pub request: Option<String>,
}

impl Review {
    /// Until when it is to be closed.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        self.at.checked_add(DUE).unwrap_or(Timestamp::MAX)
    }
}

/// What is to be reviewed, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reviews {
    /// As many as are asked for.
    pub open: Vec<Review>,
    /// How many there are.
    pub total: u64,
    /// False if what was recorded last is not filed yet.
    pub complete: bool,
}

/// What an operator finds in a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was an emergency.
    Justified,
    /// It was none.
    Unjustified,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 2] = [Self::Justified, Self::Unjustified];

    /// Its name in records and instructions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Justified => "JUSTIFIED",
            Self::Unjustified => "UNJUSTIFIED",
        }
    }

    /// The verdict of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a record means for reviews.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Reviewing {
    #[default]
    Nothing,
    /// It is to be reviewed.
    Due,
    /// It closes the review of another record, in that log.
    Done { log: i64, seq: u64, verdict: String },
}

impl Reviewing {
    /// What a record says, or what it hides.
    pub(super) fn of(gist: &Gist<'_>) -> Self {
        let is = |text: &Option<std::borrow::Cow<'_, str>>, what| text.as_deref() == Some(what);
        let is_answer = gist.t == "ACCESS" || gist.t == batch::KIND;
        if is_answer && is(&gist.crit, EMERGENCY) && !gist.flag.iter().any(|it| it == PART) {
            return Self::Due;
        }
        if gist.t != "ADMIN" || !is(&gist.act, REVIEW) {
            return Self::Nothing;
        }
        let place = gist.on.as_deref().and_then(|on| on.rsplit_once('#'));
        let place = place.and_then(|(origin, seq)| Some((origin, seq.parse().ok()?)));
        match (place, &gist.dec) {
            (Some((origin, seq)), Some(verdict)) => Self::Done {
                log: log_number(origin),
                seq,
                verdict: verdict.to_string(),
            },
            _ => Self::Nothing,
        }
    }
}

impl Index {
    /// The oldest exchanges that wait to be reviewed.
    pub(super) fn reviews(&mut self, limit: u32) -> Result<Reviews, Error> {
        let sql = format!(
            "SELECT r.ts, r.log, r.seq, r.agency, r.request {OPEN} \
             ORDER BY r.ts, r.log, r.seq LIMIT $1"
        );
        let rows = self.db.rows(&sql, &[Value::of(limit.into())])?;
        let open = rows.iter().map(|row| self.review(row));
        let open = open.collect::<Result<Vec<_>, _>>()?;
        let counted = self.db.rows(&format!("SELECT COUNT(*) {OPEN}"), &[])?;
        let total = counted.first().and_then(|row| row.first());
        Ok(Reviews {
            open: open.into_iter().flatten().collect(),
            total: total.map_or(0, Value::number),
            complete: true,
        })
    }

    fn review(&mut self, row: &Row) -> Result<Option<Review>, Error> {
        let [ts, log, seq, agency, request] = row.as_slice() else {
            return Ok(None);
        };
        let named = |text: &Value| Some(text.text().to_owned()).filter(|text| !text.is_empty());
        Ok(Some(Review {
            origin: self.origin(log.int())?,
            seq: seq.number(),
            at: Timestamp::from_millisecond(ts.int()).unwrap_or(Timestamp::MAX),
            agency: named(agency),
            request: named(request),
        }))
    }
}

/// The tables. A verdict may be filed before what it is about: each node files its own log.
pub(super) const TABLES: [&str; 2] = [
    "review (log BIGINT, seq BIGINT, PRIMARY KEY (log, seq))",
    "reviewed (log BIGINT, seq BIGINT, ts BIGINT NOT NULL, verdict TEXT NOT NULL, \
     PRIMARY KEY (log, seq))",
];

const OPEN: &str = "FROM review v JOIN record r ON r.log = v.log AND r.seq = v.seq \
                    LEFT JOIN reviewed d ON d.log = v.log AND d.seq = v.seq \
                    WHERE d.seq IS NULL";

/// How a record says that a review is closed.
pub(crate) const REVIEW: &str = "REVIEW";
const EMERGENCY: &str = exchange::Criticality::Emergency.name();
/// The flag of a part of a stream, whose last record is reviewed.
const PART: &str = "PART";
/// Within three days it is known whether it was an emergency.
const DUE: Duration = Duration::from_secs(72 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Reviewing {
        Reviewing::of(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn an_answer_in_an_emergency_is_to_be_reviewed_once() {
        let answer = r#"{"t":"ACCESS","ts":1,"crit":"EMERGENCY","dec":"ALLOW""#;
        assert_eq!(of(&format!("{answer}}}")), Reviewing::Due);
        let flags = format!(r#"{answer},"flag":["BREAK_GLASS"]}}"#);
        assert_eq!(of(&flags), Reviewing::Due);
        let part = format!(r#"{answer},"flag":["BREAK_GLASS","PART"]}}"#);
        assert_eq!(of(&part), Reviewing::Nothing);
        let cut = r#"{"t":"BATCH","ts":1,"crit":"EMERGENCY","dec":"UNKNOWN"}"#;
        assert_eq!(of(cut), Reviewing::Due);
        for other in [
            r#"{"t":"ACCESS","ts":1,"crit":"CITIZEN_WAITING","dec":"ALLOW"}"#,
            r#"{"t":"DENIED","ts":1,"crit":"EMERGENCY","dec":"DENY"}"#,
            r#"{"t":"ADMIN","ts":1,"act":"STOP","on":"agency:H55"}"#,
        ] {
            assert_eq!(of(other), Reviewing::Nothing, "{other}");
        }
    }

    #[test]
    fn a_verdict_names_the_record_that_it_is_about() {
        let verdict =
            r#"{"t":"ADMIN","ts":1,"act":"REVIEW","on":"a.example/1#7","dec":"JUSTIFIED"}"#;
        let done = Reviewing::Done {
            log: log_number("a.example/1"),
            seq: 7,
            verdict: "JUSTIFIED".to_owned(),
        };
        assert_eq!(of(verdict), done);
        for nothing in [
            r#"{"t":"ADMIN","ts":1,"act":"REVIEW","on":"a.example/1","dec":"JUSTIFIED"}"#,
            r#"{"t":"ADMIN","ts":1,"act":"REVIEW","on":"a.example/1#x","dec":"JUSTIFIED"}"#,
            r#"{"t":"ADMIN","ts":1,"act":"REVIEW","on":"a.example/1#7"}"#,
        ] {
            assert_eq!(of(nothing), Reviewing::Nothing, "{nothing}");
        }
    }
}
