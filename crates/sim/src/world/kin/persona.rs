//! The small family of a persona: parents, a spouse, a child, and a twin of the other sex.

use exchange::Sex;

use super::{Bond, Couple};
use crate::world::being::{Being, Role, Slot};

/// The couple around a persona that somebody is one half of.
pub(super) fn couple(being: &Being, number: u64, role: Role) -> Option<Couple> {
    let (role, years) = match (role, being.sex) {
        (Role::Own, sex) if !LONELY.contains(&number) => (Role::Partner, married_to(sex)),
        (Role::Partner, sex) if !LONELY.contains(&number) => (Role::Own, married_to(sex)),
        (Role::Father, Sex::Male) => (Role::Mother, 2),
        (Role::Mother, Sex::Female) => (Role::Father, -2),
        _ => return None,
    };
    let other = Being {
        sex: being.other_sex(),
        year: being.year + years,
        slot: Slot::Persona { number, role },
    };
    let (husband, wife) = match being.sex {
        Sex::Male => (*being, other),
        Sex::Female => (other, *being),
    };
    Some(Couple {
        husband,
        wife,
        bond: Bond::Marriage,
        from_year: husband.year + 25,
    })
}

/// The parents of somebody around a persona.
pub(super) fn parents(being: &Being, number: u64, role: Role) -> Option<Couple> {
    match role {
        Role::Own => couple(&relative(being, number, Role::Father), number, Role::Father),
        Role::Child if has_child(number) => {
            let parent = relative(being, number, Role::Own);
            couple(&parent, number, Role::Own)
        }
        Role::Child | Role::Father | Role::Mother | Role::Partner => None,
    }
}

/// The children of somebody around a persona.
pub(super) fn children(being: &Being, number: u64, role: Role) -> Vec<Being> {
    let own = |sex, year| Being {
        sex,
        year,
        slot: Slot::Persona {
            number,
            role: Role::Own,
        },
    };
    let child = |own: Being| relative(&own, number, Role::Child);
    match (role, being.sex) {
        (Role::Own, _) if has_child(number) => vec![child(*being)],
        (Role::Partner, sex) if has_child(number) => {
            vec![child(own(being.other_sex(), being.year + married_to(sex)))]
        }
        // Every persona has a twin of the other sex.
        (Role::Father, Sex::Male) => [Sex::Male, Sex::Female]
            .map(|sex| own(sex, being.year + FATHER_OLDER_BY))
            .into(),
        (Role::Mother, Sex::Female) => [Sex::Male, Sex::Female]
            .map(|sex| own(sex, being.year + FATHER_OLDER_BY - 2))
            .into(),
        _ => Vec::new(),
    }
}

/// The relative of a persona, or (for [`Role::Own`]) the persona of a child.
pub(crate) fn relative(being: &Being, number: u64, role: Role) -> Being {
    let (sex, years) = match role {
        Role::Father => (Sex::Male, -FATHER_OLDER_BY),
        Role::Mother => (Sex::Female, 2 - FATHER_OLDER_BY),
        Role::Partner => (Sex::Female, -GUARDIAN_OLDER_BY),
        Role::Child => (being.sex, CHILD_AFTER),
        Role::Own => (being.sex, -CHILD_AFTER),
    };
    Being {
        sex,
        year: being.year + years,
        slot: Slot::Persona { number, role },
    }
}

/// Years from a persona's birth to that of the spouse: she is one year younger than he.
const fn married_to(sex: Sex) -> i16 {
    match sex {
        Sex::Male => 1,
        Sex::Female => -1,
    }
}

/// Personas whose child's place is a child's.
fn has_child(number: u64) -> bool {
    !LONELY.contains(&number) && !matches!(number, 4 | 5)
}

/// Personas without a spouse: 3 is a minor, whose partner's place is the guardian's.
const LONELY: [u64; 1] = [3];
/// A persona's father is that much older.
const FATHER_OLDER_BY: i16 = 27;
/// The guardian of persona 3 is that much older.
const GUARDIAN_OLDER_BY: i16 = 40;
/// A persona's child is born that many years later: in 2025 for the canonical personas of 1999.
const CHILD_AFTER: i16 = 26;
