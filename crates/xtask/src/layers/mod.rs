//! Which crate may use which: every dependency points to a lower rank.
//!
//! Here: the graph, read from cargo, and its test against the tables in `table`. What other
//! people's crates may be in the build at all is in `lock`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::breaches;
use crate::process::{cargo, output};
use table::{BANS, LAYERS, Layer, Rank, layer};

mod lock;
mod table;
#[cfg(test)]
mod tests;

/// A crate of the workspace and what its manifest names.
struct Member {
    name: String,
    uses: Vec<Use>,
}

/// One line of a manifest.
struct Use {
    name: String,
    /// True for a crate of the workspace.
    ours: bool,
}

/// Checks the workspace, and prints its graph by rank.
pub(crate) fn run(root: &Path) -> Result<()> {
    let metadata = ["metadata", "--no-deps", "--format-version", "1"];
    let members = members(&output(&mut cargo(root, &metadata))?)?;
    let mut violations = violations(&members);
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("no Cargo.lock")?;
    violations.extend(lock::violations(&lock::packages(&lock)?));
    if !violations.is_empty() {
        for violation in &violations {
            println!("layers: {violation}");
        }
        bail!("{} in the graph of the crates", breaches(violations.len()));
    }
    print!("{}", graph(&members));
    Ok(())
}

/// Reads what `cargo metadata` prints.
fn members(metadata: &str) -> Result<Vec<Member>> {
    let metadata: Value = serde_json::from_str(metadata)?;
    let list = |value: &Value, name: &str| -> Result<Vec<Value>> {
        let list = value.get(name).and_then(Value::as_array);
        list.cloned().with_context(|| format!("no {name}"))
    };
    let name = |value: &Value| -> Result<String> {
        let name = value.get("name").and_then(Value::as_str);
        Ok(name.context("no name")?.to_owned())
    };
    let mut members = Vec::new();
    for package in list(&metadata, "packages")? {
        let uses = list(&package, "dependencies")?;
        let uses = uses.iter().map(|dependency| {
            Ok(Use {
                name: name(dependency)?,
                ours: dependency.get("path").is_some_and(Value::is_string),
            })
        });
        members.push(Member {
            name: name(&package)?,
            uses: uses.collect::<Result<_>>()?,
        });
    }
    Ok(members)
}

/// Everything that is wrong with the graph. Dependencies of tests and builds count.
fn violations(members: &[Member]) -> Vec<String> {
    let mut found = Vec::new();
    for member in members {
        let Some(from) = layer(&member.name) else {
            found.push(format!(
                "{} has no rank: give it one in LAYERS",
                member.name
            ));
            continue;
        };
        for used in member.uses.iter().filter(|used| used.ours) {
            found.extend(upward(&member.name, from, &used.name));
        }
        for ban in BANS.iter().filter(|ban| ban.of == member.name) {
            let uses = member.uses.iter().map(|used| used.name.as_str());
            for used in uses.filter(|used| ban.bans.contains(used)) {
                found.push(format!(
                    "{} depends on {used}, but {}",
                    member.name, ban.reason
                ));
            }
        }
    }
    found
}

/// What is wrong with a dependency of ours, if anything.
fn upward(name: &str, from: &Layer, used: &str) -> Option<String> {
    let to = layer(used)?;
    match (from.rank, to.rank) {
        (_, Rank::Side) => Some(format!(
            "{name} depends on {used}, which stands at the side: {}",
            to.reason
        )),
        (Rank::Floor(low), Rank::Floor(high)) if high >= low => Some(format!(
            "{name} (rank {low}) depends on {used} (rank {high}), but only a lower rank is \
             used: {}",
            from.reason
        )),
        (Rank::Floor(_) | Rank::Side, Rank::Floor(_)) => None,
    }
}

/// The graph as text, the lowest rank first.
fn graph(members: &[Member]) -> String {
    let mut out = String::new();
    for layer in LAYERS {
        for member in members.iter().filter(|m| layer.crates.contains(&&*m.name)) {
            let ours = member.uses.iter().filter(|used| used.ours);
            let mut uses: Vec<_> = ours.map(|used| used.name.as_str()).collect();
            uses.sort_unstable();
            uses.dedup();
            let line = format!("{} {:<10} {}", layer.rank, member.name, uses.join(" "));
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}
