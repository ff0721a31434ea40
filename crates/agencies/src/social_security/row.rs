//! From a row of PostgreSQL to the structs of the wire, in the order in which the columns were
//! selected. A column of another type than agreed is an error.

use exchange::FieldSet;
use serde::Deserialize;
use tokio_postgres::types::Json;
use tokio_postgres::{Error, Row};

use super::wire::{Column, FIXED, Person};

/// Reads a row of `person_v1` of which the columns of `fields` were selected.
pub(super) fn person<'a>(row: &'a Row, fields: &FieldSet) -> Result<Person<'a>, Error> {
    let previous: Option<Vec<&str>> = row.try_get(1)?;
    let mut person = Person {
        personal_id: row.try_get(0)?,
        previous_ids: previous.unwrap_or_default(),
        as_of: row.try_get(2)?,
        ..Person::default()
    };
    for (place, column) in (FIXED.len()..).zip(Column::of(fields)) {
        match column {
            Column::MaSoBhxh => person.ma_so_bhxh = row.try_get(place)?,
            Column::SoSoCu => person.so_so_cu = row.try_get(place)?,
            Column::MaHo => person.ma_ho = row.try_get(place)?,
            Column::HoTen => person.ho_ten = row.try_get(place)?,
            Column::NgaySinh => person.ngay_sinh = row.try_get(place)?,
            Column::GioiTinh => person.gioi_tinh = row.try_get(place)?,
            Column::QuaTrinh => person.qua_trinh = list(row, place)?,
            Column::CheDo => person.che_do = list(row, place)?,
            Column::TheBhyt => person.the_bhyt = list(row, place)?,
            Column::TroGiup => person.tro_giup = list(row, place)?,
            Column::KhuyetTat => person.khuyet_tat = json(row, place)?,
            Column::HoNgheo => person.ho_ngheo = list(row, place)?,
        }
    }
    Ok(person)
}

/// The code and the person of a row of `resolve_v1`.
pub(super) fn resolved(row: &Row) -> Result<(&str, &str), Error> {
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// A list; NULL is an empty one.
fn list<'a, T: Deserialize<'a>>(row: &'a Row, place: usize) -> Result<Vec<T>, Error> {
    Ok(json(row, place)?.unwrap_or_default())
}

fn json<'a, T: Deserialize<'a>>(row: &'a Row, place: usize) -> Result<Option<T>, Error> {
    let value: Option<Json<T>> = row.try_get(place)?;
    Ok(value.map(|Json(value)| value))
}
