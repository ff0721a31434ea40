//! `bench admission`: what one decision costs, and the whole of admission with everything that an
//! agreement can ask for.
//!
//! CPU time of this process over many calls on one thread, with a policy of a country's size. Not
//! measured: two cores that decide for the same caller at once.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use admission::{Admission, Consent, Consents, Policy, day_begins};
use anyhow::{Context as _, ensure};
use clap::Args;
use exchange::{
    AgencyCode, CallContext, Caller, ConsentId, Criticality, DossierNo, FieldSet, Identifier,
    IdentifierKind, MatchHints, OfficerId, PartialDate, ProcedureCode, PurposeCode, Request,
    RequestId, Source, SourceSet, Subject, SystemClock, SystemId,
};
use jiff::civil::date;
use serde_json::json;

use crate::process;

/// Arguments of `admission`.
#[derive(Debug, Args)]
pub(crate) struct Decisions {
    /// How many calls are decided, of each kind.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) calls: u32,
    /// How many agencies have agreements.
    #[arg(long, default_value_t = 500)]
    pub(crate) agencies: u32,
}

impl Decisions {
    /// Decides; returns JSON.
    ///
    /// # Errors
    /// A call is refused, or the CPU time cannot be read.
    pub(crate) fn run(&self) -> anyhow::Result<String> {
        ensure!(
            self.calls > 0 && self.agencies > 0,
            "nothing is to be decided"
        );
        let policy = Policy::parse(self.policy()?.as_bytes())?;
        let folder = std::env::temp_dir().join(format!("bench-admission-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let consents = consents(&folder);
        // Read into memory by now.
        std::fs::remove_dir_all(&folder)?;
        let admission = Admission::new(policy, Arc::new(SystemClock));
        let admission = admission.with_consents(Arc::new(consents?));
        let decision_us = self.measure(&admission, &question(PLAIN)?)?;
        let whole_us = self.measure(&admission, &question(WHOLE)?)?;
        Ok(json!({"decision_us": decision_us, "whole_us": whole_us}).to_string())
    }

    fn measure(&self, admission: &Admission, request: &Request) -> anyhow::Result<f64> {
        let agency = AgencyCode::parse("X0").context("no agency")?;
        let system = SystemId::parse("desk").context("no system")?;
        let caller = Caller::new(agency, system, &"0".repeat(64));
        let pid = std::process::id();
        let before = process::cpu_time(pid)?;
        for _ in 0..self.calls {
            let permit = admission.admit(black_box(&caller), black_box(request));
            let permit = permit.map_err(|refusal| anyhow::anyhow!("{}", refusal.fault()))?;
            ensure!(!permit.granted().is_empty(), "nothing is granted");
            drop(black_box(permit));
        }
        let took = process::cpu_time(pid)?.saturating_sub(before);
        Ok(took.as_secs_f64() * 1e6 / f64::from(self.calls))
    }

    /// Two agreements for each agency: one that asks for nothing, one that asks for everything.
    fn policy(&self) -> anyhow::Result<String> {
        let mut text = String::from(HEAD);
        for agency in 0..self.agencies {
            for (purpose, asks) in [(PLAIN, ""), (WHOLE, EVERYTHING)] {
                write!(
                    text,
                    "[[agreement]]\nid = \"A-{agency}-{purpose}\"\nagency = \"X{agency}\"\n\
                     systems = [\"desk\"]\npurposes = [\"{purpose}\"]\nfields = [\"tax\"]\n\
                     valid_from = 2026-01-01\nvalid_to = 2099-12-31\n"
                )?;
                text.push_str(if asks.is_empty() {
                    "second_factor = false\n"
                } else {
                    asks
                });
            }
        }
        Ok(text)
    }
}

/// A registry with the consent that the whole question names, among others.
fn consents(folder: &std::path::Path) -> anyhow::Result<Consents> {
    let consents = Consents::open(&folder.join("consents"))?;
    let midnight = |year| day_begins(date(year, 1, 1)).context("no such day");
    for number in 0..100_u32 {
        consents.register(&Consent {
            id: ConsentId::parse(&format!("C-{number}"))?,
            subjects: vec![person()?],
            agency: AgencyCode::parse("X0").context("no agency")?,
            purposes: vec![PurposeCode::parse(WHOLE)?],
            fields: FieldSet::of(Source::Tax),
            valid_from: midnight(2026)?,
            valid_to: midnight(2099)?,
        })?;
    }
    Ok(consents)
}

fn person() -> anyhow::Result<Identifier> {
    let person = Identifier::parse(IdentifierKind::Personal, "999099000001", 2026);
    person.map_err(|_| anyhow::anyhow!("no number"))
}

/// A question for the tax fields, with everything that the agreements for its purpose ask for.
fn question(purpose: &str) -> anyhow::Result<Request> {
    Ok(Request {
        context: CallContext {
            id: RequestId::fresh(),
            purpose: PurposeCode::parse(purpose)?,
            agreement: None,
            procedure: Some(ProcedureCode::parse("2.000815")?),
            dossier: Some(DossierNo::parse("HS-1")?),
            officer: Some(OfficerId::parse("CB-1")?),
            consent: match purpose {
                WHOLE => Some(ConsentId::parse("C-7")?),
                _ => None,
            },
            criticality: Criticality::BackOffice,
            reason: None,
        },
        subject: Subject {
            identifier: person()?,
            hints: MatchHints {
                full_name: Some("NGUYỄN VĂN THỬ".to_owned()),
                birth_date: PartialDate::parse("1999-01-01"),
            },
        },
        mask: FieldSet::of(Source::Tax),
        required: SourceSet::EMPTY,
        dry_run: false,
    })
}

const PLAIN: &str = "PLAIN";
const WHOLE: &str = "WHOLE";
const HEAD: &str = r#"
[[purpose]]
code = "PLAIN"
title_vi = "Đơn giản"
title_en = "Plain"
legal_basis = "-"

[[purpose]]
code = "WHOLE"
title_vi = "Đầy đủ"
title_en = "Whole"
legal_basis = "-"
procedure_required = true
dossier_required = true
officer_required = true

[quota]
requests_per_minute = 10000000
burst = 10000000

[quota.officer]
requests_per_minute = 10000000
burst = 10000000

[[quota.source]]
source = "tax"
requests_per_minute = 10000000
burst = 10000000

"#;
const EVERYTHING: &str = "procedures = [\"2.000815\"]\nconsent_required = true\n\
    hours = [\"MON-SUN 00:00-24:00\"]\nlast_four_only = [\"tax.old_tax_codes\"]\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_admitted_and_both_costs_are_told() {
        let few = Decisions {
            calls: 10,
            agencies: 3,
        };
        let told: serde_json::Value = serde_json::from_str(&few.run().unwrap()).unwrap();
        assert!(
            told["decision_us"].is_f64() && told["whole_us"].is_f64(),
            "{told}"
        );
    }
}
