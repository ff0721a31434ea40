//! The dates of a life: birth, wedding, divorce, death.
//!
//! *Invariant:* nobody dies or divorces before the birth of their youngest child, and nobody
//! marries after death; nothing happens after [`REFERENCE`].

use exchange::{PartialDate, Sex};
use jiff::ToSpan;
use jiff::civil::Date;

use super::being::{Being, LAST_YEAR, Role, Slot};
use super::draw::Topic;
use super::kin::{Bond, Couple, YOUNGEST_PARENT};
use super::{REFERENCE, World};
use crate::person::{MaritalStatus, MarriageEnd, MarriageEndKind};

/// A wedding that took place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wedding {
    pub(crate) husband: Being,
    pub(crate) wife: Being,
    pub(crate) date: Date,
    pub(crate) end: Option<MarriageEnd>,
}

impl Wedding {
    /// The other one.
    pub(crate) const fn spouse_of(&self, being: &Being) -> Being {
        match being.sex {
            Sex::Male => self.wife,
            Sex::Female => self.husband,
        }
    }

    /// True if it ended by divorce.
    pub(crate) fn is_divorced(&self) -> bool {
        self.end
            .is_some_and(|end| end.kind == MarriageEndKind::Divorce)
    }
}

impl World {
    /// The day of birth.
    pub(crate) fn birth(&self, being: &Being) -> Date {
        // The twins that every persona and their sibling are share one day.
        let mut key = *being;
        if being.persona().is_some() {
            key.sex = Sex::Male;
        }
        let mut draw = self.draw(Topic::Birth, key.key());
        // A corrected record may disagree with the year in the number.
        let corrected = being.persona().is_none() && being.year < LAST_YEAR && draw.chance(3);
        let year = being.year + i16::from(corrected);
        let first = jiff::civil::date(year, 1, 1);
        let last = jiff::civil::date(year, 12, 31).min(YOUNGEST);
        draw.day(first, last)
    }

    /// The date of birth as records hold it: 3 % lack the day, or month and day.
    pub(crate) fn birth_date(&self, being: &Being) -> PartialDate {
        let birth = self.birth(being);
        match being.slot {
            Slot::Persona {
                number: 7,
                role: Role::Own,
            } => year_only(birth),
            Slot::Persona { .. } => whole(birth),
            Slot::Ordinary(_) => {
                let mut draw = self.draw(Topic::Precision, being.key());
                match draw.below(1000) {
                    0..18 => year_only(birth),
                    18..30 => partial(birth, true, false),
                    _ => whole(birth),
                }
            }
        }
    }

    /// The day of death, if it has come.
    pub(crate) fn death(&self, being: &Being) -> Option<Date> {
        let birth = self.birth(being);
        let drawn = match being.slot {
            Slot::Persona { number, role } => persona_death(being, birth, number, role)?,
            Slot::Ordinary(_) => self.lifetime_end(being, birth),
        };
        if drawn > REFERENCE {
            return None;
        }
        let children = self.children(being);
        let youngest = children.last().map(|child| self.birth(child));
        let death = youngest.map_or(drawn, |birth| drawn.max(birth.saturating_add(30.days())));
        (death <= REFERENCE).then_some(death)
    }

    /// The wedding, if it took place.
    pub(crate) fn wedding(&self, being: &Being) -> Option<Wedding> {
        if being.year > LAST_YEAR - YOUNGEST_PARENT {
            return None;
        }
        let couple = self.couple(being)?;
        if couple.bond != Bond::Marriage || couple.from_year > LAST_YEAR {
            return None;
        }
        let date = self.wedding_day(&couple);
        let deaths = [self.death(&couple.husband), self.death(&couple.wife)];
        let first_death = deaths.into_iter().flatten().min();
        if date > REFERENCE || first_death.is_some_and(|death| death < date) {
            return None;
        }
        let Couple { husband, wife, .. } = couple;
        let end = self.end(&couple, date, first_death);
        Some(Wedding {
            husband,
            wife,
            date,
            end,
        })
    }

    fn wedding_day(&self, couple: &Couple) -> Date {
        let mut draw = self.draw(Topic::MarriageEntry, couple.husband.key());
        let year = couple.from_year;
        draw.day(
            jiff::civil::date(year, 1, 1),
            jiff::civil::date(year, 6, 30),
        )
    }

    fn end(&self, couple: &Couple, wedding: Date, death: Option<Date>) -> Option<MarriageEnd> {
        let mut draw = self.draw(Topic::Divorce, couple.husband.key());
        let persona = matches!(couple.husband.slot, Slot::Persona { .. });
        let divorce = (!persona && draw.chance(80)).then(|| {
            let day = wedding.saturating_add(draw.within(1000, 7000).days());
            let children = self.children(&couple.husband);
            let youngest = children.last().map(|child| self.birth(child));
            youngest.map_or(day, |birth| day.max(birth.saturating_add(1.year())))
        });
        let latest = death.unwrap_or(REFERENCE);
        match divorce.filter(|day| *day < latest) {
            Some(on) => Some(MarriageEnd {
                on,
                kind: MarriageEndKind::Divorce,
            }),
            None => death.map(|on| MarriageEnd {
                on,
                kind: MarriageEndKind::Death,
            }),
        }
    }

    fn lifetime_end(&self, being: &Being, birth: Date) -> Date {
        let mut draw = self.draw(Topic::Death, being.key());
        let years = if draw.chance(20) {
            draw.within(1, 60)
        } else {
            62 + draw.within(0, 21) + draw.within(0, 21)
        };
        birth.saturating_add((years * 365 + draw.within(0, 364)).days())
    }
}

/// Marital status after one wedding or none, as a person who died took it along.
pub(crate) fn marital_status(wedding: Option<&Wedding>, death: Option<Date>) -> MaritalStatus {
    match wedding.map(|wedding| wedding.end) {
        None => MaritalStatus::Single,
        Some(Some(end)) if end.kind == MarriageEndKind::Divorce => MaritalStatus::Divorced,
        Some(Some(end)) if death != Some(end.on) => MaritalStatus::Widowed,
        Some(_) => MaritalStatus::Married,
    }
}

/// Personas and their relatives live, but for persona 2, the parents of persona 3 and those who
/// would be older than anybody.
fn persona_death(being: &Being, birth: Date, number: u64, role: Role) -> Option<Date> {
    let so_far = i64::from((REFERENCE - birth).get_days());
    match (number, role) {
        (2, Role::Own) => Some(birth.saturating_add((so_far * 3 / 4).days())),
        (3, Role::Father | Role::Mother) => {
            // Old enough for the child to be born, dead before it is of age.
            let orphaned = jiff::civil::date(being.year + 30, 6, 1);
            Some(orphaned)
        }
        (_, Role::Own) => None,
        _ => (being.year < 1920).then(|| birth.saturating_add(85.years())),
    }
}

/// A month before the reference day: the registers have heard of every birth.
const YOUNGEST: Date = jiff::civil::date(2026, 9, 1);

/// Full years from one day to another.
pub(crate) fn age_on(birth: Date, day: Date) -> i16 {
    let before_birthday = (day.month(), day.day()) < (birth.month(), birth.day());
    day.year() - birth.year() - i16::from(before_birthday)
}

/// A whole date.
pub(crate) fn whole(date: Date) -> PartialDate {
    partial(date, true, true)
}

/// The year alone.
pub(crate) fn year_only(date: Date) -> PartialDate {
    partial(date, false, false)
}

fn partial(date: Date, month: bool, day: bool) -> PartialDate {
    let part = |known: bool, value: i8| if known { i32::from(value) } else { 0 };
    #[expect(
        clippy::expect_used,
        reason = "every civil date after year 0 is a date"
    )]
    PartialDate::new(
        i32::from(date.year()),
        part(month, date.month()),
        part(day, date.day()),
    )
    .expect("a civil date is a date")
}
