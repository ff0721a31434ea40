//! What admission promises, seen from outside.

mod budgets;
mod bundle;
mod catalogue;
mod citizens;
mod config;
mod consent;
mod decision;
mod duty;
mod exceptions;
pub(crate) mod fixture;
mod glass;
mod hindsight;
mod leases;
mod nodes;
mod property;
mod quota;
mod refusal;
mod reload;
mod scrutiny;
mod validity;
mod verification;
