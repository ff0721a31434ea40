//! Numbers behind which an agency finds a person.

use adapter::Resolution;
use exchange::{CitizenId, Identifier, IdentifierKind, SourceState};
use sim::World;
use tests::Bench;

/// Ordinary people, until one has the number that is looked for.
fn people(world: &World) -> impl Iterator<Item = sim::Person> {
    (1000..4000).filter_map(|serial| {
        let id = CitizenId::from_agency(&format!("999099{serial:06}"))?;
        world.person(&id)
    })
}

/// A number of that kind, and the person it stands for.
fn number(kind: IdentifierKind, world: &World) -> (Identifier, CitizenId) {
    let find = |text: Option<String>| text.map(Box::from);
    for person in people(world) {
        let id = person.personal_id;
        let found = match kind {
            IdentifierKind::Personal => {
                let old = person.previous_ids.first();
                old.map(|old| Identifier::Personal(old.personal_id))
            }
            IdentifierKind::Legacy => {
                let numbers = person.legacy_ids.iter();
                let mut numbers = numbers;
                let own = numbers.rfind(|n| world.by_legacy(n).len() == 1);
                find(own.cloned()).map(Identifier::Legacy)
            }
            IdentifierKind::TaxCode => {
                find(person.tax.old_tax_codes.first().cloned()).map(Identifier::TaxCode)
            }
            IdentifierKind::InsuranceCode => Some(person.social.insurance_code.clone())
                .filter(|code| code.len() == 10)
                .map(|code| Identifier::InsuranceCode(code.into())),
        };
        if let Some(identifier) = found {
            return (identifier, id);
        }
    }
    panic!("nobody has a number of kind {kind:?}");
}

#[tokio::test]
async fn every_kind_of_number_an_agency_resolves_leads_to_its_person() {
    let mut kinds = 0;
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        for kind in bench.agency.resolves() {
            let (identifier, id) = number(*kind, &bench.world);
            let resolution = bench.resolve(identifier).await;
            let resolution = resolution.unwrap_or_else(|miss| panic!("{kind:?}: {miss}"));
            let expected = match kind {
                IdentifierKind::Personal => Resolution::Superseded(id),
                IdentifierKind::Legacy
                | IdentifierKind::TaxCode
                | IdentifierKind::InsuranceCode => Resolution::Current(id),
            };
            assert_eq!(resolution, expected, "{kind:?}");
            kinds += 1;
        }
        bench.sim.stop().await;
    }
    assert!(kinds >= agencies::ALL.len() / 2, "{kinds} kinds of number");
}

#[tokio::test]
async fn a_number_that_nobody_has_is_not_found() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        for kind in bench.agency.resolves() {
            let identifier = match kind {
                IdentifierKind::Personal => {
                    Identifier::Personal(CitizenId::from_agency("001099000001").unwrap())
                }
                IdentifierKind::Legacy => Identifier::Legacy("000000000".into()),
                IdentifierKind::TaxCode => Identifier::TaxCode("0100233488".into()),
                IdentifierKind::InsuranceCode => Identifier::InsuranceCode("0000000000".into()),
            };
            let resolution = bench.resolve(identifier).await;
            let resolution = resolution.unwrap_or_else(|miss| panic!("{kind:?}: {miss}"));
            assert_eq!(resolution, Resolution::NotFound, "{kind:?}");
        }
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn a_number_of_several_people_is_ambiguous() {
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        if bench.agency.resolves().contains(&IdentifierKind::Legacy) {
            let persona = CitizenId::from_agency("999099000005").unwrap();
            let person = bench.world.person(&persona).unwrap();
            let shared = person
                .legacy_ids
                .iter()
                .find(|n| bench.world.by_legacy(n).len() > 1);
            let shared = shared.expect("the persona shares a number").clone();
            let resolution = bench
                .resolve(Identifier::Legacy(shared.into()))
                .await
                .unwrap();
            assert_eq!(resolution, Resolution::Ambiguous { candidates: 2 });
        }
        bench.sim.stop().await;
    }
}

#[tokio::test]
async fn an_agency_that_resolves_nothing_says_so_unasked() {
    let mut agencies = 0;
    for entry in agencies::ALL {
        let bench = Bench::start(entry).await;
        if bench.agency.resolves().is_empty() {
            let miss = bench.resolve(Identifier::Legacy("000000000".into())).await;
            let miss = miss.unwrap_err();
            let said = (miss.state, miss.reason, miss.attempts);
            assert_eq!(said, (SourceState::Skipped, "NOT_SERVED", 0));
            agencies += 1;
        }
        bench.sim.stop().await;
    }
    assert!(agencies > 0);
}
