//! `lienthong dossier`: asks a running gateway what agencies have not ended yet, and moves what hangs. Not
//! here: doing it.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{Dossier, DossierCommand, Order};
use crate::exit;
use crate::operator::Operator;

/// Lists the dossiers, or moves one.
pub(crate) fn run(arguments: &Dossier) -> anyhow::Result<ExitCode> {
    let operator = Operator::of(&arguments.node)?;
    let (how, order) = match &arguments.command {
        DossierCommand::List => {
            list(&operator.get(LIST)?);
            return Ok(exit::COMPLETE.into());
        }
        DossierCommand::Requery(order) => ("requery", order),
        DossierCommand::Resend(order) => ("resend", order),
        DossierCommand::Close(order) => ("close", order),
    };
    let answer = operator.post(&format!("{LIST}:{how}"), &instruction(order))?;
    let state = answer.get("state").and_then(Value::as_str);
    let seq = answer.get("seq").and_then(Value::as_u64);
    println!(
        "dossier {} is {}; record {}",
        order.dossier,
        state.unwrap_or("-"),
        seq.unwrap_or_default()
    );
    Ok(exit::COMPLETE.into())
}

fn instruction(order: &Order) -> Value {
    json!({
        "dossier": order.dossier,
        "operator": order.operator,
        "reason": order.reason,
    })
}

/// Prints the dossiers, a line each.
fn list(answer: &Value) {
    let dossiers = answer.get("dossiers").and_then(Value::as_array);
    let dossiers = dossiers.map(Vec::as_slice).unwrap_or_default();
    if dossiers.is_empty() {
        println!("nothing is under way");
    }
    for one in dossiers {
        let text = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or("-");
        let number = |key: &str| one.get(key).and_then(Value::as_u64).unwrap_or_default();
        let reason = match text("reason") {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        let at = match text("address") {
            "" => String::new(),
            address => format!(" at {address}"),
        };
        println!(
            "{}  {}{reason} since {}, {} s old, asked {}  {}/{}{at}  {} of {}/{}, request {}",
            number("dossier"),
            text("state"),
            text("since"),
            number("ageS"),
            text("asked"),
            text("source"),
            text("code"),
            text("class"),
            text("agency"),
            text("system"),
            text("requestId"),
        );
    }
}

const LIST: &str = "/admin/dossiers";
