//! A gate with a real record and a real policy, before offices that say what a test wants.

mod audit;
mod canary;
mod closed;
mod dry;
mod numbers;
mod once;
mod stops;
mod streams;
mod verdicts;
mod world;

use world::{Office, World, call, switch};

pub(crate) use world::{POLICY, named};
