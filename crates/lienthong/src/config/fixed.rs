//! What of a configuration only a restart changes.

use std::path::Path;

use toml::{Table, Value};

use super::Problems;

/// The part of a configuration file that only a restart changes, as it is written.
#[derive(Debug)]
pub(crate) struct Fixed(Table);

impl Fixed {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no TOML.
    pub(crate) fn load(path: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|e| Problems::one("", format!("{}: {e}", path.display())))?;
        Self::parse(&text).map_err(|error| Problems::one("", error.message()))
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let mut table: Table = toml::from_str(text)?;
        // Certificates are read again, wherever they are.
        table.remove("tls");
        if let Some(Value::Table(gateway)) = table.get_mut("gateway") {
            gateway.remove("policy");
            gateway.remove("canaries");
            gateway.remove("protected_persons");
        }
        Ok(Self(table))
    }

    /// The keys, with their path, that are not the same in both.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        compare("", &self.0, &other.0, &mut differences);
        differences
    }
}

fn compare(path: &str, one: &Table, other: &Table, differences: &mut Vec<String>) {
    let added = other.keys().filter(|key| !one.contains_key(*key));
    for key in one.keys().chain(added) {
        let below = match path {
            "" => key.clone(),
            path => format!("{path}.{key}"),
        };
        match (one.get(key), other.get(key)) {
            (Some(Value::Table(one)), Some(Value::Table(other))) => {
                compare(&below, one, other, differences);
            }
            (one, other) if one == other => {}
            _ => differences.push(below),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(one: &str, other: &str) -> Vec<String> {
        let (one, other) = (Fixed::parse(one).unwrap(), Fixed::parse(other).unwrap());
        one.differences(&other)
    }

    #[test]
    fn each_key_that_was_changed_added_or_taken_away_is_named() {
        let one = "[gateway]\nnode = 'a'\npolicy = 'p'\n[edge.limits]\nidle_ms = 1\nage_ms = 2\n";
        let other = "[gateway]\nnode = 'b'\npolicy = 'q'\n[edge.limits]\nage_ms = 2\n[agency.tax]\nurl = 'x'\n";
        assert_eq!(
            differences(one, other),
            ["edge.limits.idle_ms", "gateway.node", "agency"]
        );
    }

    #[test]
    fn what_can_be_read_again_is_no_difference() {
        let one = "[gateway]\npolicy = 'p'\n[tls]\nkey = 'k'\n";
        let other = "[tls]\nkey = 'l'\ncrls = []\n[gateway]\ncanaries = 'c'\nprotected_persons = 'p'\npolicy = 'q'\n";
        assert_eq!(differences(one, other), [""; 0]);
    }
}
