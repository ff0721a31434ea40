//! `lienthong suspension`: asks a running gateway whom it has suspended for how they asked, and lifts
//! that. Not here: doing it.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{Suspension, SuspensionCommand};
use crate::exit;
use crate::operator::Operator;

/// Lists the suspensions, or lifts one.
pub(crate) fn run(arguments: &Suspension) -> anyhow::Result<ExitCode> {
    let operator = Operator::of(&arguments.node)?;
    match &arguments.command {
        SuspensionCommand::List => list(&operator.get(LIST)?),
        SuspensionCommand::Lift(lift) => {
            let body = json!({
                "id": lift.id,
                "operator": lift.operator,
                "reason": lift.reason,
            });
            let answer = operator.post(LIFT, &body)?;
            let seq = answer.get("seq").and_then(Value::as_u64);
            println!("lifted; record {}", seq.unwrap_or_default());
        }
    }
    Ok(exit::COMPLETE.into())
}

/// Prints who is suspended, a line each.
fn list(answer: &Value) {
    let suspended = answer.get("suspended").and_then(Value::as_array);
    let suspended = suspended.map(Vec::as_slice).unwrap_or_default();
    if suspended.is_empty() {
        println!("nobody is suspended");
    }
    for one in suspended {
        let text = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or("-");
        let (id, level, since) = (text("id"), text("level"), text("since"));
        let (agency, system) = (text("agency"), text("system"));
        println!("{id}  {level} of {agency}, system {system}  since {since}");
    }
}

const LIST: &str = "/admin/suspensions";
const LIFT: &str = "/admin/suspensions:lift";
