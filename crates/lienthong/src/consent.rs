//! `lienthong consent`: has a running gateway register or withdraw a consent. Not here: doing it.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::cli::{Consent, ConsentCommand};
use crate::exit;
use crate::operator::Operator;

/// Registers or withdraws.
pub(crate) fn run(arguments: &Consent) -> anyhow::Result<ExitCode> {
    let operator = Operator::of(&arguments.node)?;
    let (path, body, done) = match &arguments.command {
        ConsentCommand::Register { body } => (REGISTER, read(body)?, "registered"),
        ConsentCommand::Withdraw {
            consent,
            operator,
            reason,
        } => {
            let body = json!({"consent": consent, "operator": operator, "reason": reason});
            (WITHDRAW, body, "withdrawn")
        }
    };
    let answer = operator.post(path, &body)?;
    let seq = answer.get("seq").and_then(Value::as_u64);
    println!("{done}; record {}", seq.unwrap_or_default());
    Ok(exit::COMPLETE.into())
}

fn read(file: &Path) -> anyhow::Result<Value> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    }
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))
}

const REGISTER: &str = "/admin/consents:register";
const WITHDRAW: &str = "/admin/consents:withdraw";
