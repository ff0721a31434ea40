//! The tables of batch jobs, and every statement that is put to them.
//!
//! A job that is not over has one of three states; `lease` is until when its node holds it, 0 if nobody
//! does.

pub(super) const TABLES: [&str; 3] = [
    "batch_job (job BYTEA PRIMARY KEY, agency TEXT NOT NULL, system TEXT NOT NULL, \
     request TEXT NOT NULL, certificate TEXT NOT NULL, content BYTEA NOT NULL, \
     plan BYTEA NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, next_try BIGINT NOT NULL, \
     created BIGINT NOT NULL, expires BIGINT NOT NULL, total BIGINT NOT NULL, \
     succeeded BIGINT NOT NULL, failed BIGINT NOT NULL, node BIGINT NOT NULL, \
     lease BIGINT NOT NULL)",
    "batch_item (job BYTEA, place BIGINT, sealed BYTEA NOT NULL, PRIMARY KEY (job, place))",
    "batch_result (job BYTEA, number BIGINT, sealed BYTEA NOT NULL, PRIMARY KEY (job, number))",
];
pub(super) const INDEXES: [&str; 1] = ["batch_job_state ON batch_job (state)"];

pub(super) const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT";

macro_rules! sql {
    ($($part:expr),*) => { concat!($($part),*) };
}
/// What [`super::job::read`] reads.
macro_rules! columns {
    () => {
        "agency, system, request, state, reason, next_try, created, expires, total, succeeded, failed"
    };
}
macro_rules! open {
    () => {
        "state IN ('QUEUED', 'RUNNING', 'PAUSED')"
    };
}

pub(super) const CONTENT: &str = "SELECT content FROM batch_job WHERE job = $1";
pub(super) const OPEN_OF: &str = sql!(
    "SELECT COUNT(*) FROM batch_job WHERE agency = $1 AND system = $2 AND ",
    open!()
);
pub(super) const CREATE: &str = "INSERT INTO batch_job (job, agency, system, request, certificate, \
     content, plan, state, reason, next_try, created, expires, total, succeeded, failed, node, lease) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'QUEUED', '', 0, $8, $9, $10, 0, 0, $11, 0)";
pub(super) const FIND: &str = sql!(
    "SELECT ",
    columns!(),
    " FROM batch_job WHERE job = $1 AND (expires > $2 OR ",
    open!(),
    ")"
);
pub(super) const CLAIMED: &str = sql!(
    "SELECT ",
    columns!(),
    ", certificate, plan FROM batch_job WHERE job = $1"
);
pub(super) const ITEMS: &str = "SELECT place, sealed FROM batch_item WHERE job = $1 ORDER BY place";
pub(super) const RESULTS: &str = "SELECT number, sealed FROM batch_result \
     WHERE job = $1 AND number > $2 ORDER BY number LIMIT $3";
pub(super) const CANCEL: &str = sql!(
    "UPDATE batch_job SET state = 'CANCELLED', reason = '', next_try = 0, lease = 0, \
     expires = $1 WHERE job = $2 AND ",
    open!()
);
pub(super) const LET_GO: &str = "UPDATE batch_job SET lease = 0 WHERE node = $1 AND lease > 0";
pub(super) const DUE: &str = sql!(
    "SELECT job FROM batch_job WHERE lease <= $1 AND ",
    open!(),
    " ORDER BY created LIMIT $2"
);
pub(super) const CLAIM: &str = sql!(
    "UPDATE batch_job SET node = $1, lease = $2 WHERE job = $3 AND lease <= $4 AND ",
    open!()
);
pub(super) const KEEP: &str = sql!(
    "UPDATE batch_job SET state = $1, reason = $2, next_try = $3, succeeded = succeeded + $4, \
     failed = failed + $5, lease = $6, expires = COALESCE(NULLIF(CAST($7 AS BIGINT), 0), expires) \
     WHERE job = $8 AND node = $9 AND lease > 0 AND ",
    open!()
);
pub(super) const ANSWERED: &str = "DELETE FROM batch_item WHERE job = $1 AND place = $2";
pub(super) const RESULT: &str =
    "INSERT INTO batch_result (job, number, sealed) VALUES ($1, $2, $3)";
pub(super) const LATE: &str = sql!(
    "SELECT job FROM batch_job WHERE expires <= $1 AND ",
    open!(),
    " LIMIT 16"
);
pub(super) const GIVE_UP: &str = sql!(
    "UPDATE batch_job SET state = 'FAILED', reason = 'DEADLINE_EXCEEDED', next_try = 0, lease = 0, \
     expires = $1 WHERE job = $2 AND ",
    open!()
);
pub(super) const EXPIRED: &str = sql!(
    "SELECT job FROM batch_job WHERE expires <= $1 AND NOT (",
    open!(),
    ") LIMIT 16"
);
pub(super) const FORGET: &str = "DELETE FROM batch_job WHERE job = $1";
pub(super) const FORGET_ITEMS: &str = "DELETE FROM batch_item WHERE job = $1";
pub(super) const FORGET_RESULTS: &str = "DELETE FROM batch_result WHERE job = $1";
pub(super) const COUNT: &str = "SELECT state, COUNT(*) FROM batch_job GROUP BY state";
