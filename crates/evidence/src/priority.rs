//! Threads that nobody waits for give way to those on the road of an exchange.
//!
//! A lower weight alone does not: whoever runs on a core keeps it for most of a millisecond, whatever
//! its weight, and an exchange changes threads several times. So such a thread also offers its core
//! after every few dozen microseconds of work. On a core that is never idle an offer costs far more than a
//! fair share, so it is made for a while only, and what is due then goes on by weight.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

thread_local! {
    /// Until when this thread offers its core.
    static POLITE_UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
    /// When it offers it next.
    static NEXT_OFFER: Cell<Option<Instant>> = const { Cell::new(None) };
}

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

/// Begins work that may take so much longer: for that time the thread offers its core.
pub(crate) fn be_polite_for(time: Duration) {
    let now = Instant::now();
    POLITE_UNTIL.set(Some(now + time));
    NEXT_OFFER.set(Some(now + SLICE));
}

/// Offers the core to whoever wants to run, if this thread does so now and has worked for a slice. May
/// be called as often as it is convenient.
pub(crate) fn give_way() {
    let Some(until) = POLITE_UNTIL.get() else {
        return;
    };
    let now = Instant::now();
    if now < until && NEXT_OFFER.get().is_none_or(|next| now >= next) {
        thread::yield_now();
        NEXT_OFFER.set(Some(Instant::now() + SLICE));
    }
}

/// So long a thread works between two offers: each costs two changes of threads.
const SLICE: Duration = Duration::from_micros(30);

/// A weight of 15.
const IDLE: i32 = 19;
/// A weight of 110, where that of other threads is 1024.
const NICENESS: i32 = 10;
