//! A citizen as a row of the views, in the binary formats of PostgreSQL.

use bytes::{BufMut as _, Bytes, BytesMut};
use jiff::Timestamp;
use jiff::civil::Date;
use pgwire::messages::Message as _;
use pgwire::messages::data::DataRow;
use serde::Serialize;
use sim::Person;
use sim::person::YearMonth;

use super::statement::{Output, Statement};
use crate::social_security::wire::{self, Column};

/// 1970-01-01 to 2000-01-01, where the time of PostgreSQL begins: 10 957 days of 86 400 s.
const EPOCH_2000_US: i64 = 946_684_800_000_000;

/// The object id of `text`, the element of `previous_ids`.
const TEXT_OID: u32 = 25;

/// The message `DataRow` of a person.
pub(super) fn row(person: &Person, statement: &Statement, as_of: Timestamp) -> Bytes {
    let outputs = statement.outputs();
    let mut cells = BytesMut::with_capacity(1024);
    for output in outputs {
        match output {
            Output::PersonalId => text(&mut cells, person.personal_id.reveal()),
            Output::PreviousIds => cell(&mut cells, &previous(person)),
            Output::AsOf => {
                let time = as_of.as_microsecond() - EPOCH_2000_US;
                cell(&mut cells, &time.to_be_bytes());
            }
            Output::Of(column) => column_of(&mut cells, person, *column),
        }
    }
    let count = i16::try_from(outputs.len()).unwrap_or(i16::MAX);
    let mut message = BytesMut::with_capacity(cells.len() + 16);
    match DataRow::new(cells, count).encode(&mut message) {
        Ok(()) => message.freeze(),
        // Larger than a message may be: no synthetic citizen is.
        Err(_) => Bytes::new(),
    }
}

fn column_of(cells: &mut BytesMut, person: &Person, column: Column) {
    let social = &person.social;
    match column {
        Column::MaSoBhxh => text(cells, &social.insurance_code),
        Column::SoSoCu => text(cells, &social.old_book_no),
        Column::MaHo => text(cells, &social.household_code),
        Column::HoTen => text(cells, &person.wire_text(&person.name.full())),
        Column::NgaySinh => text(cells, &person.birth_date.reveal()),
        Column::GioiTinh => cell(cells, &sex(person).to_be_bytes()),
        Column::QuaTrinh => list(cells, &participation(person)),
        Column::CheDo => list(cells, &benefits(person)),
        Column::TheBhyt => list(cells, &health_cards(person)),
        Column::TroGiup => list(cells, &assistance(person)),
        Column::KhuyetTat => match &social.disability {
            None => cells.put_i32(-1),
            Some(held) => json(
                cells,
                &wire::KhuyetTat {
                    dang: said(person, held.form),
                    muc_do: Some(held.level.into()),
                    so_giay: said(person, &held.certificate_no),
                },
            ),
        },
        Column::HoNgheo => list(cells, &poverty(person)),
    }
}

/// The same row as JSON, to fill a real database with.
#[cfg(test)]
pub(in crate::social_security) fn json_row(person: &Person) -> serde_json::Value {
    let social = &person.social;
    let previous = person.previous_ids.iter().map(|id| id.personal_id.reveal());
    let disability = social.disability.as_ref();
    serde_json::json!({
        "personal_id": person.personal_id.reveal(),
        "previous_ids": previous.collect::<Vec<_>>(),
        "ma_so_bhxh": social.insurance_code,
        "so_so_cu": social.old_book_no,
        "ma_ho": social.household_code,
        "ho_ten": person.wire_text(&person.name.full()),
        "ngay_sinh": person.birth_date.reveal(),
        "gioi_tinh": sex(person),
        "qua_trinh": participation(person),
        "che_do": benefits(person),
        "the_bhyt": health_cards(person),
        "tro_giup": assistance(person),
        "khuyet_tat_dang": disability.map(|held| held.form),
        "khuyet_tat_muc_do": disability.map(|held| held.level),
        "khuyet_tat_so_giay": disability.map(|held| &held.certificate_no),
        "ho_ngheo": poverty(person),
    })
}

const fn sex(person: &Person) -> i16 {
    match person.sex {
        exchange::Sex::Male => 1,
        exchange::Sex::Female => 2,
    }
}

fn participation(person: &Person) -> Vec<wire::QuaTrinh> {
    let month = |at: YearMonth| format!("{:04}-{:02}", at.year, at.month);
    let mut rows: Vec<_> = person
        .social
        .participation
        .iter()
        .map(|held| wire::QuaTrinh {
            tu_thang: Some(month(held.from)),
            den_thang: held.to.map(month),
            don_vi: said(person, &held.employer),
            loai: said(person, held.kind),
            muc_luong: Some(held.salary),
            chuc_danh: said(person, held.title),
            trang_thai: said(person, held.status),
        })
        .collect();
    // As the view orders them.
    rows.sort_by(|a, b| (&a.tu_thang, &a.loai).cmp(&(&b.tu_thang, &b.loai)));
    rows
}

fn benefits(person: &Person) -> Vec<wire::CheDo> {
    let mut rows: Vec<_> = person
        .social
        .benefits
        .iter()
        .map(|held| wire::CheDo {
            loai: said(person, held.kind),
            so_qd: said(person, &held.decision_no),
            tu_ngay: Some(day(held.from)),
            den_ngay: held.to.map(day),
            so_tien: Some(held.amount),
            trang_thai: said(person, held.status),
        })
        .collect();
    rows.sort_by(|a, b| (&a.tu_ngay, &a.so_qd).cmp(&(&b.tu_ngay, &b.so_qd)));
    rows
}

fn health_cards(person: &Person) -> Vec<wire::TheBhyt> {
    let mut rows: Vec<_> = person
        .social
        .health_cards
        .iter()
        .map(|held| wire::TheBhyt {
            so_the: said(person, &held.number),
            tu_ngay: Some(day(held.from)),
            den_ngay: Some(day(held.to)),
            noi_dkkcb: said(person, &held.facility),
            muc_huong: Some(held.level.to_string()),
            du_5_nam: held.five_years_on.map(day),
            mien_cct: held.copay_exempt_from.map(day),
        })
        .collect();
    rows.sort_by(|a, b| (&a.tu_ngay, &a.so_the).cmp(&(&b.tu_ngay, &b.so_the)));
    rows
}

fn assistance(person: &Person) -> Vec<wire::TroGiup> {
    let mut rows: Vec<_> = person
        .social
        .assistance
        .iter()
        .map(|held| wire::TroGiup {
            nhom: Some(held.group.into()),
            so_qd: said(person, &held.decision_no),
            tu_ngay: Some(day(held.from)),
            den_ngay: held.to.map(day),
            he_so: Some(tenths(held.coefficient_tenths)),
            muc: Some(held.amount),
            hinh_thuc: said(person, held.payment),
        })
        .collect();
    rows.sort_by(|a, b| (&a.tu_ngay, &a.so_qd).cmp(&(&b.tu_ngay, &b.so_qd)));
    rows
}

fn poverty(person: &Person) -> Vec<wire::HoNgheo> {
    let mut rows: Vec<_> = person
        .social
        .poverty
        .iter()
        .map(|held| wire::HoNgheo {
            nam: Some(held.year.into()),
            ma_ho: said(person, &held.household_code),
            loai: said(person, held.kind),
        })
        .collect();
    rows.sort_by_key(|row| row.nam);
    rows
}

/// A text as it travels: decomposed for the persona of that trap.
fn said(person: &Person, text: &str) -> Option<String> {
    Some(person.wire_text(text).into_owned())
}

fn day(date: Date) -> String {
    date.to_string()
}

fn tenths(number: u8) -> String {
    format!("{}.{}", number / 10, number % 10)
}

fn text(cells: &mut BytesMut, text: &str) {
    cell(cells, text.as_bytes());
}

/// A list; NULL if it is empty, as the view aggregates it.
fn list<T: Serialize>(cells: &mut BytesMut, rows: &[T]) {
    if rows.is_empty() {
        cells.put_i32(-1);
    } else {
        json(cells, &rows);
    }
}

fn json<T: Serialize>(cells: &mut BytesMut, value: &T) {
    // Structs of texts and numbers always have a JSON form.
    cell(cells, &serde_json::to_vec(value).unwrap_or_default());
}

fn cell(cells: &mut BytesMut, bytes: &[u8]) {
    cells.put_i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    cells.put_slice(bytes);
}

/// The numbers that were replaced, as a `text[]`: dimensions, no NULL, element type, then for the
/// one dimension its length and lower bound.
fn previous(person: &Person) -> Vec<u8> {
    let ids = &person.previous_ids;
    let mut array = Vec::with_capacity(20 + 16 * ids.len());
    array.put_i32(i32::from(!ids.is_empty()));
    array.put_i32(0);
    array.put_u32(TEXT_OID);
    if ids.is_empty() {
        return array;
    }
    array.put_i32(i32::try_from(ids.len()).unwrap_or(i32::MAX));
    array.put_i32(1);
    for id in ids {
        let digits = id.personal_id.reveal();
        array.put_i32(12);
        array.put_slice(digits.as_bytes());
    }
    array
}
