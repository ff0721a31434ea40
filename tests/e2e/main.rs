//! The built program from the outside: a sandbox with five simulated agencies, asked over both
//! doors, broken, killed, restarted and verified.

mod answers;
mod evidence;
mod faults;
mod life;
mod refusals;
mod snippets;
mod telemetry;
