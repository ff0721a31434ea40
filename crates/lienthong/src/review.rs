//! `lienthong review`: asks a running gateway which emergencies wait to be reviewed, and closes reviews.
//! Not here: doing it.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{Review, ReviewCommand};
use crate::exit;
use crate::operator::Operator;

/// Lists the open reviews, or closes one.
pub(crate) fn run(arguments: &Review) -> anyhow::Result<ExitCode> {
    let operator = Operator::of(&arguments.node)?;
    match &arguments.command {
        ReviewCommand::List => list(&operator.get(LIST)?),
        ReviewCommand::Close(close) => {
            let body = json!({
                "review": close.review,
                "verdict": close.verdict.name(),
                "operator": close.operator,
                "note": close.note,
            });
            let answer = operator.post(CLOSE, &body)?;
            let seq = answer.get("seq").and_then(Value::as_u64);
            println!("closed; record {}", seq.unwrap_or_default());
        }
    }
    Ok(exit::COMPLETE.into())
}

/// Prints what is open, a line each.
fn list(answer: &Value) {
    let open = answer.get("open").and_then(Value::as_array);
    for one in open.into_iter().flatten() {
        let text = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or("-");
        let (review, due, agency) = (text("review"), text("due"), text("agency"));
        println!(
            "{review}  due {due}  {agency}  request {}",
            text("requestId")
        );
    }
    let total = answer.get("total").and_then(Value::as_u64);
    println!("{} open", total.unwrap_or_default());
    if answer.get("complete").and_then(Value::as_bool) == Some(false) {
        println!("what was recorded last is not among them yet");
    }
}

const LIST: &str = "/admin/reviews";
const CLOSE: &str = "/admin/reviews:close";
