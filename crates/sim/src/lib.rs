//! Synthetic citizens and the machinery of simulated agencies.
//!
//! Scope: [`World`] computes a [`Person`] from an id and a seed; [`Stage`] runs a simulator on a
//! socket with [`Knobs`] for its faults, a [`Journal`] of what it was asked and a control
//! listener. Not here: any agency's wire (each agency's `sim.rs` turns a [`Person`] into its own).
//!
//! *Invariant:* only ids with prefix 999, which no authority issues, name anybody.

mod again;
mod bomb;
mod charset;
mod control;
mod fault;
mod journal;
mod knobs;
mod misbehave;
pub mod person;
mod persona;
mod prepared;
mod scenario;
mod stage;
mod world;

pub use again::Again;
pub use charset::Charset;
pub use control::control_router;
pub use fault::FaultKind;
pub use journal::{Asked, Journal};
pub use knobs::{Knob, KnobSettings, Knobs, Latency};
pub use misbehave::{Means, Spoilt, Then, charset, hang, misbehave};
pub use person::Person;
pub use persona::{Persona, Trait};
pub use prepared::Prepared;
pub use scenario::{Scenario, ScenarioError, Step};
pub use stage::{Connection, Error, Fuse, FusedStream, Handle, Stage, StageConfig};
pub use world::World;
