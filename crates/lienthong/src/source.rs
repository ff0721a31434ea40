//! `lienthong source`: asks a running gateway how its sources are. Not here: knowing it.

use std::process::ExitCode;

use serde_json::Value;

use crate::cli::{Source, SourceCommand};
use crate::exit;
use crate::operator::Operator;

/// Lists the sources.
pub(crate) fn run(arguments: &Source) -> anyhow::Result<ExitCode> {
    let operator = Operator::new(&arguments.operations)?;
    match arguments.command {
        SourceCommand::List => list(&operator.get(LIST)?),
    }
    Ok(exit::COMPLETE.into())
}

/// Prints how each source is, a line each.
fn list(answer: &Value) {
    let sources = answer.get("sources").and_then(Value::as_array);
    for one in sources.map(Vec::as_slice).unwrap_or_default() {
        let text = |key: &str| one.get(key).and_then(Value::as_str);
        let number = |key: &str| one.get(key).and_then(Value::as_f64).unwrap_or_default();
        let source = text("source").unwrap_or("-");
        let circuit = text("circuit").unwrap_or("-");
        let next = text("nextProbe").map_or_else(String::new, |at| format!(", next probe {at}"));
        println!(
            "{source}  circuit {circuit}{next}  {} of {} calls failed lately, {} in a row  \
             {} under way, {} may be  usually {} ms, at present {} ms",
            number("windowFailures"),
            number("windowCalls"),
            number("failuresInARow"),
            number("inFlight"),
            number("limit"),
            number("typicalMs"),
            number("recentMs"),
        );
    }
}

const LIST: &str = "/admin/sources";
