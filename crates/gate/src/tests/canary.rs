//! Who asks about a canary is told of; the answer and the record are those of anybody else.

use std::sync::Arc;

use exchange::{IdentifierKind, PurposeCode, Source};

use super::world::CANARY;
use super::*;

fn question(number: &str) -> Arc<exchange::Request> {
    named(IdentifierKind::Personal, number, &["population.sex"])
}

#[tokio::test]
async fn a_canary_is_answered_and_recorded_as_anybody_and_told_of() {
    let world = World::new([Office::answers(Source::Population)]);
    let (about_canary, about_other) = (question(CANARY), question("999099000078"));
    let first = world.gate.lookup(&call(), &about_canary).await.unwrap();
    let second = world.gate.lookup(&call(), &about_other).await.unwrap();
    assert_eq!(first.message.sources.len(), second.message.sources.len());
    let hit = format!("H55 desk {}", about_canary.context.id);
    assert_eq!(world.seen.hits(), [hit]);
    let leaves = world.close().await;
    let of = |request: &exchange::Request| {
        let rid = request.context.id.to_string();
        let leaf = leaves.iter().find(|leaf| leaf["rid"] == rid.as_str());
        let mut leaf = leaf.unwrap().clone();
        // What differs between any two.
        for key in ["ts", "opened", "rid", "sub"] {
            leaf.as_object_mut().unwrap().remove(key);
        }
        leaf["src"][0].as_object_mut().unwrap().remove("r");
        leaf
    };
    assert_eq!(of(&about_canary), of(&about_other));
}

#[tokio::test]
async fn whoever_is_refused_is_told_of_too() {
    let world = World::new([Office::answers(Source::Population)]);
    let mut request = question(CANARY);
    Arc::make_mut(&mut request).context.purpose = PurposeCode::parse("NO_PURPOSE").unwrap();
    world.gate.lookup(&call(), &request).await.unwrap_err();
    assert_eq!(world.seen.hits().len(), 1);
}
