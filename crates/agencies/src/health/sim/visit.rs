//! The rows of `XML1`: who the person is, and their visits.

use std::fmt::Write as _;

use exchange::{CitizenId, Field, PartialDate, Sex};
use jiff::civil::{Date, date};
use sim::person::{BloodGroup, Encounter, HealthCard};

use super::render::{Sheet, code, day, minute};

/// The day from which units of 2025 are written down.
const MERGER: Date = date(2025, 7, 1);

/// What a row of `XML1` says of the person beside the number.
const PERSON: [Field; 12] = [
    Field::HealthName,
    Field::HealthBirthDate,
    Field::HealthSex,
    Field::HealthEthnicity,
    Field::HealthNationality,
    Field::HealthOccupation,
    Field::HealthAddress,
    Field::HealthPhone,
    Field::HealthInsuranceCards,
    Field::HealthRepresentative,
    Field::HealthBloodGroup,
    Field::HealthWeightKg,
];

impl Sheet<'_> {
    /// `XML1`: every visit if visits are asked for; else one row that says who the person is.
    pub(super) fn visits(&mut self) {
        let visits = &self.person.health.encounters;
        if self.fields.contains(Field::HealthEncounters) && !visits.is_empty() {
            self.rows("XML1", visits, |out, visit| {
                out.who(Some(visit));
                out.visit(visit);
            });
        } else if self.fields.iter().any(|field| PERSON.contains(&field)) {
            let latest = visits.iter().max_by_key(|visit| visit.admitted);
            self.rows("XML1", &[latest], |out, latest| out.who(*latest));
        }
    }

    /// What a visit wrote down of the person.
    fn who(&mut self, visit: Option<&Encounter>) {
        let person = self.person;
        let weight = person.health.weight_tenths_kg;
        let weight = format!("{}.{}", weight / 10, weight % 10);
        let phone = person.phone.as_deref().unwrap_or_default();
        self.cell("SO_CCCD", person.personal_id.reveal());
        self.fact(Field::HealthName, &person.name.full());
        self.fact(Field::HealthBirthDate, &partial(person.birth_date));
        self.fact(Field::HealthSex, sex(person.sex));
        self.fact(Field::HealthEthnicity, person.ethnicity);
        self.fact(Field::HealthNationality, nationality(person.nationality));
        self.fact(Field::HealthOccupation, person.health.occupation);
        self.fact(Field::HealthPhone, phone);
        self.fact(Field::HealthBloodGroup, blood(person.blood_group));
        self.fact(Field::HealthWeightKg, &weight);
        if self.fields.contains(Field::HealthAddress) {
            self.address(visit);
        }
        if self.fields.contains(Field::HealthInsuranceCards) {
            self.cards();
        }
        if self.fields.contains(Field::HealthRepresentative) {
            self.representative();
        }
    }

    /// A column of the same name as its code, if its field is asked for.
    fn fact(&mut self, field: Field, text: &str) {
        if self.fields.contains(field) {
            self.cell(code(field), text);
        }
    }

    fn address(&mut self, visit: Option<&Encounter>) {
        let address = &self.person.residence.current;
        self.cell("DIA_CHI", &address.detail);
        if visit.is_some_and(|visit| visit.admitted.date() < MERGER) {
            self.cell("MATINH_CU_TRU", address.old.province);
            self.cell("MAHUYEN_CU_TRU", &address.old.district);
            self.cell("MAXA_CU_TRU", &address.old.commune);
        } else {
            self.cell("MATINH_CU_TRU", address.new.province);
            self.cell("MAXA_CU_TRU", &address.new.commune);
        }
    }

    fn cards(&mut self) {
        let exempt = |card: &HealthCard| card.copay_exempt_from.map(day).unwrap_or_default();
        self.list("MA_THE_BHYT", |card| card.number.clone());
        self.list("MA_DKBD", |card| card.facility.clone());
        self.list("GT_THE_TU", |card| day(card.from));
        self.list("GT_THE_DEN", |card| day(card.to));
        self.list("NGAY_MIEN_CCT", exempt);
    }

    fn list(&mut self, name: &str, item: impl Fn(&HealthCard) -> String) {
        let cards = &self.person.social.health_cards;
        let items: Vec<String> = cards.iter().map(item).collect();
        self.cell(name, &items.join(";"));
    }

    fn representative(&mut self) {
        if let Some(representative) = &self.person.representative {
            let other = &representative.person;
            self.cell("HO_TEN_DAI_DIEN", &other.name.full());
            let id = other.personal_id.as_ref().map(CitizenId::reveal);
            self.cell("SO_CCCD_DAI_DIEN", id.unwrap_or_default());
            self.cell("QUAN_HE_DAI_DIEN", representative.title);
        }
    }

    fn visit(&mut self, visit: &Encounter) {
        self.cell("MA_LK", &visit.id);
        self.cell("MA_CSKCB", &visit.facility);
        self.cell("MA_LOAI_KCB", visit.kind);
        self.cell("NGAY_VAO", &minute(visit.admitted));
        self.cell("NGAY_RA", &minute(visit.discharged));
        self.cell("LY_DO_VV", visit.reason);
        self.cell("CHAN_DOAN_VAO", visit.diagnosis_in);
        self.cell("CHAN_DOAN_RV", visit.diagnosis_out);
        self.cell("MA_BENH_CHINH", visit.main_icd10);
        self.cell("MA_BENH_KT", &visit.other_icd10.join(";"));
        self.cell("KET_QUA_DTRI", &visit.outcome.to_string());
        self.cell("MA_LOAI_RV", &visit.discharge_kind.to_string());
        self.cell("T_TONGCHI_BV", "385000");
        self.cell("T_BHTT", "308000");
    }
}

/// `yyyyMMddHHmm`, zeros for what is unknown.
fn partial(date: PartialDate) -> String {
    let mut text = String::with_capacity(12);
    let (month, day) = (date.month().unwrap_or(0), date.day().unwrap_or(0));
    if write!(text, "{:04}{month:02}{day:02}0000", date.year()).is_err() {
        text.clear();
    }
    text
}

fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "1",
        Sex::Female => "2",
    }
}

/// `000` is Viet Nam in the health sector's list; of others the list is not public.
fn nationality(country: &str) -> &'static str {
    if country == "VN" { "000" } else { "" }
}

fn blood(group: BloodGroup) -> &'static str {
    match group {
        BloodGroup::Unknown => "",
        BloodGroup::A => "A",
        BloodGroup::B => "B",
        BloodGroup::Ab => "AB",
        BloodGroup::O => "O",
    }
}
