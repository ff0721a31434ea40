//! From what the sources said to a verdict on each claim, and on all together.
//!
//! Not here: how two values are compared (`compare.rs`).
//!
//! *Invariant:* a source that failed makes an unknown, whatever others said: that one of several
//! claims is refuted must not show while another is open.

use adapter::Answer;
use api::{Held, Record, v1};
use exchange::{Identifier, Predicate, RelationKind, SourceState, StatusKind, Verdict, name_key};
use jiff::civil::Date;

use super::compare;
use crate::ask::Asked;

/// What was found out about one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The source answered.
    Settled(Verdict),
    /// The source failed.
    Unanswered,
}

impl Judgement {
    pub(super) const fn verdict(self) -> Verdict {
        match self {
            Self::Settled(verdict) => verdict,
            Self::Unanswered => Verdict::Unknown,
        }
    }
}

/// The verdict on all claims together.
pub(super) fn together(each: &[Judgement]) -> Verdict {
    let any = |what: Judgement| each.contains(&what);
    if any(Judgement::Unanswered) {
        Verdict::Unknown
    } else if any(Judgement::Settled(Verdict::NoMatch)) {
        Verdict::NoMatch
    } else if any(Judgement::Settled(Verdict::Unknown)) {
        Verdict::Unknown
    } else {
        Verdict::Match
    }
}

/// What was found out about a claim.
pub(super) fn claim(predicate: &Predicate, sources: &[Asked], today: Date) -> Judgement {
    let source = predicate.field().info().source;
    let asked = sources.iter().find(|asked| asked.source == source);
    match asked.map(|asked| &asked.result) {
        Some(Ok(Answer { record, .. })) => Judgement::Settled(held(predicate, record, today)),
        Some(Err(miss)) if is_said(miss.state) => Judgement::Settled(Verdict::NoMatch),
        Some(Err(_)) | None => Judgement::Unanswered,
    }
}

/// True if the source said that it confirms nothing: it knows nobody, or several, or does not tell.
const fn is_said(state: SourceState) -> bool {
    state.is_answer() || matches!(state, SourceState::Withheld)
}

/// The verdict on a claim about somebody of whom there is a record.
fn held(predicate: &Predicate, record: &Record, today: Date) -> Verdict {
    match predicate {
        Predicate::Equals { field, value, mode } => match record.held(*field) {
            Some(held) => so(compare::equals(held, value, *mode)),
            None => Verdict::Unknown,
        },
        Predicate::AgeAtLeast(years) => match record.held(predicate.field()) {
            Some(Held::Date(born)) => compare::is_aged(born, *years, today),
            _ => Verdict::Unknown,
        },
        Predicate::IsAlive => is_alive(record),
        Predicate::Relation { kind, other, name } => {
            let name = name.as_ref().map(|name| name.0.as_str());
            is_related(record, *kind, other, name)
        }
        Predicate::Status(status) => has_status(record, *status, today),
    }
}

/// A store without an entry of a death holds the person for alive.
fn is_alive(record: &Record) -> Verdict {
    if let Record::Population(record) = record {
        so(record.death.is_none())
    } else {
        Verdict::Unknown
    }
}

fn is_related(
    record: &Record,
    kind: RelationKind,
    other: &Identifier,
    name: Option<&str>,
) -> Verdict {
    let Record::Population(record) = record else {
        return Verdict::Unknown;
    };
    let related = match kind {
        RelationKind::Father => &record.father,
        RelationKind::Mother => &record.mother,
        RelationKind::Spouse => &record.spouse,
        RelationKind::Representative => &record.representative,
        RelationKind::HouseholdHead => &record.household_head,
    };
    let Some(related) = related else {
        return Verdict::Unknown;
    };
    let number = match other {
        Identifier::Legacy(_) => &related.legacy_id,
        Identifier::Personal(_) | Identifier::TaxCode(_) | Identifier::InsuranceCode(_) => {
            &related.personal_id
        }
    };
    if number.is_empty() {
        return Verdict::Unknown;
    }
    let is_named = name.is_none_or(|name| {
        let held = related.name.as_ref();
        held.is_some_and(|held| name_key(&held.full) == name_key(name))
    });
    so(number == other.reveal() && is_named)
}

fn has_status(record: &Record, status: StatusKind, today: Date) -> Verdict {
    match (status, record) {
        (StatusKind::HealthInsured, Record::SocialSecurity(record)) => {
            let mut valid = record.health_cards.iter().map(|card| card.valid);
            so(valid.any(|valid| valid.is_some_and(|valid| compare::covers(valid, today))))
        }
        (StatusKind::TaxRegistered, Record::Tax(record)) => is_registered(record.status()),
        (StatusKind::Married, Record::CivilStatus(record)) => is_married(record.marital_status()),
        _ => Verdict::Unknown,
    }
}

const fn is_married(status: v1::MaritalStatus) -> Verdict {
    use v1::MaritalStatus as S;
    match status {
        S::Unspecified => Verdict::Unknown,
        S::Married => Verdict::Match,
        S::Single | S::DivorcedOrWidowed => Verdict::NoMatch,
    }
}

const fn is_registered(status: v1::TaxpayerStatus) -> Verdict {
    use v1::TaxpayerStatus as S;
    match status {
        S::Unspecified => Verdict::Unknown,
        S::Closed | S::Moved | S::Ceased => Verdict::NoMatch,
        S::ActiveOrganisation
        | S::Active
        | S::Suspended
        | S::NotAtAddress
        | S::AwaitingBankruptcy
        | S::AwaitingAddressCheck => Verdict::Match,
    }
}

const fn so(is_so: bool) -> Verdict {
    if is_so {
        Verdict::Match
    } else {
        Verdict::NoMatch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapter::Miss;
    use exchange::{Field, Given, MatchMode, Source};
    use std::time::Duration;

    const TODAY: Date = jiff::civil::date(2026, 11, 29);

    fn asked(source: Source, result: Result<Record, Miss>) -> Asked {
        let result = result.map(|record| Answer {
            record,
            as_of: None,
            upstream_request_id: None,
            in_force: None,
            adoption: exchange::FieldSet::EMPTY,
            attempts: 1,
        });
        Asked {
            source,
            result,
            took: Duration::ZERO,
            by: crate::once::By::Itself,
        }
    }

    fn population(record: v1::PopulationRecord) -> Vec<Asked> {
        let record = Record::Population(Box::new(record));
        vec![asked(Source::Population, Ok(record))]
    }

    fn nationality(value: &str) -> Predicate {
        Predicate::Equals {
            field: Field::PopulationNationality,
            value: Given::Text(value.to_owned()),
            mode: MatchMode::Normalized,
        }
    }

    #[test]
    fn failure_is_never_a_no_and_what_is_not_confirmed_is() {
        use Judgement::{Settled, Unanswered};
        let judged = |miss| {
            claim(
                &Predicate::IsAlive,
                &[asked(Source::Population, Err(miss))],
                TODAY,
            )
        };
        let withheld = Miss::new(SourceState::Withheld, "", "closed");
        for said in [Miss::not_found(), Miss::ambiguous(), withheld] {
            assert_eq!(judged(said), Settled(Verdict::NoMatch));
        }
        for failed in [
            Miss::timeout(""),
            Miss::unavailable("", ""),
            Miss::invalid("", ""),
            Miss::rate_limited(None),
            Miss::not_served(),
        ] {
            assert_eq!(judged(failed), Unanswered);
        }
        assert_eq!(claim(&Predicate::IsAlive, &[], TODAY), Unanswered);
    }

    #[test]
    fn one_failed_source_hides_that_another_claim_is_refuted() {
        use Judgement::{Settled, Unanswered};
        use Verdict::{Match, NoMatch, Unknown};
        for (each, verdict) in [
            (vec![Settled(Match), Settled(Match)], Match),
            (vec![Settled(Match), Settled(NoMatch)], NoMatch),
            (vec![Settled(NoMatch), Settled(Unknown)], NoMatch),
            (vec![Settled(Match), Settled(Unknown)], Unknown),
            (vec![Settled(NoMatch), Unanswered], Unknown),
            (vec![Unanswered, Settled(Match)], Unknown),
        ] {
            assert_eq!(together(&each), verdict, "{each:?}");
        }
    }

    #[test]
    fn a_register_that_holds_nothing_leaves_a_claim_unknown() {
        let empty = population(v1::PopulationRecord::default());
        let judged = |predicate: &Predicate| claim(predicate, &empty, TODAY).verdict();
        assert_eq!(judged(&nationality("VN")), Verdict::Unknown);
        assert_eq!(judged(&Predicate::AgeAtLeast(18)), Verdict::Unknown);
        let other = Identifier::parse(exchange::IdentifierKind::Personal, "999099000002", 2026);
        let father = Predicate::Relation {
            kind: RelationKind::Father,
            other: other.unwrap(),
            name: None,
        };
        assert_eq!(judged(&father), Verdict::Unknown);
        assert_eq!(
            judged(&Predicate::IsAlive),
            Verdict::Match,
            "no death is entered"
        );
    }

    #[test]
    fn every_kind_of_claim_is_judged_by_its_field() {
        let spouse = v1::RelatedPerson {
            name: Some(v1::PersonName {
                full: "TRẦN THỊ HOÀ".to_owned(),
                ..Default::default()
            }),
            personal_id: "999199000002".to_owned(),
            ..Default::default()
        };
        let heard = population(v1::PopulationRecord {
            nationality: "VN".to_owned(),
            birth_date: Some(v1::PartialDate {
                year: 2008,
                month: 11,
                day: 29,
            }),
            death: Some(v1::DeathOrMissing::default()),
            spouse: Some(spouse),
            ..Default::default()
        });
        let judged = |predicate: &Predicate| claim(predicate, &heard, TODAY).verdict();
        assert_eq!(judged(&nationality("vn")), Verdict::Match);
        assert_eq!(judged(&nationality("LA")), Verdict::NoMatch);
        assert_eq!(judged(&Predicate::AgeAtLeast(18)), Verdict::Match);
        assert_eq!(judged(&Predicate::AgeAtLeast(19)), Verdict::NoMatch);
        assert_eq!(judged(&Predicate::IsAlive), Verdict::NoMatch);
        let married_to = |number, name: Option<&str>| {
            let kind = exchange::IdentifierKind::Personal;
            judged(&Predicate::Relation {
                kind: RelationKind::Spouse,
                other: Identifier::parse(kind, number, 2026).unwrap(),
                name: name.map(|name| exchange::OtherName(name.to_owned())),
            })
        };
        assert_eq!(married_to("999199000002", None), Verdict::Match);
        assert_eq!(
            married_to("999199000002", Some("Trần Thị Hòa")),
            Verdict::Match
        );
        assert_eq!(
            married_to("999199000002", Some("Trần Thị Hoa")),
            Verdict::NoMatch
        );
        assert_eq!(married_to("999199000003", None), Verdict::NoMatch);
    }

    #[test]
    fn a_status_is_that_of_today() {
        let status = |status, record: Record| held(&Predicate::Status(status), &record, TODAY);
        let tax = |it: v1::TaxpayerStatus| {
            let record = v1::TaxRecord {
                status: it.into(),
                ..Default::default()
            };
            status(StatusKind::TaxRegistered, Record::Tax(Box::new(record)))
        };
        assert_eq!(tax(v1::TaxpayerStatus::Active), Verdict::Match);
        assert_eq!(tax(v1::TaxpayerStatus::Closed), Verdict::NoMatch);
        assert_eq!(tax(v1::TaxpayerStatus::Unspecified), Verdict::Unknown);
        let insured = |to: i32| {
            let date = |year| {
                Some(v1::PartialDate {
                    year,
                    month: 1,
                    day: 1,
                })
            };
            let card = v1::HealthInsuranceCard {
                valid: Some(v1::Period {
                    from: date(2020),
                    to: date(to),
                }),
                ..Default::default()
            };
            let record = v1::SocialSecurityRecord {
                health_cards: vec![card],
                ..Default::default()
            };
            let record = Record::SocialSecurity(Box::new(record));
            status(StatusKind::HealthInsured, record)
        };
        assert_eq!(insured(2027), Verdict::Match);
        assert_eq!(insured(2026), Verdict::NoMatch);
        let wed = |it: v1::MaritalStatus| {
            let record = v1::CivilStatusRecord {
                marital_status: it.into(),
                ..Default::default()
            };
            status(StatusKind::Married, Record::CivilStatus(Box::new(record)))
        };
        assert_eq!(wed(v1::MaritalStatus::Married), Verdict::Match);
        assert_eq!(wed(v1::MaritalStatus::Single), Verdict::NoMatch);
        assert_eq!(wed(v1::MaritalStatus::Unspecified), Verdict::Unknown);
    }
}
