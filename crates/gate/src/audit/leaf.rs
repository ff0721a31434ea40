//! The JSON of a record, as far as a citizen is told of it. Not here: how it is written (crate
//! `evidence`).

use exchange::Source;
use serde::Deserialize;

/// What a record says of an access.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Leaf {
    /// When, in milliseconds since 1970.
    #[serde(default)]
    pub(super) ts: i64,
    #[serde(default)]
    pub(super) caller: Caller,
    #[serde(default)]
    pub(super) purpose: String,
    #[serde(default)]
    src: Vec<Entry>,
}

/// Who asked.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Caller {
    /// The agency.
    pub(super) ag: String,
    /// Its system.
    pub(super) sys: String,
}

/// What one source was asked.
#[derive(Debug, Deserialize)]
struct Entry {
    s: String,
    #[serde(default)]
    f: Vec<String>,
}

impl Leaf {
    /// Reads a record; one that is none, or of another kind, tells nothing.
    pub(super) fn read(leaf: &[u8]) -> Self {
        serde_json::from_slice(leaf).unwrap_or_default()
    }

    /// The sources that were asked, in the order of the record. One that this version does not know
    /// is left out.
    pub(super) fn sources(&self) -> impl Iterator<Item = Source> {
        let names = self.src.iter().map(|entry| entry.s.to_ascii_lowercase());
        names.filter_map(|name| Source::from_name(&name))
    }

    /// The fields that were released, by their ids.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let sources = self.src.iter();
        sources.flat_map(|entry| entry.f.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_tells_who_asked_which_source_for_what() {
        let leaf = Leaf::read(
            br#"{"v":1,"t":"ACCESS","ts":1771234567890,"caller":{"ag":"G12","sys":"tax"},"purpose":"P",
            "src":[{"s":"CIVIL_STATUS","st":"OK","f":["civil_status.death"]},{"s":"MOON","st":"OK"},
            {"s":"TAX","st":"TIMEOUT"}],"more":1}"#,
        );
        assert_eq!((&*leaf.caller.ag, &*leaf.caller.sys), ("G12", "tax"));
        let sources: Vec<_> = leaf.sources().collect();
        assert_eq!(sources, [Source::CivilStatus, Source::Tax]);
        assert_eq!(leaf.fields().collect::<Vec<_>>(), ["civil_status.death"]);
        assert!(Leaf::read(b"{").purpose.is_empty());
    }
}
