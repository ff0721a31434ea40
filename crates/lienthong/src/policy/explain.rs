//! `lienthong policy explain`: why a recorded call was admitted or refused, line by line.

use std::process::ExitCode;

use admission::{Explained, Judged};

use super::records::{self, Call};
use crate::cli::ExplainCall;
use crate::exit;

/// Explains every record of a call.
pub(super) fn run(arguments: &ExplainCall) -> anyhow::Result<ExitCode> {
    let (policy, digest) = records::policy(&arguments.policy)?;
    let mut calls = Vec::new();
    records::read(&arguments.log, &mut |call| {
        if call.request == arguments.request {
            calls.push(call);
        }
    })?;
    if calls.is_empty() {
        eprintln!(
            "no record of {} that shows what was decided",
            arguments.request
        );
        return Ok(exit::NOT_FOUND.into());
    }
    for call in &calls {
        head(call);
        if call.policy == digest {
            println!("  {digest}: the policy in {}", arguments.policy.display());
        } else {
            println!("  {}: the policy that decided", call.policy);
            println!(
                "  {digest}: ANOTHER one, in {}; what it says:",
                arguments.policy.display()
            );
        }
        explain(call, &policy);
    }
    Ok(exit::COMPLETE.into())
}

fn head(call: &Call) {
    let (caller, context) = (&call.recorded.caller, &call.recorded.context);
    let decided = call.refused.as_deref().unwrap_or("admitted");
    println!(
        "{} {}: {decided}; {}/{} for {}",
        call.seq,
        call.recorded.at,
        caller.agency(),
        caller.system(),
        context.purpose
    );
    for source in &call.sources {
        println!("  {source}");
    }
}

fn explain(call: &Call, policy: &admission::Policy) {
    let judged = policy.judge(&call.recorded);
    let mut explained = policy.explain(&call.recorded);
    if let Judged::Admitted { agreement, .. } = &judged {
        explained.retain(|it| it.agreement == *agreement);
    }
    if explained.is_empty() {
        println!("  the agency has no agreement");
    }
    for agreement in &explained {
        print(agreement);
    }
    match judged {
        Judged::Admitted { agreement, .. } => println!("  so {agreement} admits it"),
        Judged::Refused(reason) => println!("  so it is refused: {reason}"),
    }
    let by_policy = call.refused.as_deref().is_none_or(super::is_of_policy);
    if !by_policy {
        println!("  no agreement decided that, but how often or how was asked, or an operator");
    }
}

fn print(explained: &Explained) {
    println!("  {}", explained.agreement);
    for line in &explained.lines {
        println!("    {:<4} {:<19} {}", line.verdict, line.key, line.what);
    }
}
