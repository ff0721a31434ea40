//! The JSON of a record, as far as a citizen is told of it. Not here: how it is written (crate
//! `evidence`).

use exchange::{BatchProof, Source};
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
    /// What commits to the person: under salts that are those of one call.
    #[serde(default)]
    pub(super) sub: String,
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
    /// None in an entry that names no other fields than its record.
    f: Option<Vec<String>>,
    /// The fields that were verified.
    #[serde(default)]
    c: Vec<String>,
}

impl Leaf {
    /// Reads a record; one that is none, or of another kind, tells nothing.
    pub(super) fn read(leaf: &[u8]) -> Self {
        serde_json::from_slice(leaf).unwrap_or_default()
    }

    /// What it says of one in a record about many: `entry` names the sources, and the fields where they
    /// are not those of the record.
    pub(super) fn of_one(self, entry: &BatchProof) -> Self {
        let one = Self::read(entry.entry.as_bytes());
        let (sub, mut src) = (one.sub, one.src);
        for own in &mut src {
            let of_all = self.src.iter().find(|of_all| of_all.s == own.s);
            let of_all = of_all.and_then(|of_all| of_all.f.clone());
            own.f = own.f.take().or(of_all);
        }
        Self { sub, src, ..self }
    }

    /// The sources that were asked, in the order of the record. One that this version does not know
    /// is left out.
    pub(super) fn sources(&self) -> impl Iterator<Item = Source> {
        let names = self.src.iter().map(|entry| entry.s.to_ascii_lowercase());
        names.filter_map(|name| Source::from_name(&name))
    }

    /// The fields that were released or verified, by their ids.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let sources = self.src.iter();
        let fields = sources.flat_map(|entry| entry.f.iter().flatten().chain(&entry.c));
        fields.map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_tells_who_asked_which_source_for_what() {
        let leaf = Leaf::read(
            br#"{"v":1,"t":"ACCESS","ts":1771234567890,"caller":{"ag":"G12","sys":"tax"},"purpose":"P",
            "sub":"c:x","src":[{"s":"CIVIL_STATUS","st":"OK","f":["civil_status.death"]},{"s":"MOON","st":"OK"},
            {"s":"TAX","st":"TIMEOUT","c":["tax.status"]}],"more":1}"#,
        );
        assert_eq!((&*leaf.caller.ag, &*leaf.caller.sys), ("G12", "tax"));
        assert_eq!(leaf.sub, "c:x");
        let sources: Vec<_> = leaf.sources().collect();
        assert_eq!(sources, [Source::CivilStatus, Source::Tax]);
        let fields: Vec<_> = leaf.fields().collect();
        assert_eq!(fields, ["civil_status.death", "tax.status"]);
        assert!(Leaf::read(b"{").purpose.is_empty());
    }

    #[test]
    fn of_a_record_about_many_one_is_told_what_was_released_of_them() {
        let fields = |entry: &str| {
            let leaf = Leaf::read(
                br#"{"purpose":"P","src":[{"s":"TAX","f":["tax.status"]},{"s":"POPULATION","f":["population.sex"]}]}"#,
            );
            let leaf = leaf.of_one(&BatchProof {
                entry: entry.to_owned(),
                index: 0,
                path: Vec::new(),
            });
            assert_eq!((&*leaf.purpose, &*leaf.sub), ("P", "c:own"));
            leaf.fields().map(str::to_owned).collect::<Vec<_>>()
        };
        let same = r#"{"i":0,"sub":"c:own","src":[{"s":"TAX","st":"OK"},{"s":"POPULATION","st":"NOT_FOUND","f":[]}]}"#;
        assert_eq!(fields(same), ["tax.status"]);
        let other = r#"{"i":0,"sub":"c:own","src":[{"s":"TAX","st":"OK","f":["tax.tax_code"]}]}"#;
        assert_eq!(fields(other), ["tax.tax_code"]);
    }
}
