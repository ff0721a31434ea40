//! `lienthong source`: asks a running gateway how its sources are. Not here: knowing it.

use std::process::ExitCode;

use serde_json::Value;

use crate::cli::{Source, SourceCommand};
use crate::exit;
use crate::operator::Operator;

/// Lists the sources.
pub(crate) fn run(arguments: &Source) -> anyhow::Result<ExitCode> {
    let operator = Operator::of(&arguments.node)?;
    match arguments.command {
        SourceCommand::List => list(&operator.get(LIST)?),
    }
    Ok(exit::COMPLETE.into())
}

/// Prints how each source is, a line each, and below it how each of several addresses is.
fn list(answer: &Value) {
    let sources = answer.get("sources").and_then(Value::as_array);
    for one in sources.map(Vec::as_slice).unwrap_or_default() {
        line(one);
        let endpoints = one.get("endpoints").and_then(Value::as_array);
        endpoints.into_iter().flatten().for_each(below);
    }
}

/// Prints how a source is.
fn line(one: &Value) {
    println!(
        "{}  circuit {}{}{}  {} of {} calls failed lately, {} in a row  \
         {} under way, {} may be  usually {} ms, at present {} ms",
        text(one, "source").unwrap_or("-"),
        text(one, "circuit").unwrap_or("-"),
        maintenance(one),
        next(one),
        number(one, "windowFailures"),
        number(one, "windowCalls"),
        number(one, "failuresInARow"),
        number(one, "inFlight"),
        number(one, "limit"),
        number(one, "typicalMs"),
        number(one, "recentMs"),
    );
}

/// Prints how one of its addresses is.
fn below(one: &Value) {
    println!(
        "  {}  {}{}  {} of {} calls failed  {} under way  {} times left aside",
        text(one, "endpoint").unwrap_or("-"),
        text(one, "state").unwrap_or("-"),
        next(one),
        number(one, "failed"),
        number(one, "calls"),
        number(one, "inFlight"),
        number(one, "ejected"),
    );
}

fn text<'a>(one: &'a Value, key: &str) -> Option<&'a str> {
    one.get(key).and_then(Value::as_str)
}

fn number(one: &Value, key: &str) -> f64 {
    one.get(key).and_then(Value::as_f64).unwrap_or_default()
}

/// That it is under maintenance, if it is.
fn maintenance(one: &Value) -> &'static str {
    text(one, "maintenanceUntil").map_or("", |_| ", under maintenance")
}

/// When the next call may try, if none may before.
fn next(one: &Value) -> String {
    let next = text(one, "nextProbe");
    next.map_or_else(String::new, |at| format!(", next probe {at}"))
}

const LIST: &str = "/admin/sources";
