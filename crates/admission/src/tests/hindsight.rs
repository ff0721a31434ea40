//! What a policy says of calls that were recorded.

use exchange::{CallContext, Field, FieldSet, Flag, FlagSet, PurposeCode, Reason};
use jiff::Timestamp;
use proptest::prelude::*;

use super::fixture::{NOON, POLICY, caller, complete, desk, request};
use crate::{Duty, Judged, Policy, Recorded, Verdict};

/// The policy with these lines in agreement A-1.
fn policy(lines: &str) -> Policy {
    let fields = "fields = [\"tax\"]\n";
    let text = POLICY.replacen(fields, &format!("{fields}{lines}\n"), 1);
    Policy::parse(text.as_bytes()).unwrap()
}

fn recorded(context: CallContext) -> Recorded {
    Recorded {
        caller: desk(),
        context,
        at: NOON.parse().unwrap(),
        released: [Field::TaxTaxCode, Field::TaxStatus].into_iter().collect(),
        masked: FieldSet::EMPTY,
        duty: None,
    }
}

fn admitted(agreement: &str) -> Judged {
    Judged::Admitted {
        agreement: agreement.into(),
        withheld: FieldSet::EMPTY,
        masked: FieldSet::EMPTY,
        flags: FlagSet::NONE,
    }
}

#[test]
fn the_same_policy_decides_as_it_did() {
    let policy = policy("");
    let plain = recorded(request("plain").context);
    assert_eq!(policy.judge(&plain), admitted("A-1"));
    // The record of a call has no second factor; the agreement asks for one.
    let strict = recorded(complete().context);
    assert_eq!(policy.judge(&strict), admitted("A-2"));
    let unknown = recorded(request("curiosity").context);
    assert_eq!(
        policy.judge(&unknown),
        Judged::Refused(Reason::PurposeUnknown)
    );
    let late = Recorded {
        at: "2027-01-01T00:00:00+07:00".parse().unwrap(),
        ..plain
    };
    assert_eq!(
        policy.judge(&late),
        Judged::Refused(Reason::AgreementExpired)
    );
}

#[test]
fn what_another_policy_would_hold_back_or_flag_is_told() {
    let plain = recorded(request("plain").context);
    let policy_of =
        |from: &str, to: &str| Policy::parse(POLICY.replacen(from, to, 1).as_bytes()).unwrap();
    let narrower = policy_of("fields = [\"tax\"]", "fields = [\"tax.tax_code\"]");
    let status: FieldSet = [Field::TaxStatus].into_iter().collect();
    let Judged::Admitted { withheld, .. } = narrower.judge(&plain) else {
        panic!("it is admitted");
    };
    assert_eq!(withheld, status);
    let masking = policy("last_four_only = [\"tax.old_tax_codes\"]");
    assert_eq!(masking.judge(&plain), admitted("A-1"));
    let masking = policy_of(
        "fields = [\"tax\"]",
        "fields = [\"tax\"]\nlast_four_only = [\"tax.tax_code\"]",
    );
    let code: FieldSet = [Field::TaxTaxCode].into_iter().collect();
    let Judged::Admitted { masked, .. } = masking.judge(&plain) else {
        panic!("it is admitted");
    };
    assert_eq!(masked, code);
    let was_masked = Recorded {
        masked: code,
        ..plain.clone()
    };
    assert_eq!(masking.judge(&was_masked), admitted("A-1"));
    let nights = policy("hours = [\"MON-SUN 22:00-24:00\"]\noutside_hours = \"FLAG\"");
    let Judged::Admitted { flags, .. } = nights.judge(&plain) else {
        panic!("it is admitted");
    };
    assert!(flags.has(Flag::OutOfHours));
}

#[test]
fn the_agreement_in_the_record_decides_only_where_several_fit() {
    let of_g12 = |agreement: &str| {
        let mut recorded = recorded(request("plain").context);
        recorded.caller = caller("G12", "claims");
        recorded.context.agreement = exchange::AgreementId::parse(agreement).ok();
        recorded
    };
    let Judged::Admitted { agreement, .. } = policy("").judge(&of_g12("B-2")) else {
        panic!("it is admitted");
    };
    assert_eq!(&*agreement, "B-2");
    let renamed = POLICY.replace("\"A-1\"", "\"A-7\"");
    let renamed = Policy::parse(renamed.as_bytes()).unwrap();
    let mut plain = recorded(request("plain").context);
    plain.context.agreement = exchange::AgreementId::parse("A-1").ok();
    assert_eq!(renamed.judge(&plain), admitted("A-7"));
}

#[test]
fn each_line_says_what_is_agreed_and_whether_it_is_met() {
    let policy = policy("hours = [\"MON-FRI 07:30-11:30\"]");
    let explained = policy.explain(&recorded(request("plain").context));
    let ids: Vec<_> = explained.iter().map(|it| &*it.agreement).collect();
    assert_eq!(ids, ["A-1", "A-2"]);
    let lines = explained[0].lines.iter();
    let lines: Vec<_> = lines
        .map(|it| (it.key, it.verdict, it.what.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            ("systems", Verdict::Met, "desk"),
            ("purposes", Verdict::Met, "plain"),
            ("valid_from", Verdict::Met, "2026-01-01"),
            ("valid_to", Verdict::Met, "2026-12-31"),
            ("procedures", Verdict::Met, "every one"),
            ("hours", Verdict::Failed, "it was Mon 12:00 in Vietnam"),
            (
                "fields",
                Verdict::Met,
                "tax.tax_code, tax.status left, and is granted"
            ),
        ]
    );
    assert!(!explained[0].admits());
}

proptest! {
    #[test]
    fn an_agreement_that_admits_has_no_line_that_fails_and_no_other_is_without(
        purpose in prop::sample::select(vec!["plain", "strict", "curiosity"]),
        who in prop::sample::select(vec![("H55", "desk"), ("H55", "x"), ("G12", "x"), ("G18", "x"), ("G9", "x")]),
        at in prop::sample::select(vec![NOON, "2025-06-15T12:00:00+07:00", "2027-06-15T12:00:00+07:00"]),
        given in any::<[bool; 3]>(),
        duty in prop::sample::select(vec![None, Some(Duty::SearchRecords)]),
    ) {
        let policy = policy("");
        let mut context = complete().context;
        context.purpose = PurposeCode::parse(purpose).unwrap();
        let [officer, dossier, procedure] = given;
        context.officer = context.officer.filter(|_| officer);
        context.dossier = context.dossier.filter(|_| dossier);
        context.procedure = context.procedure.filter(|_| procedure);
        let recorded = Recorded {
            caller: caller(who.0, who.1),
            at: at.parse::<Timestamp>().unwrap(),
            duty,
            ..recorded(context)
        };
        let explained = policy.explain(&recorded);
        let sound: Vec<_> = explained.iter().filter(|it| it.admits()).map(|it| &it.agreement).collect();
        match policy.judge(&recorded) {
            Judged::Admitted { agreement, .. } => prop_assert!(sound.contains(&&agreement)),
            // Several may fit, and none be named; that is said before the duty is looked for.
            Judged::Refused(Reason::AgreementRequired) => {
                prop_assert!(duty.is_some() || sound.len() > 1);
            }
            Judged::Refused(_) => prop_assert!(sound.is_empty(), "{:?}", sound),
        }
    }
}
