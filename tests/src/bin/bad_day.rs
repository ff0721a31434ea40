//! `bad_day SECONDS SEED CALLERS`: disturbs all five agencies of a sandbox at once for so long, and
//! prints what it came to. Fails if anything went wrong that must not. `cargo xtask bad-day` runs it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool of tests: what cannot be set up ends it"
)]

use std::process::ExitCode;
use std::time::Duration;

use tests::bad_day::Plan;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<u64> = std::env::args()
        .skip(1)
        .map(|argument| argument.parse().unwrap())
        .collect();
    let [seconds, seed, callers] = arguments.as_slice() else {
        println!("bad_day SECONDS SEED CALLERS");
        return ExitCode::from(2);
    };
    let plan = Plan {
        disturbed: Duration::from_secs(*seconds),
        seed: *seed,
        callers: usize::try_from(*callers).unwrap(),
    };
    let report = plan.run().await;
    println!("{report}\n{}", report.save().display());
    ExitCode::from(u8::from(!report.wrong().is_empty()))
}
