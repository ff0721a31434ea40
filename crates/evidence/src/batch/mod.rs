//! One record about up to a thousand subjects, of which each can be proved and erased by itself.
//!
//! ```text
//! leaf ─ subs_root ◀─ tree of RFC 6962 ◀─ entry of each subject ─ commitments ◀─ its opening
//! ```
//!
//! What is the same for all stands in the leaf; number, states and answers of one subject are in its
//! entry. Entries are in no leaf: each is sealed with what opens it, apart from those of the others.
//! The hashes of all entries are sealed once more, for nobody in particular, so that a path can be
//! made whoever was erased. Not here: who asks the agencies, and when a batch is full enough.
//!
//! *Invariant:* what proves one subject's entry holds nothing of another but hashes of salted
//! commitments.

use exchange::{
    CallContext, Caller, CitizenId, Criticality, Fault, FieldSet, Identifier, Source, Visibility,
};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

mod proof;

pub(crate) use proof::take_proofs;

use crate::attempt::{Why, subject_name};
use crate::commitment::{Commitment, Personal, SALT_LEN, Salt, Salts};
use crate::leaf::{self, Digest, Head, Paths, Root, Shown, SourceEntry, SourceName, Tail};
use crate::open::Flags;
use crate::private::Openings;
use crate::tree::{Hash, Tree, leaf_hash};
use crate::{Error, Evidence, Open, Sealing, SourceOutcome};

/// A question about many that was admitted, before any of them is asked about.
#[derive(Clone, Copy, Debug)]
pub struct BatchAttempt<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// Why and for whom.
    pub context: &'a CallContext,
    /// How urgent it is: what the caller says, capped by the agreement.
    pub criticality: Criticality,
    /// The agreement that allows it.
    pub agreement: &'a str,
    /// SHA-256 of the policy that was applied.
    pub policy: &'a [u8; 32],
    /// When the persons may see the record.
    pub visibility: Visibility,
    /// The fields that leave of each subject, unless its entry says otherwise.
    pub fields: FieldSet,
}

/// What came of the question about one subject.
#[derive(Clone, Copy, Debug)]
pub struct SubjectOutcome<'a> {
    /// Whom it was about.
    pub subject: &'a Identifier,
    /// The person whom the number turned out to be of, if it was another number.
    pub person: Option<&'a CitizenId>,
    /// What happened at each source.
    pub sources: &'a [SourceOutcome],
}

/// A batch that is recorded as an attempt, and to which subjects are added.
///
/// Dropped before it is sealed, it leaves a leaf that says `ABANDONED` and commits to the subjects
/// that it has. A crash leaves one that says `UNKNOWN`, without them.
#[derive(Debug)]
#[must_use = "a batch that is dropped is recorded as abandoned"]
pub struct Batch {
    /// None once it is sealed.
    open: Option<Open>,
    fields: FieldSet,
    hashes: Vec<Hash>,
    openings: Vec<Openings>,
}

/// The salts of the commitments to what the sources said of one subject.
#[derive(Debug)]
pub struct RecordSalts(Salts);

impl RecordSalts {
    /// The salt for a source; it goes to the caller with the answer.
    #[must_use]
    pub fn of(&self, source: Source) -> &Salt {
        self.0.of_source(source)
    }
}

impl BatchAttempt<'_> {
    const fn why(&self) -> Why<'_> {
        Why {
            context: Some(self.context),
            subject: None,
        }
    }

    fn head(&self, node: &str, ts: u64, salts: &Salts) -> Vec<u8> {
        let mut out = Vec::with_capacity(LEAF_BYTES);
        let head = Head {
            agr: Some(self.agreement),
            crit: Some(self.criticality.name()),
            pol: Some(Digest(self.policy)),
            vis: Shown(self.visibility),
            ..self.why().head(KIND, node, ts, self.caller, salts)
        };
        leaf::write_head(&mut out, &head);
        out
    }
}

impl Evidence {
    /// Records an attempt to ask about many, before any agency is asked.
    ///
    /// # Errors
    /// As [`Evidence::open`].
    pub fn open_batch(&self, attempt: &BatchAttempt<'_>) -> Result<Batch, Fault> {
        let (urgency, visibility) = (attempt.criticality, attempt.visibility);
        let open = self.open_as(KIND, urgency, visibility, Flags::NONE, |node, ts, salts| {
            let openings = attempt.why().openings(salts);
            (attempt.head(node, ts, salts), openings)
        })?;
        Ok(Batch {
            open: Some(open),
            fields: attempt.fields,
            hashes: Vec::new(),
            openings: Vec::new(),
        })
    }
}

impl Batch {
    /// The subjects that one leaf may have: their hashes, of 32 bytes each, must fit in the 64 KiB of
    /// one opening.
    pub const MOST: usize = 1_000;

    /// Adds a subject; the salts are for its part of the answer.
    ///
    /// # Errors
    /// There are [`Batch::MOST`] already, or the system gives no random bytes.
    pub fn add(&mut self, outcome: &SubjectOutcome<'_>) -> Result<RecordSalts, Error> {
        let index = self.hashes.len();
        let Some(open) = self.open.as_ref().filter(|_| index < Self::MOST) else {
            return Err(Error::BatchFull(Self::MOST));
        };
        let salts = open.evidence().salts();
        let salts = salts.map_err(|_| Error::Crypto("draw salts"))?;
        let (entry, openings) = outcome.entry(index, self.fields, &salts);
        self.hashes.push(leaf_hash(&entry));
        self.openings.push(openings);
        Ok(RecordSalts(salts))
    }

    /// How many subjects it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.hashes.len()
    }

    /// True if it has none yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Records the batch and closes it; resolves when the record is durable. Sealing a full one
    /// takes some milliseconds.
    ///
    /// # Errors
    /// `AUDIT_UNAVAILABLE`: the record could not be written, and nothing may leave.
    pub async fn seal(mut self) -> Result<crate::Receipt, Fault> {
        match self.close("ALLOW") {
            Some(sealing) => sealing.await,
            None => Err(crate::writer::Closed::Lost.fault()),
        }
    }

    /// Closes the attempt, unless that was done.
    fn close(&mut self, decision: &'static str) -> Option<Sealing> {
        let open = self.open.take()?;
        let tree = Tree::new(std::mem::take(&mut self.hashes));
        let hashes = tree.leaves();
        let tail = Tail {
            src: Some(Granted(self.fields)),
            n: Some(hashes.len() as u64),
            subs_root: Some(Root(tree.root())),
            ..Tail::of(decision)
        };
        let (evidence, key) = (open.evidence().clone(), open.key());
        let mut sealable = open.last_with(&tail);
        let mut common = Openings::with_room(size_of_val(hashes) + OPENING_BYTES);
        common.push(HASHES, &NO_SALT, hashes.as_flattened());
        sealable.openings.push(common);
        sealable.openings.append(&mut self.openings);
        Some(evidence.close(key, &sealable))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Nobody waits.
        drop(self.close("ABANDONED"));
    }
}

impl SubjectOutcome<'_> {
    /// The entry, and what it hides together with itself.
    fn entry(&self, index: usize, fields: FieldSet, salts: &Salts) -> (Vec<u8>, Openings) {
        let name = subject_name(self.subject.kind());
        let subject = self.subject.reveal().as_bytes();
        let person = self.person.map(|person| person.reveal().as_bytes());
        let (sub, who) = (salts.of(Personal::Subject), salts.of(Personal::Who));
        let sources = self.sources.iter().map(|outcome| {
            let usual = fields.and(&FieldSet::of(outcome.source));
            let shown = (outcome.released != usual).then_some(Paths(outcome.released));
            outcome.entry(shown, salts)
        });
        let entry = Entry {
            i: index as u64,
            sub: Commitment::new(sub, name, subject),
            who: person.map(|person| Commitment::new(who, WHO, person)),
            src: sources.collect(),
        };
        let json = entry.to_json();
        let mut openings = Openings::with_room(json.len() + 3 * OPENING_BYTES);
        openings.push(name, sub, subject);
        if let Some(person) = person {
            openings.push(WHO, who, person);
        }
        openings.push(ENTRY, &NO_SALT, &json);
        (json, openings)
    }
}

/// What is recorded of one subject.
#[derive(Debug, Serialize)]
struct Entry {
    i: u64,
    sub: Commitment,
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<Commitment>,
    /// The fields of a source are named where they are not those in the leaf.
    src: Vec<SourceEntry>,
}

impl Entry {
    fn to_json(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self);
        debug_assert!(json.is_ok(), "an entry is always JSON");
        json.unwrap_or_default()
    }
}

/// The place of an entry, as any reader needs it.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    pub(crate) i: u64,
}

/// The fields that leave of each subject, by source.
#[derive(Debug)]
struct Granted(FieldSet);

impl Serialize for Granted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |source| (source, self.0.and(&FieldSet::of(source)));
        let all = Source::ALL.iter().copied().map(of);
        let all = all.filter(|(_, fields)| !fields.is_empty());
        serializer.collect_seq(all.map(|(source, fields)| GrantedOf {
            s: SourceName(source),
            f: Paths(fields),
        }))
    }
}

/// The fields of one source.
#[derive(Debug, Serialize)]
struct GrantedOf {
    s: SourceName,
    f: Paths,
}

/// The type of the leaf.
pub(crate) const KIND: &str = "BATCH";
/// Under what names entries and their hashes are sealed: they commit to nothing, and need no salt.
const ENTRY: &str = "entry";
const HASHES: &str = "entries";
const NO_SALT: Salt = [0; SALT_LEN];
const WHO: &str = "who";
/// Room for a head with every commitment, and for the fields.
const LEAF_BYTES: usize = 4_096;
/// Room for one opening of a number: length, name, salt, length, value.
const OPENING_BYTES: usize = 1 + 20 + SALT_LEN + 2 + 16;
