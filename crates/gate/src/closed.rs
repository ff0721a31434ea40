//! Of whom nothing is told: minors, highly protected persons, and the ties of adopted children.
//!
//! Not here: for whom an agreement opens them (crate `admission`), what a source keeps closed by
//! itself (crate `agencies`).
//!
//! *Invariant:* what is closed is `WITHHELD` without a reason, in the answer and in the record; a
//! verification tells it as it tells of nobody.

use adapter::Answer;
use api::v1;
use exchange::{CitizenId, Closed, FieldSet, MatchHints, PartialDate, Verdict};
use jiff::civil::Date;

use crate::ask::Asking;
use crate::verify::is_aged;

impl Asking<'_> {
    /// Why nothing may be told of a person, if nothing may. A highly protected person of whom is
    /// told is told of to those who watch over them.
    pub(crate) fn closed(&self, id: &CitizenId) -> Option<Closed> {
        let deps = &self.gate.deps;
        if self.permit.opens(Closed::Protected) && deps.protected.has(id.reveal()) {
            deps.observer.protected(&self.call.caller, &self.request.id);
        }
        self.why_closed(id)
    }

    /// The same without telling anybody.
    pub(crate) fn why_closed(&self, id: &CitizenId) -> Option<Closed> {
        let (deps, hints) = (&self.gate.deps, &self.request.subject.hints);
        if !self.permit.opens(Closed::Protected) && deps.protected.has(id.reveal()) {
            return Some(Closed::Protected);
        }
        let is_closed = !self.permit.opens(Closed::Minor);
        (is_closed && is_minor(id, hints, deps.clock.today())).then_some(Closed::Minor)
    }

    /// Why nothing of an answer may be told, if nothing may, though something of the person may be.
    pub(crate) fn closes(&self, answer: &Answer, asked: &FieldSet) -> Option<Closed> {
        if !answer.adoption.and(asked).is_empty() && !self.permit.opens(Closed::Adopted) {
            return Some(Closed::Adopted);
        }
        // The number asked by was an old one, and nobody lists those.
        answer.in_force.and_then(|id| self.closed(&id))
    }
}

/// Whether somebody is not 18 years old yet: by the birth date that the caller gives, since nothing
/// is told unless it is theirs, and else by the year in the number. Who may be a minor counts as one.
fn is_minor(id: &CitizenId, hints: &MatchHints, today: Date) -> bool {
    let year = PartialDate::new(i32::from(id.birth_year()), 0, 0).ok();
    let Some(born) = hints.birth_date.or(year) else {
        return false;
    };
    let born = v1::PartialDate {
        year: born.year().into(),
        month: born.month().unwrap_or(0).into(),
        day: born.day().unwrap_or(0).into(),
    };
    is_aged(born, MAJORITY, today) != Verdict::Match
}

/// Law on Children 102/2016 has its own age of 16; who is under 18 cannot act alone (Civil Code
/// 91/2015 Art. 21).
const MAJORITY: u8 = 18;

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(number: &str, born: Option<&str>) -> bool {
        let hints = MatchHints {
            full_name: None,
            birth_date: born.and_then(PartialDate::parse),
        };
        let id = CitizenId::from_agency(number).unwrap();
        is_minor(&id, &hints, jiff::civil::date(2026, 11, 29))
    }

    #[test]
    fn the_year_in_the_number_tells_and_in_doubt_somebody_is_a_minor() {
        assert!(minor("999215000003", None) && minor("999209000003", None));
        assert!(!minor("999207000003", None) && !minor("999099000001", None));
        // They turn 18 some day of this year.
        assert!(minor("999208000003", None));
    }

    #[test]
    fn a_birth_date_that_is_given_tells_better() {
        assert!(!minor("999208000003", Some("2008-11-29")));
        assert!(minor("999208000003", Some("2008-11-30")));
        assert!(minor("999208000003", Some("2008")));
        assert!(minor("999207000003", Some("2009-01-01")));
    }
}
