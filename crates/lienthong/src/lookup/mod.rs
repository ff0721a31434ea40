//! `lienthong lookup`: one question to a gateway, as any backend service asks it: REST and mTLS.

mod ask;
mod question;
mod table;
mod target;

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use serde_json::Value;

use crate::cli::{Arguments, Command, Lookup};
use crate::exit::{self, Exit};
use crate::sandbox::Description;

pub(crate) use ask::{Answer, Asker};
pub(crate) use question::about;
use table::print;
pub(crate) use target::Target;

/// Asks, prints, and says by the exit code what came of it.
pub(crate) fn run(arguments: &Lookup) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(lookup(arguments)).or_else(explain)
}

/// A gateway that does not answer has an exit code of its own.
pub(crate) fn explain(error: anyhow::Error) -> anyhow::Result<ExitCode> {
    if error.downcast_ref::<adapter::Miss>().is_none() {
        return Err(error);
    }
    eprintln!("lienthong: {error:#}");
    Ok(exit::UNAVAILABLE.into())
}

async fn lookup(arguments: &Lookup) -> anyhow::Result<ExitCode> {
    let target = Target::find(&arguments.asked.address)?;
    ask(arguments, &target).await
}

async fn ask(arguments: &Lookup, target: &Target) -> anyhow::Result<ExitCode> {
    let asker = Asker::new(target)?;
    let purpose = target.purpose(arguments.asked.purpose.as_deref())?;
    let fields = match arguments.fields.as_slice() {
        [] => match asker
            .granted(&purpose, arguments.asked.agreement.as_deref())
            .await?
        {
            Ok(fields) => fields,
            Err(refused) => return Ok(refuse(&refused, arguments.asked.json)),
        },
        named => named.to_vec(),
    };
    let question = question::json(arguments, &purpose, &fields)?;
    match asker.lookup(&question, arguments.asked.wait).await? {
        Answer { status: 200, body } => {
            show(&body, arguments.asked.json)?;
            Ok(complete(&body).into())
        }
        refused => Ok(refuse(&refused, arguments.asked.json)),
    }
}

/// The first lookup of a sandbox: everything that its default caller may see.
pub(crate) async fn show_first(
    dir: &Path,
    description: &Description,
    id: &str,
) -> anyhow::Result<()> {
    let arguments = Arguments::try_parse_from(["lienthong", "lookup", id])?;
    if let Command::Lookup(arguments) = arguments.command {
        let target = Target::of(dir, description, None)?;
        ask(&arguments, &target).await?;
    }
    Ok(())
}

fn show(body: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(body)?);
    } else {
        print(body, std::io::stdout().is_terminal());
    }
    Ok(())
}

fn complete(body: &Value) -> Exit {
    match body.get("completeness").and_then(Value::as_str) {
        Some("COMPLETENESS_PARTIAL") => exit::PARTIAL,
        _ => exit::COMPLETE,
    }
}

/// Prints a refusal, and says what kind it is.
pub(crate) fn refuse(refused: &Answer, json: bool) -> ExitCode {
    let text = |key: &str| {
        refused
            .body
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if json {
        println!("{:#}", refused.body);
    } else {
        eprintln!("{} {}: {}", refused.status, text("reason"), text("detail"));
        for violation in refused
            .body
            .get("violations")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let part = |key: &str| {
                violation
                    .get(key)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            eprintln!("  {}: {}", part("field"), part("description"));
        }
    }
    match refused.status {
        400 => exit::USAGE,
        404 => exit::NOT_FOUND,
        401..=499 => exit::REFUSED,
        _ => exit::UNAVAILABLE,
    }
    .into()
}
