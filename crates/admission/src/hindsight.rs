//! Decisions looked at again: what the policy in hand says of a call that was recorded, and why.
//!
//! A record shows no officer, no dossier and no second factor, only that there was one or not even that:
//! what it does not show is told as unknown, and counts as given. Not here: reading records.
//!
//! *Invariant:* [`Policy::judge`] decides by the checks of a live call, and of the agreement it names
//! [`Policy::explain`] has no line that fails.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use exchange::{CallContext, Caller, FieldSet, FlagSet, Reason};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};

use crate::policy::{Agreement, Exception};
use crate::{Duty, Policy, Purpose, check};

/// A call as the record shows it. An officer or a dossier that is hidden stands for itself as any word.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Who called.
    pub caller: Caller,
    /// Why and for whom.
    pub context: CallContext,
    /// When it was recorded.
    pub at: Timestamp,
    /// The fields that left.
    pub released: FieldSet,
    /// Those of them that left in their masked form.
    pub masked: FieldSet,
    /// What was done with the record, if it was no question about a citizen.
    pub duty: Option<Duty>,
}

/// What a policy says of a recorded call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is admitted.
    Admitted {
        /// By the agreement with this id.
        agreement: Arc<str>,
        /// Fields that left and would not.
        withheld: FieldSet,
        /// Fields that left whole, and would be masked.
        masked: FieldSet,
        /// What is out of the ordinary.
        flags: FlagSet,
    },
    /// It is refused.
    Refused(Reason),
}

/// One line of an agreement, held against a recorded call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The key in the agreement or in the purpose.
    pub key: &'static str,
    /// Whether it is met.
    pub verdict: Verdict,
    /// What is agreed, and what the record says of it.
    pub what: String,
}

/// Whether a line of an agreement is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Met,
    /// It is not, and the agreement lets that pass with a flag.
    Flagged,
    /// It is not.
    Failed,
    /// The record does not say.
    Unknown,
}

/// An agreement of the caller's agency, line by line.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The id of the agreement.
    pub agreement: Arc<str>,
    /// Its lines.
    pub lines: Vec<Line>,
}

impl Policy {
    /// Decides again on a recorded call.
    #[must_use]
    pub fn judge(&self, recorded: &Recorded) -> Judged {
        let mut context = recorded.context.clone();
        // The record names the agreement that was found; the caller may have named none.
        context.agreement = None;
        let judged = self.judge_as(recorded, &context);
        if judged == Judged::Refused(Reason::AgreementRequired) {
            return self.judge_as(recorded, &recorded.context);
        }
        judged
    }

    fn judge_as(&self, recorded: &Recorded, context: &CallContext) -> Judged {
        let decided =
            check::standing(self, &recorded.caller, context).and_then(|(party, purpose)| {
                let agreement = check::agreement(party, &recorded.caller, context, recorded.at)?;
                check::duty(agreement, context, recorded.duty)?;
                check::procedure(agreement, context)?;
                check::completeness(purpose, agreement, context, None)?;
                let flags = match recorded.duty {
                    None => check::exceptions(agreement, context, None, recorded.at)?,
                    Some(_) => FlagSet::NONE,
                };
                Ok((agreement, flags))
            });
        match decided {
            Ok((agreement, flags)) => Judged::Admitted {
                agreement: Arc::clone(&agreement.id),
                withheld: recorded.released.minus(&agreement.fields),
                masked: recorded
                    .released
                    .minus(&recorded.masked)
                    .and(&agreement.masked),
                flags,
            },
            Err(fault) => Judged::Refused(fault.reason),
        }
    }

    /// Holds a recorded call against every agreement of the caller's agency, line by line. Empty if it
    /// has none.
    #[must_use]
    pub fn explain(&self, recorded: &Recorded) -> Vec<Explained> {
        let purpose = self.purpose(&recorded.context.purpose);
        let party = self.party(recorded.caller.agency());
        let agreements = party.into_iter().flat_map(|party| party.agreements());
        let explained = agreements.map(|agreement| Explained {
            agreement: Arc::clone(&agreement.id),
            lines: lines(agreement, purpose.map(Arc::as_ref), recorded),
        });
        explained.collect()
    }
}

impl Explained {
    /// True if no line fails.
    #[must_use]
    pub fn admits(&self) -> bool {
        self.lines
            .iter()
            .all(|line| line.verdict != Verdict::Failed)
    }
}

impl Verdict {
    const fn of(is_met: bool) -> Self {
        if is_met { Self::Met } else { Self::Failed }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Met => "yes",
            Self::Flagged => "flag",
            Self::Failed => "NO",
            Self::Unknown => "?",
        })
    }
}

/// Every line of an agreement that decides.
fn lines(agreement: &Agreement, purpose: Option<&Purpose>, recorded: &Recorded) -> Vec<Line> {
    let (context, at) = (&recorded.context, recorded.at);
    let mut lines = vec![
        line(
            "systems",
            agreement.is_open_to(recorded.caller.system()),
            list(agreement.systems.as_ref()),
        ),
        line(
            "purposes",
            purpose.is_some() && agreement.purposes.contains(&context.purpose),
            words(&agreement.purposes),
        ),
        line(
            "valid_from",
            agreement.valid_from <= at,
            day(agreement.valid_from, 0),
        ),
        line(
            "valid_to",
            at < agreement.valid_to,
            day(agreement.valid_to, 1),
        ),
    ];
    if let Some(duty) = recorded.duty {
        lines.push(line(
            "duties",
            agreement.duties.contains(&duty),
            words(&agreement.duties),
        ));
    }
    let allowed = &agreement.procedures;
    let procedure = context.procedure.as_ref();
    let is_allowed = allowed
        .as_ref()
        .is_none_or(|all| procedure.is_some_and(|it| all.contains(it)));
    lines.push(line("procedures", is_allowed, list(allowed.as_ref())));
    lines.extend(required(agreement, purpose, context));
    if recorded.duty.is_none() {
        lines.extend(of_questions(agreement, recorded));
    }
    lines
}

/// The lines about what must be named.
fn required(agreement: &Agreement, purpose: Option<&Purpose>, context: &CallContext) -> Vec<Line> {
    let mut lines = Vec::new();
    let asks = |of_purpose: fn(&Purpose) -> bool| purpose.is_some_and(of_purpose);
    let required = [
        (
            "procedure_required",
            asks(|it| it.procedure_required),
            context.procedure.is_some(),
        ),
        (
            "dossier_required",
            asks(|it| it.dossier_required),
            context.dossier.is_some(),
        ),
        (
            "officer_required",
            asks(|it| it.officer_required) || agreement.officer_required,
            context.officer.is_some(),
        ),
    ];
    for (key, is_required, is_there) in required {
        let what = if is_there {
            "one is recorded"
        } else {
            "none is recorded"
        };
        lines.extend(is_required.then(|| line(key, is_there, what)));
    }
    lines
}

/// The lines that decide about citizens alone.
fn of_questions(agreement: &Agreement, recorded: &Recorded) -> Vec<Line> {
    let mut lines = Vec::new();
    if agreement.second_factor {
        lines.push(Line {
            key: "second_factor",
            verdict: Verdict::Unknown,
            what: "name and birth date are needed; no record shows them".to_owned(),
        });
    }
    if agreement.hours.is_some() {
        let is_open = agreement.is_open_at(recorded.at);
        let verdict = match (is_open, agreement.outside_hours) {
            (true, _) => Verdict::Met,
            (false, Exception::Flag) => Verdict::Flagged,
            (false, Exception::Refuse) => Verdict::Failed,
        };
        let at = recorded
            .at
            .to_zoned(vietnam())
            .strftime("%a %H:%M")
            .to_string();
        lines.push(Line {
            key: "hours",
            verdict,
            what: format!("it was {at} in Vietnam"),
        });
    }
    for source in recorded.released.sources().iter() {
        let left = recorded.released.and(&FieldSet::of(source));
        let (without, masked) = (left.minus(&agreement.fields), left.and(&agreement.masked));
        let granted = left.minus(&without).minus(&masked);
        for (set, what) in [
            (granted, "left, and is granted"),
            (masked, "left, and is granted masked"),
            (without, "left, and would be withheld"),
        ] {
            if !set.is_empty() {
                let paths: Vec<_> = set.iter().map(|field| field.path()).collect();
                let what = format!("{} {what}", paths.join(", "));
                // A field that is withheld refuses nothing.
                lines.push(line("fields", true, what));
            }
        }
    }
    lines
}

fn line(key: &'static str, is_met: bool, what: impl Into<String>) -> Line {
    Line {
        key,
        verdict: Verdict::of(is_met),
        what: what.into(),
    }
}

/// A list that may be left out.
fn list<T: fmt::Display>(all: Option<&HashSet<T>>) -> String {
    let Some(all) = all else {
        return "every one".to_owned();
    };
    let mut words: Vec<_> = all.iter().map(ToString::to_string).collect();
    words.sort_unstable();
    words.join(", ")
}

fn words<T: fmt::Display>(all: &[T]) -> String {
    let words: Vec<_> = all.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// The day in Vietnam that an instant begins, or so many days before it.
fn day(instant: Timestamp, before: i64) -> String {
    let day = instant.to_zoned(vietnam()).date();
    let day = day.checked_sub(jiff::Span::new().days(before));
    day.unwrap_or(Date::MIN).to_string()
}

fn vietnam() -> TimeZone {
    TimeZone::fixed(offset(7))
}
