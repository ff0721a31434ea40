//! From the command line to the JSON of a lookup.

use exchange::{PartialDate, RequestId};
use serde_json::{Value, json};

use crate::cli::{Asked, Kind, Lookup};
use crate::exit;

/// The body of `POST /v1/citizens:lookup`.
pub(crate) fn json(arguments: &Lookup, purpose: &str, fields: &[String]) -> anyhow::Result<Value> {
    let mut question = about(&arguments.asked, purpose)?;
    if let Some(question) = question.as_object_mut() {
        let mask = fields.iter().map(|path| camel(path)).collect::<Vec<_>>();
        question.insert("readMask".to_owned(), json!(mask.join(",")));
        if arguments.dry_run {
            question.insert("dryRun".to_owned(), json!(true));
        }
    }
    Ok(question)
}

/// What every question has: why, for whom, and about whom.
pub(crate) fn about(arguments: &Asked, purpose: &str) -> anyhow::Result<Value> {
    let mut context = json!({"requestId": RequestId::fresh().to_string(), "purposeCode": purpose});
    let optional = [
        ("agreementId", &arguments.agreement),
        ("procedureCode", &arguments.procedure),
        ("dossierNo", &arguments.dossier),
        ("officerId", &arguments.officer),
    ];
    for (key, value) in optional {
        if let (Some(value), Some(context)) = (value, context.as_object_mut()) {
            context.insert(key.to_owned(), json!(value));
        }
    }
    Ok(json!({"context": context, "subject": subject(arguments)?}))
}

fn subject(arguments: &Asked) -> anyhow::Result<Value> {
    let id = arguments.id.trim();
    let kind = match (arguments.kind, id.len()) {
        (Some(kind), _) => kind,
        (None, 9) => Kind::Legacy,
        (None, 10) => return Err(exit::USAGE.because(TEN_DIGITS)),
        (None, _) => Kind::Personal,
    };
    let key = match kind {
        Kind::Personal => "personalId",
        Kind::Legacy => "legacyId",
        Kind::Tax => "taxCode",
        Kind::Insurance => "insuranceCode",
    };
    let mut hints = json!({});
    if let (Some(name), Some(hints)) = (&arguments.name, hints.as_object_mut()) {
        hints.insert("fullName".to_owned(), json!(name));
    }
    if let (Some(date), Some(hints)) = (&arguments.birth_date, hints.as_object_mut()) {
        let date = PartialDate::parse(date)
            .ok_or_else(|| exit::USAGE.because(format!("{date} is no date")))?;
        let date = json!({
            "year": date.year(),
            "month": date.month().unwrap_or_default(),
            "day": date.day().unwrap_or_default(),
        });
        hints.insert("birthDate".to_owned(), date);
    }
    Ok(json!({key: id, "hints": hints}))
}

/// `civil_status.birth_date` → `civilStatus.birthDate`, as proto-JSON spells masks.
fn camel(path: &str) -> String {
    let mut parts = path.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut out, part| {
        let (head, tail) = part.split_at(part.len().min(1));
        out.push_str(&head.to_uppercase());
        out.push_str(tail);
        out
    })
}

const TEN_DIGITS: &str = "10 digits are a tax or an insurance code: say which with --kind";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_spelt_as_proto_json_asks() {
        assert_eq!(camel("civil_status.birth_date"), "civilStatus.birthDate");
        assert_eq!(camel("tax.status"), "tax.status");
    }
}
