//! A policy is swapped whole, or not at all.

use std::fs;
use std::path::PathBuf;

use exchange::Reason;
use tempfile::TempDir;

use super::fixture::{POLICY, Room, caller, desk, request};
use crate::{Error, Policy, Reload};

fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agreements.toml");
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn reload(room: &Room, text: &str) -> Result<Reload, Error> {
    let (_dir, path) = file(text);
    Policy::load(&path).map(|policy| room.admission.replace(policy))
}

#[test]
fn a_good_policy_replaces_the_old_one() {
    let room = Room::new(POLICY);
    let before = room.admission.policy_digest();
    let without_desk = POLICY.replace("\"desk\"", "\"counter\"");
    assert_eq!(reload(&room, &without_desk).unwrap(), Reload::Swapped);
    assert_ne!(room.admission.policy_digest(), before);
    let refusal = room
        .admission
        .admit(&desk(), &request("plain"))
        .unwrap_err();
    assert_eq!(refusal.fault().reason, Reason::CallerUnknown);
    assert!(
        room.admission
            .admit(&caller("H55", "counter"), &request("plain"))
            .is_ok()
    );
}

#[test]
fn a_bad_policy_leaves_the_old_one_in_force() {
    let room = Room::new(POLICY);
    let before = room.admission.policy_digest();
    let wrong = POLICY.replace("fields = [\"health\"]", "fields = [\"helth\"]");
    assert!(matches!(reload(&room, &wrong), Err(Error::Invalid(_))));
    assert!(matches!(reload(&room, "[["), Err(Error::Syntax(_))));
    let missing = PathBuf::from("no/such/file");
    assert!(matches!(Policy::load(&missing), Err(Error::Read { .. })));
    assert_eq!(room.admission.policy_digest(), before);
    assert!(room.admission.admit(&desk(), &request("plain")).is_ok());
}

#[test]
fn the_same_bytes_change_nothing() {
    let room = Room::new(POLICY);
    for _ in 0..100 {
        assert_eq!(reload(&room, POLICY).unwrap(), Reload::Unchanged);
    }
}

#[test]
fn a_reload_does_not_refill_the_quota_of_who_stays() {
    let room = Room::new(POLICY);
    drop(room.admission.admit(&desk(), &request("plain")));
    assert_eq!(
        reload(&room, &format!("{POLICY}\n")).unwrap(),
        Reload::Swapped
    );
    assert_eq!(room.admission.quota(&desk()).unwrap().remaining, 2);
}

#[test]
fn a_changed_limit_holds_at_once() {
    let room = Room::new(POLICY);
    let tighter = POLICY.replace("burst = 3", "burst = 1");
    reload(&room, &tighter).unwrap();
    assert!(room.admission.admit(&desk(), &request("plain")).is_ok());
    assert!(room.admission.admit(&desk(), &request("plain")).is_err());
}

#[test]
fn who_left_is_forgotten() {
    let room = Room::new(POLICY);
    drop(room.admission.admit(&desk(), &request("plain")));
    let without_desk = POLICY.replace("\"desk\"", "\"counter\"");
    reload(&room, &without_desk).unwrap();
    reload(&room, POLICY).unwrap();
    assert_eq!(room.admission.quota(&desk()).unwrap().remaining, 3);
}

#[test]
fn the_digest_is_the_hash_of_the_bytes() {
    let empty = "[quota]\nrequests_per_minute = 1\nburst = 1\n";
    let room = Room::new(empty);
    let digest = room.admission.policy_digest();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, empty.as_bytes());
    assert_eq!(digest, hash.as_ref());
}
