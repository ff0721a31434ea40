//! Whom to believe about a log: <https://c2sp.org/tlog-policy>.

use std::collections::BTreeMap;

use crate::keys::{Algorithm, VerifierKey};

/// The logs that are known, the witnesses, and how many of them must have cosigned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The keys of the logs.
    pub logs: Vec<VerifierKey>,
    /// The witnesses.
    pub witnesses: Vec<Witness>,
    quorum: Option<Member>,
    groups: Vec<Group>,
}

/// A witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its name in the policy.
    pub name: String,
    /// Its key.
    pub key: VerifierKey,
    /// Where it takes checkpoints.
    pub url: Option<String>,
}

/// A number of members of which so many must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

/// A witness or a group, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct PolicyError {
    /// The number of the line, from 1; that of the last one if a line is missing.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// The first line that is wrong, or there is no quorum.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut reader = Reader::default();
        let (mut last, mut quorum) = (0, None);
        for (line, text) in (1..).zip(text.split('\n')) {
            let read = reader.line(text, &mut quorum);
            read.map_err(|problem| PolicyError { line, problem })?;
            last = line;
        }
        let quorum = quorum.ok_or(PolicyError {
            line: last,
            problem: "there is no quorum line; `quorum none` asks for no witness",
        })?;
        Ok(Self {
            quorum,
            ..reader.policy
        })
    }

    /// True if the witnesses whose keys are given are enough.
    #[must_use]
    pub fn is_met(&self, signed: &[&VerifierKey]) -> bool {
        self.quorum.is_none_or(|member| self.agrees(member, signed))
    }

    /// Every key of the policy.
    #[must_use]
    pub fn keys(&self) -> Vec<VerifierKey> {
        let witnesses = self.witnesses.iter().map(|witness| &witness.key);
        self.logs.iter().chain(witnesses).cloned().collect()
    }

    /// Members stand before the groups they are in, so this ends.
    fn agrees(&self, member: Member, signed: &[&VerifierKey]) -> bool {
        match member {
            Member::Witness(place) => self
                .witnesses
                .get(place)
                .is_some_and(|witness| signed.contains(&&witness.key)),
            Member::Group(place) => self.groups.get(place).is_some_and(|group| {
                let members = group.members.iter();
                let agree = members.filter(|member| self.agrees(**member, signed));
                agree.count() >= group.threshold
            }),
        }
    }
}

/// A policy of which some lines were read.
#[derive(Default)]
struct Reader {
    policy: Policy,
    /// Every name, and whether it is in a group already.
    names: BTreeMap<String, (Member, bool)>,
}

impl Reader {
    fn line(
        &mut self,
        line: &str,
        quorum: &mut Option<Option<Member>>,
    ) -> Result<(), &'static str> {
        if line.chars().any(|c| c.is_ascii_control() && c != '\t') {
            return Err("a control character");
        }
        let words: Vec<&str> = line
            .split([' ', '\t'])
            .filter(|word| !word.is_empty())
            .collect();
        match *words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key] | ["log", key, _] => self.log(key),
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some(url)),
            ["group", name, threshold, ref members @ ..] => self.group(name, threshold, members),
            ["quorum", _] if quorum.is_some() => Err("a second quorum line"),
            ["quorum", name] => {
                *quorum = Some(self.quorum(name)?);
                Ok(())
            }
            _ => Err("none of `log KEY`, `witness NAME KEY`, `group NAME K NAME…`, `quorum NAME`"),
        }
    }

    fn log(&mut self, key: &str) -> Result<(), &'static str> {
        let key: VerifierKey = key.parse()?;
        if self.policy.logs.iter().any(|known| known.is_same_key(&key)) {
            return Err("the key of a log stands twice");
        }
        self.policy.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<&str>) -> Result<(), &'static str> {
        let key: VerifierKey = key.parse()?;
        if key.algorithm() == Algorithm::Ed25519 {
            return Err("the key of a witness makes cosignatures: its type is 0x04 or 0x06");
        }
        let mut witnesses = self.policy.witnesses.iter();
        if witnesses.any(|known| known.key.is_same_key(&key)) {
            return Err("the key of a witness stands twice");
        }
        self.define(name, Member::Witness(self.policy.witnesses.len()))?;
        self.policy.witnesses.push(Witness {
            name: name.to_owned(),
            key,
            url: url.map(str::to_owned),
        });
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), &'static str> {
        let count = members.len();
        let threshold = match threshold {
            "any" => 1,
            "all" => count,
            // In one form only, as every number of these files.
            text if text.starts_with(['0', '+']) => 0,
            text => text.parse().unwrap_or(0),
        };
        if threshold == 0 || threshold > count {
            return Err("of a group, `any`, `all` or 1 to as many as it has members must agree");
        }
        let mut found = Vec::with_capacity(count);
        for member in members {
            let (member, is_taken) = self
                .names
                .get_mut(*member)
                .ok_or("a member is not defined on a line before")?;
            if std::mem::replace(is_taken, true) {
                return Err("a member is in a group already");
            }
            found.push(*member);
        }
        self.define(name, Member::Group(self.policy.groups.len()))?;
        self.policy.groups.push(Group {
            threshold,
            members: found,
        });
        Ok(())
    }

    fn quorum(&self, name: &str) -> Result<Option<Member>, &'static str> {
        if name == NONE {
            return Ok(None);
        }
        let member = self.names.get(name).map(|(member, _)| Some(*member));
        member.ok_or("the quorum is not defined on a line before")
    }

    fn define(&mut self, name: &str, member: Member) -> Result<(), &'static str> {
        if name == NONE {
            return Err("the name `none` means that no witness is asked for");
        }
        match self.names.insert(name.to_owned(), (member, false)) {
            None => Ok(()),
            Some(_) => Err("the name is defined twice"),
        }
    }
}

const NONE: &str = "none";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(algorithm: Algorithm, seed: u8) -> VerifierKey {
        VerifierKey::new(format!("w.example/{seed}"), algorithm, &[seed; 32])
    }

    fn cosigner(seed: u8) -> VerifierKey {
        key(Algorithm::CosignatureEd25519, seed)
    }

    /// The example of the specification.
    fn example() -> String {
        let w = cosigner;
        format!(
            "log {}\n\nwitness X1 {}\nwitness X2 {}\n\twitness X3 {} https://x3.example/\n\
             group X-witnesses 2 X1 X2 X3\n\n  # others\nwitness Y1 {}\nwitness Y2 {}\n\
             group Y-witnesses any Y1 Y2\ngroup X-and-Y all X-witnesses Y-witnesses\n\
             quorum X-and-Y\n",
            key(Algorithm::Ed25519, 9),
            w(1),
            w(2),
            w(3),
            w(4),
            w(5)
        )
    }

    #[test]
    fn groups_count_their_members() {
        let policy = Policy::parse(&example()).unwrap();
        assert_eq!((policy.logs.len(), policy.witnesses.len()), (1, 5));
        assert_eq!(
            policy.witnesses[2].url.as_deref(),
            Some("https://x3.example/")
        );
        let met = |seeds: &[u8]| {
            let keys: Vec<_> = seeds.iter().map(|seed| cosigner(*seed)).collect();
            policy.is_met(&keys.iter().collect::<Vec<_>>())
        };
        assert!(met(&[1, 3, 4]) && met(&[1, 2, 3, 4, 5]));
        assert!(!met(&[1, 2, 3]) && !met(&[1, 4, 5]) && !met(&[]) && !met(&[1, 1, 4]));
    }

    #[test]
    fn no_witness_may_be_asked_for_but_not_by_silence() {
        assert!(Policy::parse("quorum none").unwrap().is_met(&[]));
        let error = Policy::parse("# nothing\n").unwrap_err().to_string();
        assert!(
            error.starts_with("line 2: there is no quorum line"),
            "{error}"
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        let (w1, w2, log) = (cosigner(1), cosigner(2), key(Algorithm::Ed25519, 3));
        let renamed = VerifierKey::new("other".into(), Algorithm::CosignatureEd25519, &[1; 32]);
        for (text, line, word) in [
            (format!("log {log}\nlog {log}\n"), 2, "twice"),
            (format!("witness A {log}\n"), 1, "0x04 or 0x06"),
            (format!("witness A {w1}\nwitness B {renamed}\n"), 2, "twice"),
            (
                format!("witness A {w1}\nwitness A {w2}\n"),
                2,
                "defined twice",
            ),
            (format!("witness none {w1}\n"), 1, "none"),
            ("witness A x\n".to_owned(), 1, "name+id+base64"),
            (format!("witness A {w1}\ngroup G 2 A\n"), 2, "as many"),
            (format!("witness A {w1}\ngroup G 01 A\n"), 2, "as many"),
            (format!("witness A {w1}\ngroup G all\n"), 2, "as many"),
            (format!("witness A {w1}\ngroup G any B\n"), 2, "before"),
            (
                format!("witness A {w1}\ngroup G any A\ngroup H any A\n"),
                3,
                "already",
            ),
            (format!("witness A {w1}\ngroup G any A A\n"), 2, "already"),
            ("group G any G\n".to_owned(), 1, "before"),
            ("quorum A\n".to_owned(), 1, "before"),
            ("quorum none\nquorum none\n".to_owned(), 2, "second"),
            ("quorum\n".to_owned(), 1, "none of"),
            ("quorum none\r\n".to_owned(), 1, "control"),
        ] {
            let error = Policy::parse(&text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.problem.contains(word), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "((log|witness|group|quorum|none|any|#|A|B|2)[ \t]?|\n){0,40}") {
            drop(Policy::parse(&text));
        }
    }
}
