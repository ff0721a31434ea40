//! The layers against graphs that keep them and graphs that break them.

use super::*;

fn member(name: &str, ours: &[&str], others: &[&str]) -> Member {
    let used = |ours: bool| {
        move |name: &&str| Use {
            name: (*name).to_owned(),
            ours,
        }
    };
    Member {
        name: name.to_owned(),
        uses: ours
            .iter()
            .map(used(true))
            .chain(others.iter().map(used(false)))
            .collect(),
    }
}

fn breach(member: Member) -> String {
    let mut found = violations(&[member]);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn dependencies_to_a_lower_rank_are_fine() {
    let members = [
        member("exchange", &[], &["jiff"]),
        member("gate", &["exchange", "evidence"], &["tokio"]),
        member("tests", &["gate", "lienthong"], &["tonic"]),
    ];
    assert_eq!(violations(&members), [""; 0]);
    let graph = graph(&members);
    assert_eq!(
        graph,
        "0    exchange\n3    gate       evidence exchange\nside tests      gate lienthong\n"
    );
}

#[test]
fn a_dependency_to_the_same_or_a_higher_rank_is_a_breach() {
    assert!(breach(member("gate", &["agencies"], &[])).contains("no agency knows the road"));
    assert!(breach(member("api", &["edge"], &[])).contains("(rank 4)"));
    assert!(breach(member("edge", &["console"], &[])).contains("lower rank"));
}

#[test]
fn nobody_depends_on_a_crate_at_the_side() {
    assert!(breach(member("lienthong", &["manual"], &[])).contains("at the side"));
    assert!(breach(member("tests", &["xtask"], &[])).contains("at the side"));
}

#[test]
fn a_crate_without_a_rank_is_a_breach() {
    assert!(breach(member("common", &["exchange"], &[])).contains("no rank"));
}

#[test]
fn the_road_names_no_door_and_the_words_no_wire() {
    assert!(breach(member("gate", &[], &["tonic"])).contains("knows no door"));
    assert!(breach(member("exchange", &[], &["serde"])).contains("no wire format"));
}

#[test]
fn manifests_are_read_with_the_dependencies_of_their_tests() {
    let members = members(
        r#"{"packages": [{"name": "gate", "dependencies": [
            {"name": "agencies", "kind": "dev", "path": "/x"}, {"name": "tokio", "kind": null}
        ]}]}"#,
    );
    let members = members.unwrap();
    assert!(members[0].uses[0].ours && !members[0].uses[1].ours);
    assert_eq!(violations(&members).len(), 1);
}

const SOUND: &str = r#"
[[package]]
name = "prost"
version = "0.14.4"
[[package]]
name = "tonic"
version = "0.14.9"
[[package]]
name = "hyper"
version = "1.12.0"
[[package]]
name = "rustls"
version = "0.23.46"
dependencies = ["aws-lc-rs", "rustls-webpki"]
[[package]]
name = "tokio"
version = "1.54.1"
[[package]]
name = "rustls-webpki"
version = "0.103.16"
dependencies = ["ring"]
[[package]]
name = "ring"
version = "0.17.14"
"#;

fn locked(more: &str) -> Vec<String> {
    let lock = format!("{SOUND}{more}");
    lock::violations(&lock::packages(&lock).unwrap())
}

#[test]
fn a_lock_that_only_names_ring_is_sound() {
    assert_eq!(locked(""), [""; 0]);
}

#[test]
fn a_crate_that_brings_another_tls_stack_is_a_breach() {
    let ring = "[[package]]\nname = \"pem\"\nversion = \"1.0.0\"\ndependencies = [\"ring\"]\n";
    assert!(locked(ring)[0].starts_with("pem brings ring"));
    let tls = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\"native-tls 1.0\"]";
    assert!(locked(tls)[0].starts_with("a brings native-tls"));
}

#[test]
fn a_second_version_of_a_heavy_crate_is_a_breach() {
    let second = "[[package]]\nname = \"prost\"\nversion = \"0.13.0\"\n";
    assert_eq!(
        locked(second),
        ["there is one version of prost, and not: 0.14.4, 0.13.0"]
    );
}
