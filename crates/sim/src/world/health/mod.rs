//! The health book.

mod lists;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

use super::draw::{Draw, Topic, digits};
use super::facts::Facts;
use crate::person::{
    Allergy, Condition, Encounter, Health, HivRow, Immunisation, Medication, Observation,
    Procedure, Summary, TbRow,
};
use lists::{ALLERGENS, CASES, CONDITIONS, Case, STAY, VACCINES};

impl Facts<'_> {
    pub(crate) fn health(&self) -> Health {
        let mut draw = self.draw(Topic::Health);
        let mut health = Health {
            occupation: self.occupation(&mut draw),
            allergies: self.allergies(&mut draw),
            conditions: self.conditions(&mut draw),
            immunisations: self.immunisations(&mut draw),
            weight_tenths_kg: self.weight(&mut draw),
            ..Health::default()
        };
        self.encounters(&mut health);
        self.sealed_tables(&mut draw, &mut health);
        health
    }

    fn occupation(&self, draw: &mut Draw) -> &'static str {
        match self.age() {
            ..6 => "00000",
            6..18 => "00100",
            62.. => "00200",
            _ => draw.pick(&["52230", "71120", "61110", "33130", "23410", "83220"]),
        }
    }

    fn allergies(&self, draw: &mut Draw) -> Vec<Allergy> {
        let count = if self.is_complete() {
            2
        } else {
            usize::from(draw.chance(120))
        };
        let mut allergies = Vec::with_capacity(count);
        for _ in 0..count {
            allergies.push(Allergy {
                substance: draw.pick(&ALLERGENS),
                severity: draw.pick(&[1, 1, 2, 3]),
                recorded_on: draw.day(self.since(2015), self.last_day()),
            });
        }
        allergies
    }

    fn conditions(&self, draw: &mut Draw) -> Vec<Condition> {
        let per_mille = match self.age() {
            ..18 => 10,
            18..45 => 60,
            45..62 => 200,
            62.. => 400,
        };
        let mut conditions = Vec::new();
        for (icd10, title) in CONDITIONS {
            let first = self.is_complete() && conditions.is_empty();
            if first || draw.chance(per_mille) {
                conditions.push(Condition {
                    icd10,
                    title,
                    since: draw.day(self.since(2010), self.last_day()),
                });
            }
        }
        conditions
    }

    /// The schedule of children for those born since 1985, and what came later for all.
    fn immunisations(&self, draw: &mut Draw) -> Vec<Immunisation> {
        let mut given = Vec::with_capacity(VACCINES.len());
        let facility = self.facility(1);
        for (vaccine, dose, days, from_year) in VACCINES {
            let childhood = from_year == 0;
            let due = if childhood {
                self.birth.saturating_add(days.days())
            } else {
                jiff::civil::date(from_year, 1, 1).saturating_add(days.days())
            };
            let due = due.saturating_add(draw.within(0, 20).days());
            let meant = if childhood {
                self.birth.year() >= 1985
            } else {
                self.birth.year() + 12 <= from_year
            };
            if meant && due <= self.last_day() && (self.is_persona() || draw.chance(930)) {
                given.push(Immunisation {
                    vaccine,
                    dose,
                    given_on: due,
                    facility: facility.clone(),
                });
            }
        }
        given.sort_by_key(|dose| dose.given_on);
        given
    }

    fn weight(&self, draw: &mut Draw) -> u16 {
        let kilograms = match self.age() {
            age @ ..15 => i64::from(4 + age * 3),
            _ => 45 + draw.within(0, 30),
        };
        u16::try_from(kilograms * 10 + draw.within(0, 9)).unwrap_or_default()
    }

    /// Up to six encounters of the last years; one person in a hundred has forty.
    fn encounters(&self, health: &mut Health) {
        let mut draw = self.draw(Topic::Encounters);
        let count = match draw.below(1000) {
            0..10 => 40,
            10..60 if !self.is_persona() => 0,
            _ => draw.within(1, 6),
        };
        let mut days: Vec<Date> = (0..count)
            .map(|_| draw.day(self.since(2021), self.last_day()))
            .collect();
        days.sort_unstable();
        for (day, nth) in days.into_iter().zip(0..) {
            let mut case = draw.pick(&CASES);
            if self.is_complete() && nth == 0 {
                case = STAY;
            }
            self.encounter(&mut draw, day, &case, health);
        }
    }

    fn encounter(&self, draw: &mut Draw, day: Date, case: &Case, health: &mut Health) {
        let (hour, minute) = (draw.within(7, 16) as i8, draw.within(0, 59) as i8);
        let admitted = day.at(hour, minute, 0, 0);
        let stay = if case.inpatient {
            draw.within(2, 9).days()
        } else {
            draw.within(1, 5).hours()
        };
        // Whoever dies in hospital leaves it that day.
        let discharged = admitted.saturating_add(stay);
        let discharged = discharged
            .min(self.last_day().at(23, 59, 0, 0))
            .max(admitted);
        let id = draw.digits(12);
        let doctor = [&draw.digits(6), "/CCHN-BYT"].concat();
        rows(draw, &id, admitted, case, health);
        if case.inpatient {
            health.summaries.push(Summary {
                encounter_id: id.clone(),
                course: case.course,
                key_tests: case.key_tests,
                treatment: case.treatment,
                follow_up_on: Some(discharged.date().saturating_add(14.days())),
                doctor: doctor.clone(),
            });
        }
        health.encounters.push(Encounter {
            id,
            facility: self.facility(case.level),
            facility_name: self.facility_name(case.level),
            kind: if case.inpatient { "03" } else { "01" },
            admitted,
            discharged,
            reason: case.reason,
            diagnosis_in: case.reason,
            diagnosis_out: case.title,
            main_icd10: case.icd10,
            other_icd10: case.others.to_vec(),
            outcome: draw.pick(&[1, 1, 2, 2, 3]),
            discharge_kind: 1,
            doctor,
        });
    }

    /// HIV and TB: rare, but always of persona 1, so that stripping them shows.
    fn sealed_tables(&self, draw: &mut Draw, health: &mut Health) {
        let (hiv, tb) = (draw.chance(4), draw.chance(8));
        let Some(encounter_id) = health.encounters.last().map(|last| last.id.clone()) else {
            return;
        };
        let confirmed_on = draw.day(self.since(2015), self.last_day());
        if hiv || self.is_complete() {
            health.hiv.push(HivRow {
                encounter_id: encounter_id.clone(),
                confirmed_on,
                treated_from: confirmed_on,
                regimen: "TDF/3TC/DTG",
            });
        }
        if tb || self.is_complete() {
            health.tb.push(TbRow {
                encounter_id,
                site: draw.pick(&[1, 1, 1, 2]),
                treated_from: draw.day(self.since(2021), self.last_day()),
                regimen: "2RHZE/4RHE",
            });
        }
    }

    /// The first day of that year, or of life.
    fn since(&self, year: i16) -> Date {
        jiff::civil::date(year, 1, 1)
            .max(self.birth)
            .min(self.last_day())
    }

    /// The code of the facility of that level near home.
    fn facility(&self, level: u8) -> String {
        let near = digits(u64::from(level) * 101, 3);
        [self.address.old.province, &near].concat()
    }

    fn facility_name(&self, level: u8) -> String {
        let old = &self.address.old;
        match level {
            1 => ["Trạm Y tế ", &old.commune_name].concat(),
            2 => ["Bệnh viện Đa khoa ", &old.district_name].concat(),
            _ => ["Bệnh viện Đa khoa tỉnh ", old.province_name].concat(),
        }
    }
}

/// The rows of drugs, services and laboratory results of one encounter.
fn rows(draw: &mut Draw, id: &str, ordered: DateTime, case: &Case, health: &mut Health) {
    for (code, title, unit, dosage) in case.drugs {
        health.medications.push(Medication {
            encounter_id: id.to_owned(),
            code,
            title,
            unit,
            quantity: draw.within(5, 30) as u16,
            dosage,
            ordered,
        });
    }
    for (code, title) in case.services {
        health.procedures.push(Procedure {
            encounter_id: id.to_owned(),
            code,
            title,
            quantity: 1,
            ordered,
        });
    }
    for (code, index, title, unit, low, high) in case.labs {
        let tenths = draw.within(*low, *high);
        health.observations.push(Observation {
            encounter_id: id.to_owned(),
            code,
            index,
            title,
            value: format!("{}.{}", tenths / 10, tenths % 10),
            unit,
            resulted: ordered.saturating_add(2.hours()),
        });
    }
}
