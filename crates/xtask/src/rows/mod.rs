//! `cargo xtask rows`: which test covers which row of the fault matrix, as a page of the manual.
//!
//! A test says so itself: its documentation begins with `/// Row T05: what is expected.`, or with
//! `/// Rows T05, T06: what is expected.` for several.
//!
//! Not here: whether the test does what it says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::breaches;
use crate::tidy::tree::{File, Tree};

mod matrix;

use matrix::{ROWS, Row, row};

/// A test that covers a row.
#[derive(Debug, PartialEq, Eq)]
struct Covering {
    test: String,
    path: String,
}

/// The tests of every row that has some, by its name.
type Covered = BTreeMap<&'static str, Vec<Covering>>;

/// Writes the page, or compares it.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let tree = Tree::load(root)?;
    let mut covered = Covered::new();
    let mut wrong = Vec::new();
    for file in tree.rust() {
        scan(file, &mut covered, &mut wrong);
    }
    for problem in &wrong {
        println!("rows: {problem}");
    }
    if !wrong.is_empty() {
        bail!("{} of the form `/// Row T05: …`", breaches(wrong.len()));
    }
    let page = page(&covered);
    let path = root.join(PAGE);
    if std::fs::read_to_string(&path).is_ok_and(|there| there == page) {
        return Ok(());
    }
    if check {
        bail!("{PAGE} is not what the tests say: run `cargo xtask rows`");
    }
    std::fs::write(&path, page).context(PAGE)?;
    println!("wrote {PAGE}");
    Ok(())
}

/// Adds the tests of a file, and what is wrong with what it says of rows.
fn scan(file: &File, covered: &mut Covered, wrong: &mut Vec<String>) {
    let mut lines = file.text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(names) = names(line) else { continue };
        let rest = lines.clone().map(|(_, line)| line.trim());
        let mut wrong = |what: String| wrong.push(format!("{}:{}: {what}", file.path, at + 1));
        let Some(test) = test(rest) else {
            wrong("no function follows".to_owned());
            continue;
        };
        for name in names.split(", ") {
            match row(name) {
                Some(row) => covered.entry(row.name).or_default().push(Covering {
                    test: test.to_owned(),
                    path: file.path.clone(),
                }),
                None => wrong(format!("there is no row {name}")),
            }
        }
    }
}

/// What stands between `/// Row` and the colon; none for another line.
fn names(line: &str) -> Option<&str> {
    let said = line.trim_start();
    let said = said
        .strip_prefix("/// Rows ")
        .or_else(|| said.strip_prefix("/// Row "))?;
    let (names, _) = said.split_once(':')?;
    Some(names)
}

/// The name of the function that this documentation belongs to.
fn test<'a>(lines: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut lines = lines.skip_while(|line| line.starts_with("///") || line.starts_with("#["));
    let (_, signature) = lines.next()?.split_once("fn ")?;
    signature.split('(').next()
}

/// The page of the manual.
fn page(covered: &Covered) -> String {
    let mut page = OPENING.to_owned();
    for Row { name, what } in ROWS {
        let tests = covered.get(name).map_or(&[][..], Vec::as_slice);
        if tests.is_empty() {
            // A string takes everything.
            writeln!(page, "| {name} | {what} | *no test* |").ok();
            continue;
        }
        let tests: Vec<String> = tests
            .iter()
            .map(|it| format!("`{}` in `{}`", it.test, it.path))
            .collect();
        writeln!(page, "| {name} | {what} | {} |", tests.join("<br>")).ok();
    }
    page
}

const PAGE: &str = "crates/manual/rows.md";
const OPENING: &str = "\
# Faults, and the tests that inject them

What the gateway must survive, row by row, and which tests show that it does. This page is written by
`cargo xtask rows` out of the tests: each says in its first line which rows it covers and what it expects.

T is TLS and identity, H is HTTP, P is the payload, E is rights, enumeration and privacy,
U is what agencies do, L is load and life.

| row | what happens | tests |
| --- | --- | --- |
";

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(text: &str) -> (Covered, Vec<String>) {
        let file = File {
            path: "tests/doors/tls.rs".to_owned(),
            text: text.to_owned(),
        };
        let (mut covered, mut wrong) = (Covered::new(), Vec::new());
        scan(&file, &mut covered, &mut wrong);
        (covered, wrong)
    }

    #[test]
    fn a_test_stands_in_every_row_that_it_names() {
        let (covered, wrong) = scanned(
            "/// Rows T05, T06: it ends.\n/// At once.\n#[tokio::test]\nasync fn it_ends() {}\n",
        );
        assert!(wrong.is_empty(), "{wrong:?}");
        assert_eq!(covered.keys().collect::<Vec<_>>(), [&"T05", &"T06"]);
        let page = page(&covered);
        let line = page.lines().find(|line| line.starts_with("| T06"));
        assert!(
            line.unwrap()
                .ends_with("| `it_ends` in `tests/doors/tls.rs` |")
        );
        assert!(page.contains("| T07 | a certificate that is not for clients | *no test* |"));
    }

    #[test]
    fn a_row_that_is_none_and_a_row_of_nothing_are_told() {
        let (_, wrong) = scanned("/// Row T99: never.\nfn never() {}\n");
        assert_eq!(wrong, ["tests/doors/tls.rs:1: there is no row T99"]);
        let (_, wrong) = scanned("/// Row T01: never.\nconst NEVER: u8 = 0;\n");
        assert_eq!(wrong, ["tests/doors/tls.rs:1: no function follows"]);
    }

    #[test]
    fn rows_have_one_place_each() {
        let mut names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }
}
