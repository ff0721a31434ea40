//! Claims: what may be verified beside what may be looked up, and how much is told.

use exchange::{Claim, ClaimId, Disclosure, FieldSet, Predicate, Reason, StatusKind, Verification};

use super::fixture::{POLICY, Room, caller, request};

/// An office of `G07` that may see one field and verify another.
const OFFICE: &str = r#"
[[agreement]]
id = "V-1"
agency = "G07"
purposes = ["plain"]
fields = ["population.birth_date"]
verify = ["tax.status"]
valid_from = 2026-01-01
valid_to = 2026-12-31
second_factor = false
"#;

fn room(office: &str) -> Room {
    Room::new(&[POLICY, office].concat())
}

fn verification(predicates: &[Predicate], disclosure: Disclosure) -> Verification {
    let claims = predicates
        .iter()
        .enumerate()
        .map(|(place, predicate)| Claim {
            id: ClaimId::parse(&format!("c{place}")).unwrap(),
            predicate: predicate.clone(),
        });
    let mut request = request("plain");
    request.mask = predicates.iter().map(Predicate::field).collect();
    Verification {
        request: request.into(),
        claims: claims.collect(),
        disclosure,
    }
}

fn wrong(room: &Room, asked: &Verification) -> Vec<String> {
    let office = caller("G07", "office");
    match room.admission.admit_verification(&office, asked) {
        Ok(_) => Vec::new(),
        Err(refusal) => {
            let fault = refusal.fault();
            assert_eq!(fault.reason, Reason::ClaimNotGranted);
            let fields = fault.violations.iter().map(|it| it.field.clone());
            fields.collect()
        }
    }
}

const TAXED: Predicate = Predicate::Status(StatusKind::TaxRegistered);
const WED: Predicate = Predicate::Status(StatusKind::Married);

#[test]
fn what_may_be_seen_may_be_verified_and_not_the_other_way_round() {
    let room = room(OFFICE);
    let asked = verification(&[TAXED, Predicate::AgeAtLeast(18)], Disclosure::default());
    let office = caller("G07", "office");
    let permit = room.admission.admit_verification(&office, &asked).unwrap();
    assert_eq!(*permit.granted(), asked.mask);
    let seen = room.admission.admit(&office, &asked).unwrap();
    let birth_date = Predicate::AgeAtLeast(18).field();
    assert_eq!(*seen.granted(), FieldSet::from_iter([birth_date]));
}

#[test]
fn every_claim_that_is_not_granted_is_told() {
    let asked = verification(&[WED, TAXED, Predicate::IsAlive], Disclosure::PerClaim);
    assert_eq!(
        wrong(&room(OFFICE), &asked),
        ["claims[0]", "claims[2]", "disclosure"]
    );
    let told = OFFICE.replace("verify =", "verify_per_claim = true\nverify =");
    assert_eq!(wrong(&room(&told), &asked), ["claims[0]", "claims[2]"]);
    let granted = verification(&[TAXED], Disclosure::PerClaim);
    assert_eq!(wrong(&room(&told), &granted), [""; 0]);
}

#[test]
fn an_agreement_may_be_for_verification_alone() {
    let alone = OFFICE.replace("fields =", "# fields =");
    let room = room(&alone);
    let asked = verification(&[TAXED], Disclosure::default());
    assert_eq!(wrong(&room, &asked), [""; 0]);
    let grants = room.admission.grants(&caller("G07", "office"));
    assert!(grants[0].fields.is_empty());
    assert_eq!(grants[0].verify, asked.mask);
}
