//! `lienthong switch`: asks a running gateway to stop or resume something, or what is stopped. Not
//! here: doing it.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{Switch, SwitchCommand, Throw};
use crate::exit;
use crate::operator::Operator;

/// Throws a switch, or lists them.
pub(crate) fn run(arguments: &Switch) -> anyhow::Result<ExitCode> {
    let operator = Operator::of(&arguments.node)?;
    let (path, throw) = match &arguments.command {
        SwitchCommand::List => {
            list(&operator.get(LIST)?);
            return Ok(exit::COMPLETE.into());
        }
        SwitchCommand::Stop(throw) => (STOP, throw),
        SwitchCommand::Resume(throw) => (RESUME, throw),
    };
    let answer = operator.post(path, &instruction(throw))?;
    let is = |key: &str| answer.get(key).and_then(Value::as_bool) == Some(true);
    println!("{}", outcome(path == STOP, is("changed"), is("stored")));
    Ok(exit::COMPLETE.into())
}

fn instruction(throw: &Throw) -> Value {
    json!({
        "switch": throw.switch.to_string(),
        "operator": throw.operator,
        "reason": throw.reason,
    })
}

const fn outcome(stops: bool, changed: bool, stored: bool) -> &'static str {
    match (stops, changed, stored) {
        (true, true, true) => "stopped, on other nodes within five seconds",
        (true, true, false) => {
            "stopped on this node alone, and not over its end: the store cannot be used. Stop it on \
             every node; it is stored as soon as it can be"
        }
        (true, false, _) => "it was stopped before",
        (false, true, _) => "resumed, on other nodes within five seconds",
        (false, false, _) => "it was not stopped",
    }
}

/// Prints what is stopped, a line each.
fn list(answer: &Value) {
    let stopped = answer.get("stopped").and_then(Value::as_array);
    let stopped = stopped.map(Vec::as_slice).unwrap_or_default();
    if stopped.is_empty() {
        println!("nothing is stopped");
    }
    for one in stopped {
        let text = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default();
        let (switch, since) = (text("switch"), text("since"));
        println!(
            "{switch}  since {since}  {}: {}",
            text("operator"),
            text("reason")
        );
    }
}

const LIST: &str = "/admin/switches";
const STOP: &str = "/admin/switches:stop";
const RESUME: &str = "/admin/switches:resume";
