//! What becomes of memory that is no longer used.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::{env, io};

/// Has memory given back to the machine as soon as it is free, where it is bounded. Otherwise the allocator
/// keeps what a load has left behind, and the gateway would go on shedding calls after the load has gone.
///
/// The allocator reads its options before the program begins, so the program is begun anew, as the same
/// process. To be called before there are threads, locks or open files. Where it is not known what the
/// program is, it goes on as it is.
///
/// # Errors
/// The program cannot be begun anew.
pub(crate) fn give_back() -> io::Result<()> {
    if env::var_os(DELAY).is_some() {
        return Ok(());
    }
    let Ok(program) = env::current_exe() else {
        return Ok(());
    };
    let (mut arguments, mut anew) = (env::args_os(), Command::new(program));
    if let Some(name) = arguments.next() {
        anew.arg0(name);
    }
    Err(anew.args(arguments).env(DELAY, "0").exec())
}

/// For how many milliseconds free memory is kept.
const DELAY: &str = "MIMALLOC_PURGE_DELAY";
