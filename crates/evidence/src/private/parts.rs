//! Whose are the sealed openings of a record about many. Not here: what they say.
//!
//! Of a record about one person everything is opened, and erased, together. Of one about many, a
//! search opens what is nobody's in particular and what is about the person searched for; erasure
//! takes the latter.

use super::index::Index;
use super::sql::{Value, places};
use super::tags::Tag;
use crate::Error;
use crate::batch::KIND;

/// Which of the sealed openings of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    /// All of them.
    All,
    /// These.
    Of(Vec<usize>),
}

/// Sealed openings of one record.
#[derive(Clone, Debug)]
pub(super) struct Portion {
    pub(super) log: i64,
    pub(super) seq: u64,
    pub(super) parts: Parts,
}

impl Portion {
    /// The condition that finds it in a table with a row for each part, and its values.
    pub(super) fn condition(&self) -> (String, Vec<Value>) {
        let mut values = vec![Value::Int(self.log), Value::of(self.seq)];
        let mut sql = "log = $1 AND seq = $2".to_owned();
        match &self.parts {
            Parts::All => {}
            Parts::Of(parts) if parts.is_empty() => sql.push_str(" AND 1 = 0"),
            Parts::Of(parts) => {
                let list = places(values.len() + 1, parts.len());
                sql.push_str(&format!(" AND part IN ({list})"));
                values.extend(parts.iter().map(|part| Value::of(*part as u64)));
            }
        }
        (sql, values)
    }
}

impl Index {
    /// What of a record is about the bearers of these tags: all of it, unless it is about many.
    pub(super) fn portion(&mut self, log: i64, seq: u64, tags: &[Tag]) -> Result<Portion, Error> {
        let parts = if self.is_about_many(log, seq)? {
            Parts::Of(self.parts(log, seq, tags)?)
        } else {
            Parts::All
        };
        Ok(Portion { log, seq, parts })
    }

    fn is_about_many(&mut self, log: i64, seq: u64) -> Result<bool, Error> {
        let sql = "SELECT kind FROM record WHERE log = $1 AND seq = $2";
        let rows = self.db.rows(sql, &[Value::Int(log), Value::of(seq)])?;
        let kind = rows.first().and_then(|row| row.first());
        Ok(kind.is_some_and(|kind| kind.text() == KIND))
    }

    fn parts(&mut self, log: i64, seq: u64, tags: &[Tag]) -> Result<Vec<usize>, Error> {
        if tags.is_empty() {
            return Ok(Vec::new());
        }
        let list = places(3, tags.len());
        let sql = format!(
            "SELECT DISTINCT part FROM part WHERE log = $1 AND seq = $2 AND tag IN ({list})"
        );
        let mut values = vec![Value::Int(log), Value::of(seq)];
        values.extend(tags.iter().map(|tag| Value::Bytes(tag.to_vec())));
        let rows = self.db.rows(&sql, &values)?;
        let parts = rows.iter().filter_map(|row| row.first());
        let parts = parts.filter_map(|part| usize::try_from(part.number()).ok());
        Ok(parts.collect())
    }
}
