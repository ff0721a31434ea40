//! The adapter against its simulator and against a real PostgreSQL, over real sockets.

mod cluster;
mod document;
mod faults;
mod fixtures;
mod postgres;
mod rig;
mod settings;
mod suite;
