//! `lienthong verify`: claims about one citizen, put to a gateway as any backend service puts them.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::cli::{Claims, Mode, VerifyClaims};
use crate::exit;
use crate::lookup::{Answer, Asker, Target, about, explain, refuse};

/// Asks, prints the verdict, and says by the exit code which it is.
pub(crate) fn run(arguments: &VerifyClaims) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(ask(arguments)).or_else(explain)
}

async fn ask(arguments: &VerifyClaims) -> anyhow::Result<ExitCode> {
    let (target, question) = match prepared(arguments) {
        Ok(prepared) => prepared,
        Err(error) => {
            eprintln!("lienthong: {error:#}");
            return Ok(exit::USAGE.into());
        }
    };
    let (asker, asked) = (Asker::new(&target)?, &arguments.asked);
    match asker
        .post("/v1/citizens:verify", &question, asked.wait)
        .await?
    {
        Answer { status: 200, body } if asked.json => {
            println!("{body:#}");
            Ok(code(&body))
        }
        Answer { status: 200, body } => {
            print(&body);
            Ok(code(&body))
        }
        refused => Ok(refuse(&refused, asked.json)),
    }
}

fn prepared(arguments: &VerifyClaims) -> anyhow::Result<(Target, Value)> {
    let asked = &arguments.asked;
    let target = Target::find(&asked.address)?;
    let purpose = target.purpose(asked.purpose.as_deref())?;
    let mut question = about(asked, &purpose)?;
    let disclosure = if arguments.per_claim {
        "DISCLOSURE_LEVEL_PER_CLAIM"
    } else {
        "DISCLOSURE_LEVEL_ALL_OR_NOTHING"
    };
    if let Some(question) = question.as_object_mut() {
        let claims = claims(&arguments.claims, arguments.mode)?;
        question.insert("claims".to_owned(), claims.into());
        question.insert("disclosure".to_owned(), json!(disclosure));
    }
    Ok((target, question))
}

/// The claims in the order of the options, each called by its number.
fn claims(claims: &Claims, mode: Mode) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    for claim in &claims.equals {
        let (path, value) = pair(claim)?;
        let mode = mode_of(path, mode);
        all.push(json!({"equals": {"path": path, "value": value, "mode": mode}}));
    }
    if let Some(years) = claims.age_at_least {
        all.push(json!({"ageAtLeast": {"years": years}}));
    }
    if claims.alive {
        all.push(json!({"isAlive": {}}));
    }
    for claim in &claims.relation {
        let (relation, number) = pair(claim)?;
        let key = if number.len() == 9 {
            "legacyId"
        } else {
            "personalId"
        };
        let relation = format!("RELATION_KIND_{}", relation.to_uppercase());
        all.push(json!({"relation": {"other": {key: number}, "relation": relation}}));
    }
    for status in &claims.status {
        let status = format!("STATUS_KIND_{}", status.to_uppercase());
        all.push(json!({"status": {"status": status}}));
    }
    for (number, claim) in (1..).zip(&mut all) {
        if let Some(claim) = claim.as_object_mut() {
            claim.insert("claimId".to_owned(), json!(format!("{number}")));
        }
    }
    Ok(all)
}

/// The mode, where it fits: one that is for texts is left out of other claims.
fn mode_of(path: &str, mode: Mode) -> &'static str {
    let is_text = path.ends_with("name") || path.ends_with("names");
    match mode {
        Mode::Exact => "MATCH_MODE_EXACT",
        Mode::NoDiacritics if is_text => "MATCH_MODE_NO_DIACRITICS",
        Mode::Normalized | Mode::NoDiacritics => "MATCH_MODE_NORMALIZED",
    }
}

fn pair(claim: &str) -> anyhow::Result<(&str, &str)> {
    let Some((name, value)) = claim.split_once('=') else {
        bail!("{claim} has no `=`");
    };
    let name = Some(name.trim()).filter(|name| !name.is_empty());
    Ok((name.context("nothing stands before `=`")?, value.trim()))
}

fn print(body: &Value) {
    println!("{}", verdict(body));
    for result in list(body, "results") {
        println!("  {:<4} {}", text(result, "claimId"), verdict(result));
    }
    for source in list(body, "sources") {
        let name = text(source, "source")
            .trim_start_matches("SOURCE_")
            .to_lowercase();
        let state = text(source, "state").trim_start_matches("SOURCE_STATE_");
        println!("{name:<16} {state}");
    }
    if let Some(receipt) = body.get("receipt") {
        println!(
            "recorded as {} of {}",
            text(receipt, "seq"),
            text(receipt, "logOrigin")
        );
    }
}

fn code(body: &Value) -> ExitCode {
    match verdict(body) {
        "MATCH" => exit::COMPLETE,
        "NO_MATCH" => exit::NOT_FOUND,
        _ => exit::PARTIAL,
    }
    .into()
}

fn verdict(value: &Value) -> &str {
    text(value, "verdict").trim_start_matches("VERDICT_")
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    let list = value.get(key).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_numbered_in_the_order_of_the_options() {
        let given = Claims {
            equals: vec!["population.name = Nguyễn Văn Thử".to_owned()],
            age_at_least: Some(18),
            alive: true,
            relation: vec!["spouse=999199000002".to_owned()],
            status: vec!["married".to_owned()],
        };
        let all = claims(&given, Mode::NoDiacritics).unwrap();
        assert_eq!(
            Value::from(all),
            json!([
                {"claimId": "1", "equals": {"path": "population.name", "value": "Nguyễn Văn Thử", "mode": "MATCH_MODE_NO_DIACRITICS"}},
                {"claimId": "2", "ageAtLeast": {"years": 18}},
                {"claimId": "3", "isAlive": {}},
                {"claimId": "4", "relation": {"other": {"personalId": "999199000002"}, "relation": "RELATION_KIND_SPOUSE"}},
                {"claimId": "5", "status": {"status": "STATUS_KIND_MARRIED"}},
            ])
        );
        for wrong in ["population.name", "=x"] {
            assert!(pair(wrong).is_err(), "{wrong}");
        }
    }
}
