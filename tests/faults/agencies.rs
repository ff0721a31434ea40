//! The simulated agencies from outside: their knobs, their journals, and who is connected to them.

use std::collections::BTreeSet;

use exchange::Source;
use serde_json::{Value, json};
use tests::{Rest, Sandbox};

/// A fault for one person at one source.
pub(crate) async fn spoil(sandbox: &Sandbox, source: Source, fault: &str, subject: &str) {
    let knobs = json!({"faults": [{"fault": fault, "subject": subject}]});
    knob(sandbox, source, &knobs).await;
}

/// Sets the knobs of a source.
pub(crate) async fn knob(sandbox: &Sandbox, source: Source, knobs: &Value) {
    let set = control(sandbox, source).put("/knobs", knobs).await;
    assert_eq!(set.status, 200, "{source}: {}", set.text);
}

/// The faults that the wire of a source can do.
pub(crate) async fn offered(sandbox: &Sandbox, source: Source) -> Vec<String> {
    let faults = control(sandbox, source).get("/faults").await.unwrap();
    serde_json::from_str(&faults.text).unwrap()
}

/// What a source was asked so far.
pub(crate) async fn journal(sandbox: &Sandbox, source: Source) -> Vec<Value> {
    let journal = control(sandbox, source).get("/journal").await.unwrap();
    journal.json()["entries"].as_array().unwrap().clone()
}

/// What a source was asked since this was last asked.
pub(crate) async fn taken(sandbox: &Sandbox, source: Source) -> Vec<Value> {
    let control = control(sandbox, source);
    let taken = control.post("/journal:take", String::new(), &[]).await;
    taken.unwrap().json()["entries"].as_array().unwrap().clone()
}

/// How often a source was asked about a person.
pub(crate) async fn asked(sandbox: &Sandbox, source: Source, subject: &str) -> usize {
    let entries = journal(sandbox, source).await;
    let about = entries.iter().filter(|entry| entry["subject"] == subject);
    // The record beside them is what counts.
    about
        .filter(|entry| entry["operation"] != "StreamObligations")
        .count()
}

/// How often a source was logged in to.
pub(crate) async fn logins(sandbox: &Sandbox, source: Source) -> usize {
    let entries = journal(sandbox, source).await;
    let is_login = |entry: &&Value| {
        let operation = entry["operation"].as_str().unwrap_or_default();
        ["DangNhap", "token", "login"].contains(&operation)
    };
    entries.iter().filter(is_login).count()
}

/// The ports from which a process is connected to a source.
pub(crate) fn connections(pid: u32, sandbox: &Sandbox, source: Source) -> BTreeSet<u16> {
    let held = sockets(pid);
    let url: url::Url = sandbox
        .text(&format!("/agencies/{source}/url"))
        .parse()
        .unwrap();
    let port = format!(":{:04X}", url.port().unwrap());
    let mut ports = BTreeSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = std::fs::read_to_string(table).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, remote, state, _, _, _, _, _, inode, ..] = fields.as_slice() else {
                continue;
            };
            if remote.ends_with(&port) && *state == ESTABLISHED && held.contains(*inode) {
                let (_, local) = local.rsplit_once(':').unwrap();
                ports.insert(u16::from_str_radix(local, 16).unwrap());
            }
        }
    }
    ports
}

/// The sockets that a process holds, by their inodes.
fn sockets(pid: u32) -> BTreeSet<String> {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let inodes = links.filter_map(|link| {
        let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        Some(inode.to_owned())
    });
    inodes.collect()
}

fn control(sandbox: &Sandbox, source: Source) -> Rest {
    Rest::plain(sandbox.text(&format!("/agencies/{source}/control")))
}

const ESTABLISHED: &str = "01";
