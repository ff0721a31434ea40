//! The rule that no agency knows another.

use std::collections::BTreeSet;

use super::Violation;
use super::tree::Tree;

const HOME: &str = "crates/agencies/src/";

/// No file in the folder of an agency names the module of another one. Every folder of the crate
/// is an agency.
pub(super) fn apart(tree: &Tree) -> Vec<Violation> {
    let homes = || {
        tree.ending(".rs").filter_map(|file| {
            let (agency, _) = file.path.strip_prefix(HOME)?.split_once('/')?;
            Some((agency, file))
        })
    };
    let agencies: BTreeSet<_> = homes().map(|(agency, _)| agency).collect();
    let mut found = Vec::new();
    for (own, file) in homes() {
        let mut start = 0;
        for (place, line) in file.text.split_inclusive('\n').enumerate() {
            // The rest of the file too: a group of imports may span lines.
            let text = file.text.get(start..).unwrap_or_default();
            for name in named(text, line.len()) {
                if name != own && agencies.contains(name) {
                    let what = format!("{own} names another agency, {name}");
                    found.push(Violation::new(&file.path, place + 1, what));
                }
            }
            start += line.len();
        }
    }
    found
}

/// The names that follow a `super::` or `crate::` in the first `length` bytes of a text.
fn named(text: &str, length: usize) -> Vec<&str> {
    let mut names = Vec::new();
    for prefix in ["super::", "crate::"] {
        let places = text.get(..length).unwrap_or(text).match_indices(prefix);
        for (place, _) in places {
            let rest = text.get(place + prefix.len()..).unwrap_or_default();
            match rest.strip_prefix('{') {
                Some(group) => names.extend(group_names(group)),
                None => names.extend(first_name(rest)),
            }
        }
    }
    names
}

/// The first name of each member of a group: `a::{b, c}, d}` has `a` and `d`.
fn group_names(group: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut member = 0;
    for (place, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.extend(group.get(member..place).and_then(first_name));
                member = place + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

fn first_name(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let mut names = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    names.next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(client: &str) -> Vec<usize> {
        let tree = Tree::of(&[
            ("crates/agencies/src/lib.rs", "use crate::health::ENTRY;\n"),
            ("crates/agencies/src/tax/mod.rs", "//! Tax.\n"),
            ("crates/agencies/src/health/mod.rs", "//! Health.\n"),
            ("crates/agencies/src/tax/client.rs", client),
        ]);
        let found = apart(&tree);
        found.iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn an_agency_may_name_itself_and_what_all_share() {
        let client = "use super::wire::Record;\nuse crate::tax::translate;\n\
                      use crate::{Entry, tax::{client::health, wire}};\nuse crate::health_check;\n";
        assert_eq!(lines(client), [0; 0]);
    }

    #[test]
    fn an_agency_that_names_another_is_found() {
        let client = "use crate::health::wire;\n\nfn f() { super::super::health::g() }\n";
        assert_eq!(lines(client), [1, 3]);
    }

    #[test]
    fn an_agency_that_names_another_in_a_group_is_found() {
        let client = "use crate::{\n    Entry,\n    health::{client, wire},\n};\n";
        assert_eq!(lines(client), [1]);
    }
}
