//! The record, checked by programs nobody here wrote.

mod logs;
mod rollback;
mod served;
mod sizes;
mod tamper;
