//! A synthetic person as the ministry's XML. Not here: the rows of `XML1` (`visit`).

use exchange::{CitizenId, Field, FieldSet};
use jiff::civil::{Date, DateTime};
use quick_xml::escape::escape;
use sim::Person;

use super::super::translate::CODES;

/// The answer about a person, with what was asked for; `asked` is the number asked by.
pub(super) fn render(person: &Person, asked: &CitizenId, fields: &FieldSet, now: &str) -> String {
    let mut out = Sheet {
        xml: String::with_capacity(4_096),
        person,
        fields,
    };
    out.xml
        .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
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
pub(super) struct Sheet<'a> {
    xml: String,
    pub(super) person: &'a Person,
    pub(super) fields: &'a FieldSet,
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
    pub(super) fn cell(&mut self, name: &str, text: &str) {
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

    pub(super) fn rows<T>(&mut self, name: &str, rows: &[T], write: impl Fn(&mut Self, &T)) {
        self.element(name, |out| {
            for row in rows {
                out.element("DONG", |out| write(out, row));
            }
        });
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
        self.table(
            Field::HealthObservations,
            &health.observations,
            |out, row| {
                out.cell("MA_LK", &row.encounter_id);
                out.cell("MA_DICH_VU", row.code);
                out.cell("MA_CHI_SO", row.index);
                out.cell("TEN_CHI_SO", row.title);
                out.cell("GIA_TRI", &row.value);
                out.cell("DON_VI_DO", row.unit);
                out.cell("NGAY_KQ", &minute(row.resulted));
            },
        );
        self.table(Field::HealthSummaries, &health.summaries, |out, row| {
            out.cell("MA_LK", &row.encounter_id);
            out.cell("QT_BENHLY", row.course);
            out.cell("TOMTAT_KQ", row.key_tests);
            out.cell("PP_DIEUTRI", row.treatment);
            out.cell(
                "NGAY_TAI_KHAM",
                &row.follow_up_on.map(day).unwrap_or_default(),
            );
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
        self.table(
            Field::HealthImmunisations,
            &health.immunisations,
            |out, row| {
                out.cell("TEN_VAC_XIN", row.vaccine);
                out.cell("MUI_SO", &row.dose.to_string());
                out.cell("NGAY_TIEM", &day(row.given_on));
                out.cell("MA_CSKCB", &row.facility);
            },
        );
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

pub(super) fn code(field: Field) -> &'static str {
    let found = CODES.iter().find(|(known, _)| *known == field);
    found.map_or("", |(_, code)| code)
}

pub(super) fn day(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

pub(super) fn minute(time: DateTime) -> String {
    time.strftime("%Y%m%d%H%M").to_string()
}
