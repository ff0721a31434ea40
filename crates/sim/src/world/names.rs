//! Names by sex, era and ethnic group. A family name goes from father to child.

use std::borrow::Cow;

use exchange::Sex;

use super::World;
use super::being::{Being, FIRST_YEAR, Slot};
use super::draw::{Draw, Topic};
use super::lists::{ETHNIC_FAMILIES, FAMILIES, GIVEN, Given, ethnic_group};
use crate::person::Name;

impl World {
    /// The oldest known father: family name, ethnic group and native place come from him.
    pub(crate) fn lineage_root(&self, being: &Being) -> Being {
        let mut oldest = *being;
        while oldest.year >= FIRST_YEAR
            && let Some(parents) = self.parents(&oldest)
        {
            oldest = parents.husband;
        }
        oldest
    }

    /// The code of the ethnic group.
    pub(crate) fn ethnicity(&self, root: &Being) -> &'static str {
        let mut draw = self.draw(Topic::Family, root.key());
        ethnic_group(draw.below(1000))
    }

    /// The name at birth registration.
    pub(crate) fn name(&self, being: &Being, root: &Being) -> Name {
        let mut draw = self.draw(Topic::Given, being.key());
        // ư, Đ and ơ: what persona 8 is for.
        if being.persona() == Some(8) {
            return name("Lương", "Đức", "Hưởng");
        }
        let (family, ethnicity) = self.family(root);
        given(&mut draw, family, ethnicity, being.sex, being.year)
    }

    /// The name of a parent whom the family tree does not hold.
    pub(crate) fn unknown_parent_name(&self, child: &Being, sex: Sex) -> Name {
        let mut draw = self.draw(Topic::Family, child.key() | 1 << 60 | sex as u64);
        let (own, ethnicity) = self.family(&self.lineage_root(child));
        let family = match sex {
            Sex::Male => own,
            Sex::Female => family_of(&mut draw, ethnicity),
        };
        given(&mut draw, family, ethnicity, sex, child.year - 25)
    }

    fn family(&self, root: &Being) -> (&'static str, &'static str) {
        if let Slot::Persona { number: 8, .. } = root.slot {
            return ("Lương", "01");
        }
        let mut draw = self.draw(Topic::Family, root.key());
        let ethnicity = ethnic_group(draw.below(1000));
        (family_of(&mut draw, ethnicity), ethnicity)
    }
}

fn family_of(draw: &mut Draw, ethnicity: &str) -> &'static str {
    let special = ETHNIC_FAMILIES.iter().find(|(code, _)| *code == ethnicity);
    match special {
        Some((_, families)) => draw.pick(families),
        None => {
            let mut rest = draw.below(1000);
            let found = FAMILIES.iter().find(|(_, weight)| {
                let here = rest < *weight;
                rest = rest.saturating_sub(*weight);
                here
            });
            found.map_or("Nguyễn", |(family, _)| family)
        }
    }
}

fn given(draw: &mut Draw, family: &'static str, ethnicity: &str, sex: Sex, year: i16) -> Name {
    if ethnicity == "16" {
        let own = match sex {
            Sex::Male => draw.pick(&["K'Brơi", "K'Long", "K'Tiếu", "K'Đức"]),
            Sex::Female => draw.pick(&["Ka Hương", "Ka Duyên", "K'Thủy", "Ka Mơ"]),
        };
        return name(family, "", own);
    }
    let Given {
        middles,
        names,
        plain_middle,
        plain_per_mille,
    } = GIVEN.of(sex, year);
    let middle = if draw.chance(*plain_per_mille) {
        plain_middle
    } else {
        draw.pick(middles)
    };
    let mut own = draw.pick(names);
    if own == middle {
        own = "Anh";
    }
    name(family, middle, own)
}

const fn name(family: &'static str, middle: &'static str, given: &'static str) -> Name {
    Name {
        family: Cow::Borrowed(family),
        middle: Cow::Borrowed(middle),
        given: Cow::Borrowed(given),
    }
}
