//! The request ids of several nodes: a row for each in their PostgreSQL, claimed before anybody is
//! asked.
//!
//! Many ids go with one statement, in the order of their tags, so that of two nodes one waits for the
//! other and never each for each. The time is the server's: the clocks of nodes differ.
//!
//! *Invariant:* of two nodes that claim one id at once, one is granted it. A claim of a node that is
//! gone ends by itself.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::keys::RequestTag;
use super::queue::{Claim, End};
use super::{RecordAt, Ruling};
use crate::private::access::Access;
use crate::private::log_number;
use crate::private::postgres::Postgres;
use crate::private::sql::{Database, Durability, Row, Value};
use crate::{Config, Error};

/// The table of ids.
#[derive(Debug)]
pub(in crate::private) struct Table {
    db: Box<dyn Database>,
    /// Which node this is, also after a restart: what it had claimed before is not running any more.
    node: i64,
}

impl Table {
    /// Connects.
    pub(in crate::private) fn open(config: &Config, access: &Access) -> Result<Self, Error> {
        // What the server loses when it crashes is fresh again, and nothing else.
        let mut db = Postgres::open(access, Durability::Relaxed, PATIENCE)?;
        db.define(&[TABLE], &[INDEX])?;
        Ok(Self {
            db: Box::new(db),
            node: log_number(&config.origin),
        })
    }

    /// Claims ids, each of them once; the rulings in their order. None where nothing is known: the
    /// row has gone meanwhile.
    pub(super) fn claim(
        &mut self,
        claims: &[Claim],
        kept: Duration,
        lasts: Duration,
    ) -> Result<Vec<Option<Ruling>>, Error> {
        let Some(oldest) = claims.iter().map(|claim| claim.begun).min() else {
            return Ok(Vec::new());
        };
        let tags = list(claims.iter().map(|claim| hex::encode(claim.tag.0)));
        let contents = list(claims.iter().map(|claim| hex::encode(claim.content.0)));
        let age = Instant::now().saturating_duration_since(oldest);
        let [age, kept, lasts] = [age, kept, lasts].map(millis);
        let values = [tags, contents, age, Value::Int(self.node), lasts, kept];
        let rows = self.db.rows(CLAIM, &values)?;
        let granted: HashMap<_, _> = rows.iter().filter_map(granted).collect();
        let refused = claims.iter().filter(|it| !granted.contains_key(&it.tag));
        let refused: HashSet<_> = refused.map(|claim| claim.tag).collect();
        let held = self.held(&refused)?;
        let ruling = |claim: &Claim| match granted.get(&claim.tag) {
            Some(record) => Some(Ruling::Granted(record.clone())),
            None if *held.get(&claim.tag)? == claim.content.0 => Some(Ruling::Running),
            None => Some(Ruling::Reused),
        };
        Ok(claims.iter().map(ruling).collect())
    }

    /// What was asked under ids that were not granted.
    fn held(
        &mut self,
        refused: &HashSet<RequestTag>,
    ) -> Result<HashMap<RequestTag, Vec<u8>>, Error> {
        if refused.is_empty() {
            return Ok(HashMap::new());
        }
        let tags = list(refused.iter().map(|tag| hex::encode(tag.0)));
        let rows = self.db.rows(HELD, &[tags])?;
        let held = rows.iter().filter_map(|row| match row.as_slice() {
            [tag, content] => Some((self::tag(tag)?, content.bytes().to_vec())),
            _ => None,
        });
        Ok(held.collect())
    }

    /// Says which questions are over; each of them once.
    pub(super) fn end(&mut self, ends: &[End]) -> Result<(), Error> {
        let mut of_logs: HashMap<Option<&str>, Vec<&End>> = HashMap::new();
        for end in ends {
            let log = end.record.as_ref().map(|record| &*record.log);
            of_logs.entry(log).or_default().push(end);
        }
        for (log, ends) in of_logs {
            let seq = |end: &End| end.record.as_ref().map_or(0, |record| record.seq);
            let values = [
                list(ends.iter().map(|end| hex::encode(end.tag.0))),
                list(ends.iter().map(|end| seq(end).to_string())),
                Value::from(log.map(str::to_owned)),
                Value::Int(self.node),
            ];
            // Without a result, so that nothing but a count comes back.
            self.db.run(END, &values)?;
        }
        Ok(())
    }

    /// Removes some of what is old, or the oldest of what is too much as far as the server knows how
    /// much there is; true if there may be more.
    pub(in crate::private) fn clean(&mut self, kept: Duration, most: u64) -> Result<bool, Error> {
        let removed = self.db.run(REMOVE, &[millis(kept), Value::of(most)])?;
        Ok(removed >= STEP)
    }
}

/// A list as the statements read it: neither hex nor a number has a comma in it.
fn list(of: impl Iterator<Item = String>) -> Value {
    Value::Text(of.collect::<Vec<_>>().join(","))
}

fn millis(time: Duration) -> Value {
    Value::of(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn tag(value: &Value) -> Option<RequestTag> {
    value.bytes().try_into().ok().map(RequestTag)
}

fn granted(row: &Row) -> Option<(RequestTag, Option<RecordAt>)> {
    let [tag, log, seq] = row.as_slice() else {
        return None;
    };
    let record = match log {
        Value::Text(log) => Some(RecordAt {
            log: Arc::from(log.as_str()),
            seq: seq.number(),
        }),
        Value::Int(_) | Value::Bytes(_) | Value::Null => None,
    };
    Some((self::tag(tag)?, record))
}

/// `until` is when a claim ends by itself, 0 when the question is over; room is left in each page, so
/// that its end is written beside it.
const TABLE: &str = "request_id (tag BYTEA PRIMARY KEY, content BYTEA NOT NULL, \
    used BIGINT NOT NULL, node BIGINT NOT NULL, until BIGINT NOT NULL, log TEXT, \
    seq BIGINT NOT NULL) WITH (fillfactor = 70)";
const INDEX: &str = "request_id_used ON request_id (used)";
const CLAIM: &str = "WITH clock AS \
    (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT AS now) \
    INSERT INTO request_id AS old (tag, content, used, node, until, log, seq) \
    SELECT decode(it.tag, 'hex'), decode(it.content, 'hex'), clock.now - $3::BIGINT, $4::BIGINT, \
           clock.now - $3::BIGINT + $5::BIGINT, NULL, 0 \
    FROM unnest(string_to_array($1::TEXT, ','), string_to_array($2::TEXT, ',')) \
         AS it (tag, content), clock ORDER BY 1 \
    ON CONFLICT (tag) DO UPDATE SET content = excluded.content, used = excluded.used, \
           node = excluded.node, until = excluded.until, \
           log = CASE WHEN old.used > excluded.used - $6::BIGINT THEN old.log END \
    WHERE old.used <= excluded.used - $6::BIGINT OR (old.content = excluded.content \
          AND (old.until < excluded.used OR old.node = excluded.node)) \
    RETURNING tag, log, seq";
const HELD: &str = "SELECT tag, content FROM request_id WHERE tag IN \
    (SELECT decode(it, 'hex') FROM unnest(string_to_array($1::TEXT, ',')) AS it)";
const END: &str = "UPDATE request_id AS old SET until = 0, \
           log = COALESCE($3::TEXT, old.log), \
           seq = CASE WHEN $3::TEXT IS NULL THEN old.seq ELSE it.seq END \
    FROM (SELECT decode(tag, 'hex') AS tag, seq::BIGINT AS seq \
          FROM unnest(string_to_array($1::TEXT, ','), string_to_array($2::TEXT, ',')) \
               AS of (tag, seq)) AS it \
    WHERE old.tag = it.tag AND old.node = $4::BIGINT";
/// The bound is worked out once, and the index read no further than to it.
pub(in crate::private) const REMOVE: &str = "DELETE FROM request_id WHERE tag IN (SELECT tag FROM request_id \
    WHERE used <= CASE \
          WHEN (SELECT reltuples FROM pg_class WHERE oid = 'request_id'::regclass) > $2::BIGINT \
          THEN 9223372036854775807 \
          ELSE (extract(epoch FROM statement_timestamp()) * 1000)::BIGINT - $1::BIGINT END \
    ORDER BY used LIMIT 200 FOR UPDATE SKIP LOCKED)";
/// 580 a second all day, some 12 GB.
pub(super) const MOST_ROWS: u64 = 50_000_000;
/// So many rows are removed with one statement: it takes a millisecond or two.
const STEP: u64 = 200;
/// How long a statement may take: somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(1);
