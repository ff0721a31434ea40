//! The rule that links in the README and the manual lead to files that exist.

use super::Violation;
use super::tree::{File, Tree};

/// Every link to a file of the checkout resolves. Other sites, places in the same page and items
/// that rustdoc resolves are left to others.
pub(super) fn resolve(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let pages = tree
        .ending(".md")
        .filter(|file| file.path == "README.md" || file.path.starts_with("crates/manual/"));
    for page in pages {
        for (line, target) in targets(page) {
            let resolved = path(&page.path, &target);
            if !resolved.is_some_and(|path| path.is_empty() || tree.holds(&path)) {
                let what = format!("leads nowhere: {target}");
                found.push(Violation::new(&page.path, line, what));
            }
        }
    }
    found
}

/// The targets of the links to files in a page, each with its line.
fn targets(page: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (place, line) in page.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let targets = line_targets(line).into_iter().filter(|t| is_path(t));
            found.extend(targets.map(|target| (place + 1, target)));
        }
    }
    found
}

/// The targets of `[text](target)` and `[text]: target` in a line, without code.
fn line_targets(line: &str) -> Vec<String> {
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let definition = prose.starts_with('[').then(|| prose.split_once("]: "));
    let inline = prose.split("](").skip(1).map(|rest| rest.split(')').next());
    inline
        .chain([definition.flatten().map(|(_, rest)| rest)])
        .flatten()
        .filter_map(|target| target.split_whitespace().next())
        .map(|target| target.trim_matches(['<', '>']))
        .filter_map(|target| target.split('#').next())
        .map(str::to_owned)
        .collect()
}

/// Whether a target is a file of the checkout, and no other site, place in the page or item.
fn is_path(target: &str) -> bool {
    let foreign = target.contains("://") || target.starts_with("mailto:");
    !(target.is_empty() || foreign || target.contains("::"))
}

/// A target, seen from a page, as a path from the root; none if it leaves the checkout.
fn path(page: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(page: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("crates/manual/src/guide.md", page),
            ("crates/manual/decisions/0001-begin.md", ""),
            ("proto/a.proto", ""),
            (
                "crates/a/notes.md",
                "[not a page of the manual](nowhere.md)",
            ),
        ]);
        let found = resolve(&tree);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_to_files_folders_sites_and_items_are_fine() {
        let page = "[a](../decisions/0001-begin.md#context) and [b](../../../proto \"title\")\n\
                    [c](https://example.org/x) [d](#here) [e](crate::exchange::Field)\n\
                    [f]: <../decisions>\n\
                    `[code](x)`\n```text\n[fenced](x)\n```\n[root](../../../)\n";
        assert_eq!(broken(page), [""; 0]);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let page = "[a](decisions/0001-begin.md)\n[b](../../../../outside) `c` [d](gone.md)\n\
                    [e]: gone.md\n";
        assert_eq!(
            broken(page),
            [
                "crates/manual/src/guide.md:1: leads nowhere: decisions/0001-begin.md",
                "crates/manual/src/guide.md:2: leads nowhere: ../../../../outside",
                "crates/manual/src/guide.md:2: leads nowhere: gone.md",
                "crates/manual/src/guide.md:3: leads nowhere: gone.md",
            ]
        );
    }
}
