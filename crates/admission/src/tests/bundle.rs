//! A policy that is a directory: what belongs to it, what is signed of it, and what is wrong where.

use std::fs;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use tempfile::TempDir;

use super::fixture::{NOON, StoppedClock, caller};
use crate::{Admission, Bundle, Error, Policy};

/// A copy of the example.
fn example() -> TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bundle");
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("agreements")).unwrap();
    for folder in ["", "agreements"] {
        for entry in fs::read_dir(from.join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_file() {
                fs::copy(
                    entry.path(),
                    copy.path().join(folder).join(entry.file_name()),
                )
                .unwrap();
            }
        }
    }
    copy
}

fn edit(folder: &TempDir, file: &str, from: &str, to: &str) {
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn problems(folder: &TempDir) -> Vec<String> {
    match Policy::load(folder.path()) {
        Err(Error::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_file_is_an_agreement_in_force() {
    let policy = Policy::load(example().path()).unwrap();
    let admission = Admission::new(policy, StoppedClock::at(NOON));
    let granted = |agency, system| {
        let grants = admission.grants(&caller(agency, system));
        let ids = grants.iter().map(|grant| grant.agreement.to_string());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(granted("H55", "one-stop-desk"), ["A-101"]);
    assert_eq!(granted("G12", "tax-registry"), ["A-102"]);
    assert_eq!(granted("G03", "auditor"), ["A-104"]);
}

#[test]
fn everything_wrong_in_every_file_is_told_at_once_with_its_file() {
    let folder = example();
    edit(&folder, "purposes.toml", "title_vi", "titel_vi");
    edit(&folder, "agreements/A-101.toml", "\"health\"", "\"helth\"");
    edit(&folder, "agreements/A-102.toml", "2030-12-31", "2025-12-31");
    edit(
        &folder,
        "agreements/A-104.toml",
        "id = \"A-104\"",
        "id = \"A-103\"",
    );
    edit(&folder, "agencies.toml", "name_en", "name_fr");
    edit(
        &folder,
        "quotas.toml",
        "system = \"claims\"",
        "system = \"claim\"",
    );
    fs::write(folder.path().join("agreements/A-101.toml~"), "").unwrap();
    fs::write(folder.path().join("README"), "").unwrap();
    assert_eq!(
        problems(&folder),
        [
            "README: is no file of a policy",
            "agreements/A-101.toml~: is no file of a policy",
            "purposes.toml: purpose[0].title_vi: is missing",
            "purposes.toml: purpose[0].titel_vi: unknown key",
            "agreements/A-101.toml: fields[1]: unknown field path \"helth\"",
            "agreements/A-102.toml: valid_to: lies before valid_from",
            "agreements/A-104.toml: id: \"A-103\" stands twice",
            "agencies.toml: agency[0].name_en: is missing",
            "agencies.toml: agency[0].name_fr: unknown key",
            "quotas.toml: quota.caller[0].system: no agreement is open to the system \"claim\"",
        ]
    );
}

#[test]
fn an_agreement_is_found_by_its_id_and_nothing_is_looked_for_in_another_file() {
    let folder = example();
    let file = |name: &str| folder.path().join("agreements").join(name);
    fs::rename(file("A-104.toml"), file("A-105.toml")).unwrap();
    let quota = fs::read_to_string(folder.path().join("quotas.toml")).unwrap();
    fs::write(folder.path().join("quotas.toml"), "").unwrap();
    edit(
        &folder,
        "agencies.toml",
        "[[agency]]",
        &format!("{quota}\n[[agency]]"),
    );
    assert_eq!(
        problems(&folder),
        [
            "agreements/A-105.toml: id: is not \"A-105\", the name of its file",
            "quotas.toml: quota: is missing",
            "agencies.toml: quota: unknown key",
        ]
    );
}

#[test]
fn every_file_that_is_no_toml_is_told() {
    let folder = example();
    edit(&folder, "agreements/A-101.toml", "id =", "id");
    edit(&folder, "quotas.toml", "[quota]", "[quota");
    let Err(Error::Syntax(broken)) = Policy::load(folder.path()) else {
        panic!("it is no TOML");
    };
    let files: Vec<_> = broken.iter().map(|it| it.file.as_str()).collect();
    assert_eq!(files, ["agreements/A-101.toml", "quotas.toml"]);
}

#[test]
fn the_digest_is_the_hash_of_the_list_and_the_list_that_of_every_file() {
    let folder = example();
    let bundle = Bundle::read(folder.path()).unwrap();
    let hash = |bytes: &[u8]| hex::encode(digest(&SHA256, bytes));
    let list = bundle.list();
    assert!(list.starts_with("lienthong policy bundle v1\n"));
    assert_eq!(list.lines().count(), 8);
    let quotas = fs::read(folder.path().join("quotas.toml")).unwrap();
    assert!(list.contains(&format!("{}  quotas.toml\n", hash(&quotas))));
    assert_eq!(hex::encode(bundle.digest()), hash(list.as_bytes()));
    let policy = Policy::compile(&bundle).unwrap();
    assert_eq!(*policy.digest(), bundle.digest());
    // Neither a signature nor what an editor leaves makes another policy of it.
    fs::write(folder.path().join("bundle.note"), "any").unwrap();
    fs::write(folder.path().join("agreements/.A-101.swp"), "any").unwrap();
    let again = Bundle::read(folder.path()).unwrap();
    assert_eq!(again.digest(), bundle.digest());
    assert_eq!(again.note(), Some(b"any".as_slice()));
}

#[test]
fn each_difference_from_what_was_signed_is_told() {
    let folder = example();
    let signed = Bundle::read(folder.path()).unwrap().list();
    let differences = || {
        let bundle = Bundle::read(folder.path()).unwrap();
        let all = bundle.differences(&signed);
        all.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(differences().is_empty());
    edit(&folder, "quotas.toml", "600", "601");
    fs::remove_file(folder.path().join("agencies.toml")).unwrap();
    fs::write(folder.path().join("agreements/A-999.toml"), "").unwrap();
    assert_eq!(
        differences(),
        [
            "agencies.toml: is signed and is not there",
            "quotas.toml: was altered after it was signed",
            "agreements/A-999.toml: is not in the list that was signed",
        ]
    );
}
