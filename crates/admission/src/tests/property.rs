//! For every mask and every agreement.

use exchange::{FIELDS, Field, FieldSet, Request};
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::fixture::{Room, desk, request};

fn policy(fields: &[Field]) -> String {
    let paths: Vec<&str> = fields.iter().map(|field| field.path()).collect();
    format!(
        r#"
[[purpose]]
code = "plain"
title_vi = "Đơn giản"
title_en = "Plain"
legal_basis = "Luật 26/2023/QH15"

[[agreement]]
id = "A-1"
agency = "H55"
purposes = ["plain"]
fields = {paths:?}
valid_from = 2026-01-01
valid_to = 2026-12-31
second_factor = false

[quota]
requests_per_minute = 1
burst = 1
"#
    )
}

fn some_of_all(least: usize) -> impl Strategy<Value = Vec<Field>> {
    let all: Vec<Field> = FIELDS.iter().map(|info| info.field).collect();
    let most = all.len();
    subsequence(all, least..=most)
}

proptest! {
    #[test]
    fn what_is_granted_lies_in_mask_and_agreement_and_the_rest_is_withheld(
        agreed in some_of_all(1),
        asked in some_of_all(0),
    ) {
        let room = Room::new(&policy(&agreed));
        let agreed: FieldSet = agreed.into_iter().collect();
        let mask: FieldSet = asked.into_iter().collect();
        let request = Request { mask, ..request("plain") };
        let permit = room.admission.admit(&desk(), &request).unwrap();
        let (granted, withheld) = (permit.granted(), permit.withheld());
        prop_assert!(granted.minus(&mask).is_empty());
        prop_assert!(granted.minus(&agreed).is_empty());
        prop_assert!(withheld.and(&agreed).is_empty());
        prop_assert!(granted.and(withheld).is_empty());
        prop_assert_eq!(granted.or(withheld), mask);
    }
}
