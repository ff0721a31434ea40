//! Threads that nobody waits for give way to those on the road of an exchange.

/// Lowers the priority of the calling thread: with a core of its own it runs as before, on a core
/// that is shared it takes about a tenth while others want to run.
pub(crate) fn lower() {
    // Refused at most by a sandbox that forbids it; the thread then runs as the others do.
    rustix::process::setpriority_process(None, NICENESS).ok();
}

/// Lowers it as far as it goes: a seventieth while others want to run.
pub(crate) fn lower_most() {
    rustix::process::setpriority_process(None, IDLE).ok();
}

/// A weight of 15.
const IDLE: i32 = 19;
/// A weight of 110, where that of other threads is 1024.
const NICENESS: i32 = 10;
