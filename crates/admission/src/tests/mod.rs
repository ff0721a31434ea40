//! What admission promises, seen from outside.

mod catalogue;
mod config;
mod decision;
mod duty;
mod fixture;
mod property;
mod quota;
mod refusal;
mod reload;
mod validity;
