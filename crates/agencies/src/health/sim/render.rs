//! A synthetic person as the ministry's XML.

use std::fmt::Write as _;

use exchange::{CitizenId, Field, FieldSet, PartialDate, Sex};
use jiff::civil::{Date, DateTime, date};
use quick_xml::escape::escape;
use sim::Person;
use sim::person::{BloodGroup, Encounter, HealthCard};

use super::super::translate::CODES;

/// The day from which units of 2025 are written down.
const MERGER: Date = date(2025, 7, 1);

/// The answer about a person, with what was asked for; `asked` is the number asked by.
pub(super) fn render(
    person: &Person,
    asked: &CitizenId,
    fields: &FieldSet,
    now: &str,
) -> String {
    let mut out = Sheet {
        xml: String::with_capacity(4_096),
        person,
        fields,
    };
    out.xml.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.element("DANH_SACH_HO_SO", |out| {
        out.element("HO_SO", |out| {
            out.cell("SO_CCCD", person.personal_id.reveal());
            let old = person.previous_ids.iter();
            for old in old.filter(|old| old.personal_id == *asked) {
                out.cell("SO_CCCD_CU", old.personal_id.reveal());
            }
            out.cell("NGAY_DU_LIEU", now);
            out.visits();
            out.given();
            out.history();
            out.sealed();
        });
    });
    out.xml
}

/// XML that grows.
struct Sheet<'a> {
    xml: String,
    person: &'a Person,
    fields: &'a FieldSet,
}

impl Sheet<'_> {
    fn element(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        self.tag("<", name);
        inner(self);
        self.tag("</", name);
    }

    fn tag(&mut self, bracket: &str, name: &str) {
        for part in [bracket, name, ">"] {
            self.xml.push_str(part);
        }
    }

    /// A cell; an empty one is left out.
    fn cell(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            let text = self.person.wire_text(text);
            self.tag("<", name);
            self.xml.push_str(&escape(text));
            self.tag("</", name);
        }
    }

    /// A table, if its field is asked for.
    fn table<T>(&mut self, field: Field, rows: &[T], write: impl Fn(&mut Self, &T)) {
        if self.fields.contains(field) {
            self.rows(code(field), rows, write);
        }
    }

    fn rows<T>(&mut self, name: &str, rows: &[T], write: impl Fn(&mut Self, &T)) {
        self.element(name, |out| {
            for row in rows {
                out.element("DONG", |out| write(out, row));
            }
        });
    }

    /// `XML1`: every visit if visits are asked for; else one row that says who the person is.
    fn visits(&mut self) {
        let visits = &self.person.health.encounters;
        if self.fields.contains(Field::HealthEncounters) && !visits.is_empty() {
            self.rows("XML1", visits, |out, visit| {
                out.who(Some(visit));
                out.visit(visit);
            });
        } else if self.fields.iter().any(describes) {
            let latest = visits.iter().max_by_key(|visit| visit.admitted);
            self.rows("XML1", &[latest], |out, latest| out.who(*latest));
        }
    }

    /// What a visit wrote down of the person.
    fn who(&mut self, visit: Option<&Encounter>) {
        let person = self.person;
        self.cell("SO_CCCD", person.personal_id.reveal());
        for field in self.fields {
            match field {
                Field::HealthName => self.cell("HO_TEN", &person.name.full()),
                Field::HealthBirthDate => self.cell("NGAY_SINH", &partial(person.birth_date)),
                Field::HealthSex => self.cell("GIOI_TINH", sex(person.sex)),
                Field::HealthEthnicity => self.cell("MA_DANTOC", person.ethnicity),
                Field::HealthNationality => {
                    self.cell("MA_QUOCTICH", nationality(person.nationality));
                }
                Field::HealthOccupation => self.cell("MA_NGHE_NGHIEP", person.health.occupation),
                Field::HealthAddress => self.address(visit),
                Field::HealthPhone => {
                    self.cell("DIEN_THOAI", person.phone.as_deref().unwrap_or_default());
                }
                Field::HealthInsuranceCards => self.cards(),
                Field::HealthRepresentative => self.representative(),
                Field::HealthBloodGroup => self.cell("NHOM_MAU", blood(person.blood_group)),
                Field::HealthWeightKg => {
                    let tenths = person.health.weight_tenths_kg;
                    self.cell("CAN_NANG", &format!("{}.{}", tenths / 10, tenths % 10));
                }
                _ => {}
            }
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

    /// What was given and found: `XML2`, `XML3`, `XML4`, `XML8`.
    fn given(&mut self) {
        let health = &self.person.health;
        self.table(Field::HealthMedications, &health.medications, |out, row| {
            out.cell("MA_LK", &row.encounter_id);
            out.cell("MA_THUOC", row.code);
            out.cell("TEN_THUOC", row.title);
            out.cell("DON_VI_TINH", row.unit);
            out.cell("LIEU_DUNG", row.dosage);
            out.cell("SO_LUONG", &row.quantity.to_string());
            out.cell("NGAY_YL", &minute(row.ordered));
            out.cell("T_BHTT", "42000");
        });
        self.table(Field::HealthProcedures, &health.procedures, |out, row| {
            out.cell("MA_LK", &row.encounter_id);
            out.cell("MA_DICH_VU", row.code);
            out.cell("TEN_DICH_VU", row.title);
            out.cell("SO_LUONG", &row.quantity.to_string());
            out.cell("NGAY_YL", &minute(row.ordered));
            out.cell("T_BHTT", "21000");
        });
        self.table(Field::HealthObservations, &health.observations, |out, row| {
            out.cell("MA_LK", &row.encounter_id);
            out.cell("MA_DICH_VU", row.code);
            out.cell("MA_CHI_SO", row.index);
            out.cell("TEN_CHI_SO", row.title);
            out.cell("GIA_TRI", &row.value);
            out.cell("DON_VI_DO", row.unit);
            out.cell("NGAY_KQ", &minute(row.resulted));
        });
        self.table(Field::HealthSummaries, &health.summaries, |out, row| {
            out.cell("MA_LK", &row.encounter_id);
            out.cell("QT_BENHLY", row.course);
            out.cell("TOMTAT_KQ", row.key_tests);
            out.cell("PP_DIEUTRI", row.treatment);
            out.cell("NGAY_TAI_KHAM", &row.follow_up_on.map(day).unwrap_or_default());
            out.cell("MA_BS", &row.doctor);
        });
    }

    /// What is known beside visits: `DI_UNG`, `TIEN_SU`, `TIEM_CHUNG`.
    fn history(&mut self) {
        let health = &self.person.health;
        self.table(Field::HealthAllergies, &health.allergies, |out, row| {
            out.cell("TEN_DI_UNG", row.substance);
            out.cell("MUC_DO", &row.severity.to_string());
        });
        self.table(Field::HealthConditions, &health.conditions, |out, row| {
            out.cell("MA_BENH", row.icd10);
            out.cell("TEN_BENH", row.title);
            out.cell("TU_NGAY", &day(row.since));
        });
        self.table(Field::HealthImmunisations, &health.immunisations, |out, row| {
            out.cell("TEN_VAC_XIN", row.vaccine);
            out.cell("MUI_SO", &row.dose.to_string());
            out.cell("NGAY_TIEM", &day(row.given_on));
            out.cell("MA_CSKCB", &row.facility);
        });
    }

    /// What must never pass, sent although nobody asks: `XML6` and `XML15`.
    fn sealed(&mut self) {
        let health = &self.person.health;
        if !health.hiv.is_empty() {
            self.rows("XML6", &health.hiv, |out, row| {
                out.cell("MA_LK", &row.encounter_id);
                out.cell("NGAYKD_HIV", &day(row.confirmed_on));
                out.cell("BDDT_ARV", &day(row.treated_from));
                out.cell("MA_PHAC_DO_DIEU_TRI", row.regimen);
            });
        }
        if !health.tb.is_empty() {
            self.rows("XML15", &health.tb, |out, row| {
                out.cell("MA_LK", &row.encounter_id);
                out.cell("PHANLOAI_LAO_VITRI", &row.site.to_string());
                out.cell("NGAYBD_TRI_LAO", &day(row.treated_from));
                out.cell("PHACDO_TRI_LAO", row.regimen);
            });
        }
    }
}

/// True for a field that a row of `XML1` answers beside the number and the visit.
fn describes(field: Field) -> bool {
    use Field::*;
    matches!(
        field,
        HealthName
            | HealthBirthDate
            | HealthSex
            | HealthEthnicity
            | HealthNationality
            | HealthOccupation
            | HealthAddress
            | HealthPhone
            | HealthInsuranceCards
            | HealthRepresentative
            | HealthBloodGroup
            | HealthWeightKg
    )
}

fn code(field: Field) -> &'static str {
    let found = CODES.iter().find(|(known, _)| *known == field);
    found.map_or("", |(_, code)| code)
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

fn day(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

fn minute(time: DateTime) -> String {
    time.strftime("%Y%m%d%H%M").to_string()
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
