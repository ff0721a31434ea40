//! Who lives with whom: a couple with its unmarried children, a divorced parent with theirs, or
//! one person alone. A household is named by the person who holds it.

use super::being::Being;
use super::draw::Topic;
use super::facts::Facts;
use super::kin::Couple;
use super::life::{Wedding, age_on};
use super::{REFERENCE, World};
use crate::person::{Household, Member, Relation};

/// What somebody is at home, and with whom.
pub(crate) struct Home {
    /// Who holds the household: its code and address come from them.
    pub(crate) owner: Being,
    head: Being,
    members: Vec<(Being, Relation)>,
}

impl World {
    /// The household that a person belongs to.
    pub(crate) fn home_of(&self, being: &Being) -> Home {
        let owner = self.home_owner(being);
        let members = self.members(&owner);
        let head = members.first().map_or(owner, |(first, _)| *first);
        Home {
            owner,
            head,
            members,
        }
    }

    /// Who holds the household: the husband of a couple, whoever is divorced their own, a parent
    /// that of their unmarried child.
    fn home_owner(&self, being: &Being) -> Being {
        match self.wedding(being) {
            Some(wedding) if wedding.is_divorced() => *being,
            Some(wedding) => wedding.husband,
            None => self.parent_at_home(being).unwrap_or(*being),
        }
    }

    fn members(&self, owner: &Being) -> Vec<(Being, Relation)> {
        let wedding = self.wedding(owner).filter(|w| !w.is_divorced());
        let adults = [
            Some(*owner),
            wedding.map(|wedding: Wedding| wedding.spouse_of(owner)),
        ];
        let mut members: Vec<(Being, Relation)> = Vec::with_capacity(6);
        for adult in adults.into_iter().flatten() {
            if self.death(&adult).is_none() {
                let relation = if members.is_empty() {
                    Relation::Head
                } else {
                    Relation::Spouse
                };
                members.push((adult, relation));
            }
        }
        let children = self.children(owner);
        let keeps = children
            .first()
            .and_then(|child| self.parents(child))
            .and_then(|parents| self.keeper(&parents));
        if keeps == Some(*owner) {
            let home = children.into_iter().filter(|child| self.stays(child));
            members.extend(home.map(|child| (child, Relation::Child)));
        }
        members
    }

    /// The parent with whose household an unmarried child lives, if with any.
    fn parent_at_home(&self, being: &Being) -> Option<Being> {
        if !self.stays(being) {
            return None;
        }
        self.keeper(&self.parents(being)?)
    }

    /// True for the living who are unmarried, childless and young or attached to their parents.
    fn stays(&self, being: &Being) -> bool {
        let age = age_on(self.birth(being), REFERENCE);
        let mut draw = self.draw(Topic::Household, being.key());
        (age < 24 || (age < 40 && draw.chance(500)))
            && self.death(being).is_none()
            && self.wedding(being).is_none()
            && self.children(being).is_empty()
    }

    /// Which of the parents holds the household in which their children live.
    fn keeper(&self, parents: &Couple) -> Option<Being> {
        let alive = |parent: &Being| parent.is_numbered() && self.death(parent).is_none();
        let together = self
            .wedding(&parents.husband)
            .is_some_and(|wedding| !wedding.is_divorced());
        if together {
            let either = alive(&parents.husband) || alive(&parents.wife);
            return either.then_some(parents.husband);
        }
        [parents.wife, parents.husband].into_iter().find(alive)
    }
}

impl Facts<'_> {
    /// The household as records show it to one of its members.
    pub(crate) fn household(&self) -> Household {
        let (being, home) = (&self.being, &self.home);
        let mut draw = self.world.draw(Topic::Household, home.owner.key());
        let own = home.members.iter().find(|(member, _)| member == being);
        let of_the_dead = if home.head == *being {
            Relation::Head
        } else if self.wedding.is_some() {
            Relation::Spouse
        } else {
            Relation::Child
        };
        let member = |(member, relation): &(Being, Relation)| Member {
            person: self.relative(member),
            relation: *relation,
        };
        Household {
            code: self.world.household_code(&home.owner),
            book_no: draw.digits(9),
            head: self.relative(&home.head),
            relation: own.map_or(of_the_dead, |(_, relation)| *relation),
            members: home.members.iter().map(member).collect(),
        }
    }
}
