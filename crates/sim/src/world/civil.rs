//! Births, marriages, deaths and parentage in the books of the register.

use jiff::ToSpan;
use jiff::civil::Date;

use super::REFERENCE;
use super::draw::{Draw, Topic};
use super::facts::Facts;
use super::kin::Bond;
use super::life::whole;
use super::view::ADOPTED;
use crate::person::{
    Address, BirthKind, BirthRegistration, CivilStatus, Death, MaritalCertificate, MaritalStatus,
    Marriage, Parentage, ParentageKind, Registration, RegistrationKind, Relative,
};

impl Facts<'_> {
    pub(crate) fn civil(&self) -> CivilStatus {
        CivilStatus {
            birth: self.birth_registration(),
            parentage: self.parentage(),
            marital_certificate: self.marital_certificate(),
            adopted: self.being.persona() == Some(ADOPTED),
        }
    }

    pub(crate) fn marriages(&self) -> Vec<Marriage> {
        let Some(wedding) = &self.wedding else {
            return Vec::new();
        };
        // Drawn for the husband, so that both sides hold the same entry.
        let mut draw = self
            .world
            .draw(Topic::MarriageEntry, wedding.husband.key() | ENTRY);
        let spouse = wedding.spouse_of(&self.being);
        let spouse_residence = self.world.birth_place(&spouse);
        // Registered where the bride comes from.
        let bride_home = if spouse == wedding.wife {
            &spouse_residence
        } else {
            &self.birth_place
        };
        vec![Marriage {
            spouse: self.relative(&spouse),
            registration: registration(&mut draw, bride_home, wedding.date, on_time),
            spouse_residence,
            end: wedding.end,
        }]
    }

    pub(crate) fn death_record(&self) -> Option<Death> {
        let date = self.death?;
        let mut draw = self.draw(Topic::DeathEntry);
        let (cause, cause_text) = draw.pick(&CAUSES);
        let registered = date
            .saturating_add(draw.within(0, 12).days())
            .min(REFERENCE);
        Some(Death {
            date: whole(date),
            time: format!("{:02}:{:02}", draw.below(24), draw.below(60)),
            place: self.address.clone(),
            cause,
            cause_text,
            notice_kind: draw.pick(&[1, 1, 1, 5, 6]),
            registration: registration(&mut draw, &self.address, registered, on_time),
        })
    }

    fn birth_registration(&self) -> BirthRegistration {
        let mut draw = self.draw(Topic::BirthEntry);
        let late = !self.is_persona() && draw.chance(60);
        let after = if late {
            draw.within(61, 4000)
        } else {
            draw.within(1, 45)
        };
        let date = self.birth.saturating_add(after.days());
        let date = date.min(self.last_day());
        let kind = move |draw: &mut Draw| {
            if late {
                RegistrationKind::Late
            } else {
                on_time(draw)
            }
        };
        let cohabiting = self
            .world
            .parents(&self.being)
            .is_some_and(|couple| couple.bond == Bond::Cohabitation);
        BirthRegistration {
            registration: registration(&mut draw, &self.birth_place, date, kind),
            kind: if cohabiting {
                BirthKind::FatherUnknown
            } else {
                BirthKind::BothKnown
            },
        }
    }

    /// A father who is not married to the mother recognises each child: an entry of both.
    fn parentage(&self) -> Vec<Parentage> {
        let mut entries = Vec::new();
        let parents = self.world.parents(&self.being);
        if let Some(couple) = parents.filter(|couple| couple.bond == Bond::Cohabitation) {
            let father = self.relative(&couple.husband);
            entries.push(self.recognition(ParentageKind::ChildOfFather, father, &self.being));
        }
        let couple = self.world.couple(&self.being);
        let recognises = couple.is_some_and(|couple| {
            couple.husband == self.being && couple.bond == Bond::Cohabitation
        });
        // Persona 1 shows one entry, although married.
        if recognises || self.is_complete() {
            for child in &self.children {
                let other = self.relative(child);
                entries.push(self.recognition(ParentageKind::FatherOfChild, other, child));
            }
        }
        entries
    }

    fn recognition(
        &self,
        kind: ParentageKind,
        other: Relative,
        child: &super::being::Being,
    ) -> Parentage {
        // Drawn for the child, so that both sides hold the same entry.
        let mut draw = self.world.draw(Topic::Parentage, child.key());
        let born = self.world.birth(child);
        let date = draw.day(born, born.saturating_add(400.days()).min(REFERENCE));
        let place = self.world.birth_place(child);
        Parentage {
            kind,
            other,
            registration: registration(&mut draw, &place, date, on_time),
        }
    }

    fn marital_certificate(&self) -> Option<MaritalCertificate> {
        let mut draw = self.draw(Topic::Certificate);
        let issued = self.is_complete() || (self.age() >= 18 && draw.chance(80));
        if !issued || self.age() < 18 {
            return None;
        }
        let from = self.birthday(18);
        // Before the wedding it certifies that there was none.
        let (last, status) = match &self.wedding {
            Some(wedding) => (wedding.date, MaritalStatus::Single),
            None => (self.last_day(), self.marital_status()),
        };
        let date = draw.day(from.max(last.saturating_sub(300.days())), last);
        Some(MaritalCertificate {
            registration: registration(&mut draw, &self.address, date, on_time),
            status,
            purpose: draw.pick(&[1, 1, 1, 2, 3, 4, 5]),
            residence_from: from.min(date),
            residence_to: date,
        })
    }
}

/// An entry in the books of the commune of that address.
fn registration(
    draw: &mut Draw,
    place: &Address,
    date: Date,
    kind: impl FnOnce(&mut Draw) -> RegistrationKind,
) -> Registration {
    let number = draw.within(1, 420);
    let units = &place.old;
    Registration {
        number: number.to_string(),
        book: format!("{:02}/{}", 1 + number / 200, date.year()),
        // Two entries on a page.
        page: ((number % 200) / 2 + 1).to_string(),
        office: [
            "UBND ",
            &units.commune_name,
            ", ",
            &units.district_name,
            ", ",
            units.province_name,
        ]
        .concat(),
        date,
        kind: kind(draw),
        signer: [
            draw.pick(&["Nguyễn", "Trần", "Lê", "Phạm"]),
            draw.pick(&["Văn", "Hữu", "Thị", "Minh"]),
            draw.pick(&["Hải", "Tâm", "Bình", "Lan"]),
        ]
        .join(" "),
        signer_title: draw.pick(&["Chủ tịch", "Phó Chủ tịch"]),
    }
}

fn on_time(draw: &mut Draw) -> RegistrationKind {
    match draw.below(1000) {
        0..20 => RegistrationKind::Again,
        20..24 => RegistrationKind::FromAbroad,
        _ => RegistrationKind::OnTime,
    }
}

/// Keeps the draws of an entry apart from those of its date.
const ENTRY: u64 = 1 << 60;

/// Causes of death, ICD-10.
const CAUSES: [(&str, &str); 8] = [
    ("I63.9", "Nhồi máu não"),
    ("I21.9", "Nhồi máu cơ tim cấp"),
    ("C34.9", "U ác của phế quản hoặc phổi"),
    ("C22.0", "Ung thư biểu mô tế bào gan"),
    ("J44.9", "Bệnh phổi tắc nghẽn mạn tính"),
    ("E11.9", "Đái tháo đường týp 2"),
    ("J18.9", "Viêm phổi"),
    ("R54", "Suy kiệt tuổi già"),
];
