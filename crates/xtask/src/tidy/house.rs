//! Rules for the workspace as a whole: its manifests and the map of the README.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::Violation;
use super::tree::{File, Tree};

/// Every crate takes the lints of the workspace.
pub(super) fn lints(tree: &Tree) -> Vec<Violation> {
    let takes = |file: &&File| -> bool {
        let table: Option<Table> = file.text.parse().ok();
        let lints = table.as_ref().and_then(|t| t.get("lints"));
        lints.and_then(|l| l.get("workspace")) == Some(&Value::Boolean(true))
    };
    tree.manifests()
        .filter(|file| !takes(file))
        .map(|file| Violation::new(&file.path, 0, "lacks `[lints] workspace = true`"))
        .collect()
}

/// The README's table headed `crate` has one row for each member of the workspace.
pub(super) fn crate_map(tree: &Tree) -> Vec<Violation> {
    let Some(readme) = tree.file("README.md") else {
        return vec![Violation::new("README.md", 0, "is missing")];
    };
    let Some(rows) = map_rows(&readme.text) else {
        let what = "has no crate map: a table whose first column is headed `crate`";
        return vec![Violation::new("README.md", 0, what)];
    };
    let members: BTreeSet<_> = tree.manifests().filter_map(package_name).collect();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (line, name) in rows {
        if !members.contains(&name) {
            let what = format!("`{name}` is no crate of the workspace");
            found.push(Violation::new("README.md", line, what));
        } else if !seen.insert(name.clone()) {
            let what = format!("`{name}` stands in the crate map twice");
            found.push(Violation::new("README.md", line, what));
        }
    }
    for name in members.difference(&seen) {
        let what = format!("`{name}` is not in the crate map");
        found.push(Violation::new("README.md", 0, what));
    }
    found
}

fn package_name(manifest: &File) -> Option<String> {
    let table: Table = manifest.text.parse().ok()?;
    let name = table.get("package")?.get("name")?.as_str()?;
    Some(name.to_owned())
}

/// The line and the name of each row of the crate map.
fn map_rows(readme: &str) -> Option<Vec<(usize, String)>> {
    let mut lines = readme.lines().enumerate();
    lines.find(|(_, line)| {
        first_cell(line).is_some_and(|cell| cell.trim_matches('`').eq_ignore_ascii_case("crate"))
    })?;
    let rows = lines.map_while(|(place, line)| Some((place + 1, first_cell(line)?)));
    let named = rows.filter(|(_, cell)| !cell.chars().all(|c| "-: ".contains(c)));
    Some(named.map(|(line, cell)| (line, name(cell))).collect())
}

/// The first cell of a row of a table.
fn first_cell(line: &str) -> Option<&str> {
    let cells = line.trim().strip_prefix('|')?;
    cells.split('|').next().map(str::trim)
}

/// The name in a cell: what stands between its first backticks, or all of it.
fn name(cell: &str) -> String {
    cell.split('`').nth(1).unwrap_or(cell).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXCHANGE: (&str, &str) = (
        "crates/exchange/Cargo.toml",
        "[package]\nname = \"exchange\"\n[lints]\nworkspace = true\n",
    );
    const SUITES: (&str, &str) = (
        "tests/Cargo.toml",
        "[package]\nname = \"tests\"\n[lints.rust]\nunsafe_code = \"allow\"\n",
    );

    fn mapped(rows: &str) -> Vec<String> {
        let table = format!("| `crate` | what |\n|---|:--|\n{rows}\n| `later` | another table |\n");
        let readme = format!("# Name\n\n| word | means |\n|---|---|\n| `x` | y |\n\n{table}");
        let tree = Tree::of(&[("README.md", &readme), EXCHANGE, SUITES]);
        let found = crate_map(&tree);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_crate_with_lints_of_its_own_is_found() {
        let found = lints(&Tree::of(&[EXCHANGE, SUITES]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "tests/Cargo.toml");
    }

    #[test]
    fn a_map_with_every_crate_is_fine() {
        let rows = "| [`exchange`](crates/exchange) | the words |\n| `tests` | the suites |\n";
        assert_eq!(mapped(rows), [""; 0]);
    }

    #[test]
    fn missing_unknown_and_repeated_crates_are_found() {
        let rows = "| `exchange` | |\n| `common` | |\n| `exchange` | |\n";
        assert_eq!(
            mapped(rows),
            [
                "README.md:10: `common` is no crate of the workspace",
                "README.md:11: `exchange` stands in the crate map twice",
                "README.md: `tests` is not in the crate map",
            ]
        );
    }

    #[test]
    fn a_readme_without_a_map_and_a_missing_one_are_found() {
        let bare = Tree::of(&[("README.md", "# Name\n"), EXCHANGE]);
        assert!(crate_map(&bare)[0].what.contains("no crate map"));
        assert!(
            crate_map(&Tree::of(&[EXCHANGE]))[0]
                .what
                .contains("missing")
        );
    }
}
