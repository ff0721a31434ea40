//! Dry runs: what is told of sources that would not be asked, and that nothing is asked or recorded.

use std::sync::Arc;

use api::v1::{Completeness, WithheldReason as Why};
use exchange::{IdentifierKind, Request, Source};

use super::office::Office;
use super::world::{World, call, named, switch};

fn dry(paths: &[&'static str]) -> Arc<Request> {
    let mut asked = named(IdentifierKind::Personal, "999099000001", paths);
    Arc::make_mut(&mut asked).dry_run = true;
    asked
}

#[tokio::test]
async fn a_dry_run_tells_of_sources_that_nobody_would_ask() {
    let world = World::new([Office::answers(Source::Tax)]);
    let asked = dry(&["population.sex", "population.name", "tax.status"]);
    let reply = world.gate.lookup(&call(), &asked).await.unwrap();
    let told = |reply: &api::v1::LookupCitizenResponse| {
        let withheld = reply.withheld.iter();
        withheld
            .map(|it| (it.path.clone(), it.reason()))
            .collect::<Vec<_>>()
    };
    let own = |path: &str, why| (path.to_owned(), why);
    let mut expected = vec![
        own("population.name", Why::NotInAgreement),
        own("population.sex", Why::SourceNotConfigured),
    ];
    let mut said = told(&reply.message);
    said.sort();
    assert_eq!(said, expected);
    let reasons = reply.message.sources.iter().map(|it| it.reason.as_str());
    assert_eq!(reasons.collect::<Vec<_>>(), ["NOT_CONFIGURED", "DRY_RUN"]);
    assert_eq!(reply.message.completeness(), Completeness::Partial);
    let whole = world.gate.lookup(&call(), &dry(&["tax.status"])).await;
    assert_eq!(
        whole.unwrap().message.completeness(),
        Completeness::Complete
    );

    world.switches.replace([switch("source:tax")]);
    let reply = world.gate.lookup(&call(), &asked).await.unwrap();
    expected.push(own("tax.status", Why::SourceSuspended));
    let mut said = told(&reply.message);
    said.sort();
    assert_eq!(said, expected);
    assert!(world.seen.all().is_empty(), "somebody was asked");
    let leaves = world.close().await;
    assert!(leaves.iter().all(|leaf| leaf["t"] != "ACCESS"));
}

#[tokio::test]
async fn an_answer_that_was_asked_for_names_no_reasons() {
    let world = World::new([Office::answers(Source::Tax)]);
    let asked = named(
        IdentifierKind::Personal,
        "999099000001",
        &["population.name", "tax.status"],
    );
    let reply = world.gate.lookup(&call(), &asked).await.unwrap();
    assert!(reply.message.withheld.is_empty());
    assert_eq!(reply.message.withheld_paths, ["population.name"]);
    world.close().await;
}
