//! On which line of a TOML text each key stands.

use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line of every key and element, by its path, such as `agreement[2].fields[0]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(HashMap<String, usize>);

impl Lines {
    /// Finds the lines of a text; of what is no TOML, those that can be made out.
    pub(super) fn of(text: &str) -> Self {
        let (root, _) = DeTable::parse_recoverable(text);
        let mut lines = Self::default();
        lines.table(text, "", root.get_ref());
        lines
    }

    /// The line of a path, or of the nearest thing around it that is there.
    pub(super) fn line(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }

    fn table(&mut self, text: &str, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let below = join(path, key.get_ref());
            self.0.insert(below.clone(), line(text, &key.span()));
            self.value(text, &below, value);
        }
    }

    fn value(&mut self, text: &str, path: &str, value: &Spanned<DeValue<'_>>) {
        if let Some(table) = value.get_ref().as_table() {
            self.table(text, path, table);
        }
        let array = value.get_ref().as_array();
        for (index, element) in array.into_iter().flatten().enumerate() {
            let below = format!("{path}[{index}]");
            self.0.insert(below.clone(), line(text, &element.span()));
            self.value(text, &below, element);
        }
    }
}

/// The path of a key within a table.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The line on which a span begins, counted from 1.
pub(super) fn line(text: &str, span: &Range<usize>) -> usize {
    let before = text.as_bytes().iter().take(span.start);
    1 + before.filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tables_and_elements_have_their_lines() {
        let lines = Lines::of("a = 1\n[b]\nc = [\n 1,\n 2,\n]\n[[d]]\ne = 1\n[[d]]\nf.g = 2\n");
        for (path, line) in [
            ("a", 1),
            ("b", 2),
            ("b.c", 3),
            ("b.c[1]", 5),
            ("d[0]", 7),
            ("d[0].e", 8),
            ("d[1].f.g", 10),
        ] {
            assert_eq!(lines.line(path), Some(line), "{path}");
        }
        assert_eq!(lines.line("b.nothing"), Some(2));
        assert_eq!(lines.line("nothing"), None);
    }
}
