//! A gate with a real record and a real policy, before offices that say what a test wants.

mod audit;
mod canary;
mod closed;
mod dry;
mod numbers;
mod office;
mod once;
mod seen;
mod stops;
mod streams;
mod verdicts;
mod world;

use office::Office;
use world::{World, call, switch};

pub(crate) use world::{POLICY, named};
