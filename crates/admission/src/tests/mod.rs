//! What admission promises, seen from outside.

mod budgets;
mod catalogue;
mod config;
mod decision;
mod duty;
pub(crate) mod fixture;
mod leases;
mod property;
mod quota;
mod refusal;
mod reload;
mod scrutiny;
mod validity;
