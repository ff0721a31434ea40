//! Batch jobs, what is still to be asked of them, and results that nobody has fetched yet: a file of a
//! node that stands alone, or tables in the PostgreSQL of several.
//!
//! Of several nodes one runs a job: it holds a lease, and whatever it writes is written under that
//! lease or not at all. Not here: how a job is run, and what its questions and results are (crate
//! `gate`).
//!
//! *Invariants:* what is about a person is sealed under a key that is not in the store; a question is
//! there until its result is, and of a question there is one result; results are deleted when their
//! job expires.

mod job;
mod seal;
mod sql;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;
use std::time::Duration;

use exchange::Clock;
use zeroize::Zeroizing;

use super::access::Access;
use super::databases;
use super::lazy::Lazy;
use super::log_number;
use super::postgres::Postgres;
use super::sql::{Database, Durability, Value, at_once, insert};
use super::sqlite::Sqlite;
use crate::keys::make_dir;
use crate::keys::secret::Secret;
use crate::{Config, Error};

pub use job::{
    BatchEnd, BatchKey, BatchState, Created, Due, KeptBatch, KeptResult, NewBatch, Step,
};
use seal::{Part, Seal};

/// Where batch jobs are kept. Cloned by reference count.
#[derive(Clone, Debug)]
pub struct BatchStore(Lazy<Opened>);

/// The store as it is open.
#[derive(Debug)]
struct Opened {
    db: Box<dyn Database>,
    /// Of which the key of each job is made.
    base: Secret,
    node: i64,
    /// How long results are kept, in milliseconds.
    kept: i64,
    clock: Arc<dyn Clock>,
}

impl BatchStore {
    /// The store of a node. Nothing is opened before it is used.
    #[must_use]
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        let config = config.clone();
        Self(Lazy::new(move || open(&config, &clock)))
    }

    /// Takes a job, unless the caller has `most` that are not over.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn create(&self, job: NewBatch, most: u64) -> Result<Created, Error> {
        self.0.with(move |it| it.create(&job, most)).await
    }

    /// A job, unless it has expired.
    ///
    /// # Errors
    /// The store cannot be read, or holds what a later version has written.
    pub async fn find(&self, key: &BatchKey) -> Result<Option<KeptBatch>, Error> {
        let key = key.clone();
        self.0.with(move |it| it.find(&key)).await
    }

    /// The results of a job behind one number, `limit` at most and not many more than `bytes`.
    ///
    /// # Errors
    /// The store cannot be read, or a result does not open.
    pub async fn results(
        &self,
        key: &BatchKey,
        after: u64,
        limit: u32,
        bytes: usize,
    ) -> Result<(Vec<KeptResult>, bool), Error> {
        let key = key.clone();
        self.0
            .with(move |it| it.results(&key, after, limit, bytes))
            .await
    }

    /// Ends a job that is not over. What is not asked yet is forgotten.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn cancel(&self, key: &BatchKey) -> Result<(), Error> {
        let key = key.clone();
        self.0.with(move |it| it.cancel(&key)).await
    }

    /// Lets go of what an earlier run of this node has held.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn let_go(&self) -> Result<(), Error> {
        self.0.with(Opened::let_go).await
    }

    /// Takes jobs that nobody runs, `most` at most: they are this node's for that long. One that cannot
    /// be read is an error of its own: a part of it does not open, or a later version has written it.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn claim(
        &self,
        most: u32,
        lease: Duration,
    ) -> Result<Vec<Result<Due, Error>>, Error> {
        self.0.with(move |it| it.claim(most, lease)).await
    }

    /// Keeps how far a job is, and holds it for that long again; false if it is not this node's any
    /// more, or is over, and nothing was kept.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn keep(
        &self,
        key: &BatchKey,
        step: &Arc<Step>,
        lease: Duration,
    ) -> Result<bool, Error> {
        let (key, step) = (key.clone(), Arc::clone(step));
        self.0.with(move |it| it.keep(&key, &step, lease)).await
    }

    /// Ends jobs whose time is over, and destroys those that have expired; how many are in each state
    /// then.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn sweep(&self) -> Result<Vec<(BatchState, u64)>, Error> {
        self.0.with(Opened::sweep).await
    }
}

fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Opened, Error> {
    let dir = config.index_dir();
    make_dir(&dir)?;
    let base = databases::batch_key(config)?;
    let mut db: Box<dyn Database> = match Access::read(config)? {
        Some(access) => Box::new(Postgres::open(&access, Durability::Full, PATIENCE)?),
        None => Box::new(Sqlite::open(&dir.join(FILE), Durability::Full)?),
    };
    db.define(&sql::TABLES, &sql::INDEXES)?;
    Ok(Opened {
        db,
        base,
        node: log_number(&config.origin),
        kept: i64::from(config.batch_results_s.get()) * 1_000,
        clock: Arc::clone(clock),
    })
}

impl Opened {
    /// The time in milliseconds since 1970: the server's, where there is one.
    fn now(&mut self) -> Result<i64, Error> {
        if !self.db.is_shared() {
            return Ok(self.clock.now().as_millisecond());
        }
        let rows = self.db.rows(sql::NOW, &[])?;
        let now = rows.first().and_then(|row| row.first()).map(Value::int);
        now.ok_or(Error::Ended)
    }

    fn create(&mut self, job: &NewBatch, most: u64) -> Result<Created, Error> {
        let now = self.now()?;
        let seal = Seal::of(&self.base, &job.key)?;
        let content = seal.digest(&job.content);
        let values = job.values(&seal, content, now, self.node)?;
        let items = job.items.iter().zip(0..);
        let items = items.map(|(item, place)| {
            let sealed = seal.seal(Part::Item(place), item)?;
            Ok([seal.job(), Value::of(place), Value::Bytes(sealed)])
        });
        let items: Vec<_> = items.collect::<Result<_, Error>>()?;
        at_once(&mut *self.db, |db| {
            let known = db.rows(sql::CONTENT, &[seal.job()])?;
            if let Some([known]) = known.first().map(Vec::as_slice) {
                return Ok(match known.bytes() == content {
                    true => Created::Known,
                    false => Created::Reused,
                });
            }
            let open = db.rows(sql::OPEN_OF, &job.key.caller())?;
            if open.iter().flatten().any(|open| open.number() >= most) {
                return Ok(Created::TooMany);
            }
            db.run(sql::CREATE, &values)?;
            insert(db, "batch_item", items)?;
            Ok(Created::New)
        })
    }

    fn find(&mut self, key: &BatchKey) -> Result<Option<KeptBatch>, Error> {
        let (now, tag) = (self.now()?, seal::tag(key));
        let rows = self.db.rows(sql::FIND, &[tag, Value::Int(now)])?;
        rows.first().map(|row| job::read(row)).transpose()
    }

    fn results(
        &mut self,
        key: &BatchKey,
        after: u64,
        limit: u32,
        bytes: usize,
    ) -> Result<(Vec<KeptResult>, bool), Error> {
        let seal = Seal::of(&self.base, key)?;
        let values = [
            seal.job(),
            Value::of(after),
            Value::of(u64::from(limit) + 1),
        ];
        let rows = self.db.rows(sql::RESULTS, &values)?;
        let mut results = Vec::with_capacity(rows.len());
        let mut size = 0;
        for row in &rows {
            let [number, sealed] = row.as_slice() else {
                return Err(Error::Ended);
            };
            if results.len() == limit as usize || (size > 0 && size + sealed.bytes().len() > bytes)
            {
                return Ok((results, true));
            }
            size += sealed.bytes().len();
            let number = number.number();
            let result = seal.open(Part::Result(number), sealed.bytes())?;
            results.push(KeptResult { number, result });
        }
        Ok((results, false))
    }

    fn cancel(&mut self, key: &BatchKey) -> Result<(), Error> {
        let expires = self.now()? + self.kept;
        let tag = seal::tag(key);
        at_once(&mut *self.db, |db| {
            if db.run(sql::CANCEL, &[Value::Int(expires), tag.clone()])? > 0 {
                db.run(sql::FORGET_ITEMS, &[tag])?;
            }
            Ok(())
        })
    }

    fn let_go(&mut self) -> Result<(), Error> {
        let node = Value::Int(self.node);
        self.db.run(sql::LET_GO, &[node]).map(drop)
    }

    fn claim(&mut self, most: u32, lease: Duration) -> Result<Vec<Result<Due, Error>>, Error> {
        let now = self.now()?;
        let until = Value::Int(now + millis(lease));
        let values = [Value::Int(now), Value::of(most.into())];
        let mut claimed = Vec::new();
        for row in self.db.rows(sql::DUE, &values)? {
            let Some(tag) = row.first() else { continue };
            let node = Value::Int(self.node);
            let values = [node, until.clone(), tag.clone(), Value::Int(now)];
            // Another node may have been faster.
            if self.db.run(sql::CLAIM, &values)? > 0 {
                match self.due(tag) {
                    Err(error) if error.may_pass() => return Err(error),
                    due => claimed.extend(due.transpose()),
                }
            }
        }
        Ok(claimed)
    }

    /// A job as whoever runs it needs it.
    fn due(&mut self, tag: &Value) -> Result<Option<Due>, Error> {
        let rows = self.db.rows(sql::CLAIMED, std::slice::from_ref(tag))?;
        let Some((plan, row)) = rows.first().and_then(|row| row.split_last()) else {
            return Ok(None);
        };
        let (certificate, row) = row.split_last().ok_or(Error::Ended)?;
        let job = job::read(row)?;
        let seal = Seal::of(&self.base, &job.key)?;
        let plan = seal.open(Part::Plan, plan.bytes())?;
        let mut items: Vec<(u64, Zeroizing<Vec<u8>>)> = Vec::new();
        for row in self.db.rows(sql::ITEMS, std::slice::from_ref(tag))? {
            let [place, sealed] = row.as_slice() else {
                return Err(Error::Ended);
            };
            let place = place.number();
            items.push((place, seal.open(Part::Item(place), sealed.bytes())?));
        }
        Ok(Some(Due {
            certificate: certificate.text().to_owned(),
            job,
            plan,
            items,
        }))
    }

    fn keep(&mut self, key: &BatchKey, step: &Step, lease: Duration) -> Result<bool, Error> {
        let now = self.now()?;
        let seal = Seal::of(&self.base, key)?;
        let (expires, is_over) = (now + self.kept, step.state.is_over());
        let held = if is_over || step.lets_go {
            0
        } else {
            now + millis(lease)
        };
        let values = step.values(&seal, self.node, held, is_over.then_some(expires));
        let mut results = Vec::with_capacity(step.ends.len());
        for (end, number) in step.ends.iter().zip(step.first..) {
            let sealed = seal.seal(Part::Result(number), &end.result)?;
            results.push((
                end.place,
                [seal.job(), Value::of(number), Value::Bytes(sealed)],
            ));
        }
        at_once(&mut *self.db, |db| {
            if db.run(sql::KEEP, &values)? == 0 {
                return Ok(false);
            }
            for (place, result) in &results {
                db.run(sql::ANSWERED, &[seal.job(), Value::of(*place)])?;
                db.run(sql::RESULT, result)?;
            }
            if is_over {
                db.run(sql::FORGET_ITEMS, &[seal.job()])?;
            }
            Ok(true)
        })
    }

    fn sweep(&mut self) -> Result<Vec<(BatchState, u64)>, Error> {
        let now = self.now()?;
        let kept = Value::Int(now + self.kept);
        for row in self.db.rows(sql::LATE, &[Value::Int(now)])? {
            at_once(&mut *self.db, |db| {
                db.run(sql::GIVE_UP, &[vec![kept.clone()], row.clone()].concat())?;
                db.run(sql::FORGET_ITEMS, &row)
            })?;
        }
        let expired = self.db.rows(sql::EXPIRED, &[Value::Int(now)])?;
        for row in &expired {
            at_once(&mut *self.db, |db| {
                for sql in [sql::FORGET_RESULTS, sql::FORGET_ITEMS, sql::FORGET] {
                    db.run(sql, row)?;
                }
                Ok(())
            })?;
        }
        if !expired.is_empty() {
            self.db
                .scrub(&["batch_job", "batch_item", "batch_result"])?;
        }
        let counts = self.db.rows(sql::COUNT, &[])?;
        let count = |row: &Vec<Value>| match row.as_slice() {
            [state, count] => Some((BatchState::from_name(state.text())?, count.number())),
            _ => None,
        };
        Ok(counts.iter().filter_map(count).collect())
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Beside the index, and as that in no backup: what has expired is not to be brought back.
const FILE: &str = "batches.db";
/// How long a statement may take.
const PATIENCE: Duration = Duration::from_secs(5);
