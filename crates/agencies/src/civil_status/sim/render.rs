//! A synthetic citizen in the register's own words.
//!
//! *Invariant:* only the elements that were asked for are written, and the numbers by which the
//! answer is known to be about the person asked for.

use exchange::{Field, FieldSet, PartialDate};
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use sim::Person;
use sim::person::{Address, Marriage, MarriageEndKind, Parentage, Registration, Relative};

use super::super::{translate, wire};

/// The element `ketQua` of an answer about a person.
pub(super) fn result(person: &Person, fields: &FieldSet) -> Value {
    json!({ "danhSach": [citizen(person, fields)] })
}

fn citizen(person: &Person, fields: &FieldSet) -> Value {
    let mut citizen = Map::new();
    for element in translate::elements(fields) {
        let value = translate::field(element).map(|field| value(person, field));
        citizen.insert(element.to_owned(), value.unwrap_or_default());
    }
    if !person.previous_ids.is_empty() {
        let previous = person.previous_ids.iter();
        let previous: Vec<_> = previous.map(|old| old.personal_id.reveal()).collect();
        citizen.insert("soDinhDanhCu".to_owned(), json!(previous));
    }
    if person.civil.adopted {
        citizen.insert("nuoiConNuoi".to_owned(), json!(true));
    }
    Value::Object(citizen)
}

/// What a field holds, `null` if nothing.
fn value(person: &Person, field: Field) -> Value {
    let texts = Texts { person };
    let birth = &person.civil.birth.registration;
    let dead = person.death.as_ref();
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "other sources have fields of their own"
    )]
    match field {
        Field::CivilStatusPersonalId => json!(person.personal_id.reveal()),
        Field::CivilStatusName => texts.text(&person.name.full()),
        Field::CivilStatusBirthDate => json!(wire::date(&person.birth_date)),
        Field::CivilStatusSex => json!(match person.sex {
            exchange::Sex::Male => 1,
            exchange::Sex::Female => 2,
        }),
        Field::CivilStatusBirthPlace => texts.place(&person.birth_place, birth.date),
        Field::CivilStatusNativePlace => texts.place(&person.native_place, birth.date),
        Field::CivilStatusEthnicity => json!(person.ethnicity),
        Field::CivilStatusNationality => json!(person.nationality),
        Field::CivilStatusBirthCertificate => texts.entry(birth),
        Field::CivilStatusMother => texts.relative(person.mother.as_ref()),
        Field::CivilStatusFather => texts.relative(person.father.as_ref()),
        Field::CivilStatusDeath => dead.map_or(Value::Null, |death| {
            let entry = &death.registration;
            json!({
                "ngayChet": wire::date(&death.date),
                "noiChet": texts.text(&line(&death.place, entry.date)),
                "gbtLoai": death.notice_kind,
                "dangKy": texts.entry(entry),
            })
        }),
        Field::CivilStatusDeathCause => {
            dead.map_or(Value::Null, |death| texts.text(death.cause_text))
        }
        Field::CivilStatusMarriages => person.marriages.iter().map(|m| texts.marriage(m)).collect(),
        Field::CivilStatusParentage => {
            let all = person.civil.parentage.iter();
            all.map(|one| texts.parentage(one)).collect()
        }
        Field::CivilStatusMaritalStatus => json!(person.marital_status as u8),
        _ => Value::Null,
    }
}

/// Writes in the letters of one person.
struct Texts<'a> {
    person: &'a Person,
}

impl Texts<'_> {
    fn text(&self, text: &str) -> Value {
        Value::String(self.person.wire_text(text).into_owned())
    }

    fn entry(&self, entry: &Registration) -> Value {
        json!({
            "so": entry.number,
            "quyenSo": entry.book,
            "trangSo": entry.page,
            "ngayDangKy": day(entry.date),
            "noiDangKy": self.text(&entry.office),
            "loaiDangKy": entry.kind as u8,
        })
    }

    fn relative(&self, relative: Option<&Relative>) -> Value {
        relative.map_or(Value::Null, |relative| {
            json!({
                "hoTen": self.text(&relative.name.full()),
                "quocTich": relative.nationality,
                "soDinhDanh": relative.personal_id.as_ref().map(|id| id.reveal()),
                "soCMND": relative.legacy_id,
            })
        })
    }

    fn marriage(&self, marriage: &Marriage) -> Value {
        let mut spouse = self.relative(Some(&marriage.spouse));
        if let Some(spouse) = spouse.as_object_mut() {
            let born = wire::date(&marriage.spouse.birth_date);
            spouse.insert("ngaySinh".to_owned(), json!(born));
        }
        let state = match marriage.end.map(|end| end.kind) {
            None => 1,
            Some(MarriageEndKind::Divorce) => 2,
            Some(MarriageEndKind::Death) => 4,
        };
        json!({
            "voChong": spouse,
            "tinhTrangKetHon": state,
            "ngayChamDut": marriage.end.map(|end| day(end.on)),
            "dangKy": self.entry(&marriage.registration),
        })
    }

    fn parentage(&self, parentage: &Parentage) -> Value {
        json!({
            "loai": parentage.kind as u8,
            "nguoiKia": self.relative(Some(&parentage.other)),
            "dangKy": self.entry(&parentage.registration),
        })
    }

    /// A book keeps the units in which it was written.
    fn place(&self, place: &Address, written: Date) -> Value {
        let mut units = if written < NEW_UNITS {
            json!({
                "danhMuc": "2004",
                "maTinh": place.old.province,
                "maHuyen": place.old.district,
                "maXa": place.old.commune,
            })
        } else {
            json!({
                "danhMuc": "2025",
                "maTinh": place.new.province,
                "maXa": place.new.commune,
            })
        };
        if let Some(units) = units.as_object_mut() {
            units.insert("chiTiet".to_owned(), self.text(&place.detail));
            units.insert("quocGia".to_owned(), json!(place.country));
        }
        units
    }
}

fn line(place: &Address, written: Date) -> String {
    if written < NEW_UNITS {
        place.line_2004()
    } else {
        place.line_2025()
    }
}

fn day(date: Date) -> String {
    let (year, month, day) = (date.year().into(), date.month().into(), date.day().into());
    PartialDate::new(year, month, day).map_or_else(|_| String::new(), |date| wire::date(&date))
}

/// From this day books are written in 34 provinces without districts (QĐ 19/2025/QĐ-TTg).
const NEW_UNITS: Date = jiff::civil::date(2025, 7, 1);
