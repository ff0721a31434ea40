//! The registry of consents: who has agreed that which agency may have what of them, and until when.
//!
//! A file that only grows, a line per registration or withdrawal. Not here: who may register (the
//! operators' listener), and the records of it (crate `evidence`).
//!
//! *Invariant:* neither the number of a person nor the id of a consent stands in the file: only tags under
//! a key in another file. A line is durable before it counts.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use exchange::{AgencyCode, ConsentId, Field, FieldSet, Identifier, PurposeCode};
use jiff::Timestamp;

/// What somebody has agreed to.
#[derive(Clone, Debug)]
pub struct Consent {
    /// Its id, as requests give it.
    pub id: ConsentId,
    /// Every number by which the person may be asked about.
    pub subjects: Vec<Identifier>,
    /// The agency that may ask.
    pub agency: AgencyCode,
    /// For which purposes.
    pub purposes: Vec<PurposeCode>,
    /// What it may have.
    pub fields: FieldSet,
    /// From when on.
    pub valid_from: Timestamp,
    /// Until when; the first instant at which it is over.
    pub valid_to: Timestamp,
}

/// Why a registry cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is none that this program writes.
    #[error("{}: line {line} is no consent", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        line: usize,
    },
    /// The key is not of 32 bytes, or others can read it.
    #[error("{}: must be a key of 32 bytes that its owner alone can read", .0.display())]
    Key(PathBuf),
    /// There is no registry on this node.
    #[error("no registry of consents is configured")]
    None,
    /// The id was registered before.
    #[error("a consent of this id was registered before")]
    Known,
    /// The id is not registered, or withdrawn.
    #[error("no consent of this id is registered")]
    Unknown,
}

/// The consents of a node.
pub struct Consents {
    store: Option<Store>,
    held: ArcSwap<HashMap<Tag, Option<Held>>>,
}

/// The files.
struct Store {
    path: PathBuf,
    key: hmac::Key,
    writing: Mutex<()>,
}

/// A consent as it is looked up; one that is withdrawn is remembered as none.
#[derive(Clone, Debug)]
struct Held {
    subjects: Vec<Tag>,
    agency: AgencyCode,
    purposes: Vec<PurposeCode>,
    fields: FieldSet,
    valid_from: Timestamp,
    valid_to: Timestamp,
}

/// Half of an HMAC-SHA-256: enough to tell apart what is registered.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Tag([u8; 16]);

impl Consents {
    /// A node without a registry: no consent holds.
    #[must_use]
    pub fn none() -> Self {
        Self {
            store: None,
            held: ArcSwap::default(),
        }
    }

    /// Opens the registry in a file; makes it and its key, beside it, if they are not there. Blocks.
    ///
    /// # Errors
    /// A file cannot be read or written, or holds something else.
    pub fn open(path: &Path) -> Result<Self, ConsentError> {
        let key = key(&path.with_extension("key"))?;
        if !path.exists() {
            append(path, HEAD)?;
        }
        let text = fs::read_to_string(path).map_err(at(path))?;
        // A line without an end was never confirmed.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let whole_text = text.get(..whole).unwrap_or_default();
        let mut held = HashMap::new();
        for (line, text) in (1..).zip(whole_text.lines()) {
            let read = if line == 1 {
                (text == HEAD.trim_end()).then_some(())
            } else {
                read(text, &mut held)
            };
            let path = path.to_owned();
            read.ok_or(ConsentError::Line { path, line })?;
        }
        if whole < text.len() {
            let file = OpenOptions::new().write(true).open(path);
            let cut = file.and_then(|file| file.set_len(whole as u64));
            cut.map_err(at(path))?;
        }
        let (path, writing) = (path.to_owned(), Mutex::new(()));
        Ok(Self {
            store: Some(Store { path, key, writing }),
            held: ArcSwap::from_pointee(held),
        })
    }

    /// Registers a consent. Blocks until it is durable.
    ///
    /// # Errors
    /// It is registered already, or cannot be written.
    pub fn register(&self, consent: &Consent) -> Result<(), ConsentError> {
        let store = self.store.as_ref().ok_or(ConsentError::None)?;
        let id = store.of_id(&consent.id);
        let held = Held {
            subjects: consent
                .subjects
                .iter()
                .map(|it| store.of_subject(it))
                .collect(),
            agency: consent.agency.clone(),
            purposes: consent.purposes.clone(),
            fields: consent.fields,
            valid_from: consent.valid_from,
            valid_to: consent.valid_to,
        };
        let _one = store.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.held.load().contains_key(&id) {
            return Err(ConsentError::Known);
        }
        append(&store.path, &format!("+ {id} {held}\n"))?;
        self.put(id, Some(held));
        Ok(())
    }

    /// Withdraws a consent, for ever. Blocks until that is durable.
    ///
    /// # Errors
    /// It is not registered, withdrawn already, or that cannot be written.
    pub fn withdraw(&self, id: &ConsentId) -> Result<(), ConsentError> {
        let store = self.store.as_ref().ok_or(ConsentError::None)?;
        let id = store.of_id(id);
        let _one = store.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(self.held.load().get(&id), Some(Some(_))) {
            return Err(ConsentError::Unknown);
        }
        append(&store.path, &format!("- {id}\n"))?;
        self.put(id, None);
        Ok(())
    }

    /// True if there is a registry.
    #[must_use]
    pub const fn are_kept(&self) -> bool {
        self.store.is_some()
    }

    /// True if a consent of that id is registered and not withdrawn.
    #[must_use]
    pub fn holds(&self, id: &ConsentId) -> bool {
        let tag = self.store.as_ref().map(|store| store.of_id(id));
        tag.is_some_and(|tag| matches!(self.held.load().get(&tag), Some(Some(_))))
    }

    /// True if an id was ever registered.
    #[must_use]
    pub fn knows(&self, id: &ConsentId) -> bool {
        let tag = self.store.as_ref().map(|store| store.of_id(id));
        tag.is_some_and(|tag| self.held.load().contains_key(&tag))
    }

    /// The fields that a consent lets the agency have of the person for the purpose; none if it does not
    /// hold for all three.
    pub(crate) fn fields(
        &self,
        id: &ConsentId,
        subject: &Identifier,
        agency: &AgencyCode,
        purpose: &PurposeCode,
        now: Timestamp,
    ) -> Option<FieldSet> {
        let store = self.store.as_ref()?;
        let held = self.held.load();
        let held = held.get(&store.of_id(id))?.as_ref()?;
        let holds = held.subjects.contains(&store.of_subject(subject))
            && held.agency == *agency
            && held.purposes.contains(purpose)
            && (held.valid_from..held.valid_to).contains(&now);
        holds.then_some(held.fields)
    }

    fn put(&self, id: Tag, held: Option<Held>) {
        let mut all = HashMap::clone(&self.held.load());
        all.insert(id, held);
        self.held.store(Arc::new(all));
    }
}

impl Store {
    fn of_id(&self, id: &ConsentId) -> Tag {
        self.tag("consent", id.reveal())
    }

    /// The same digits may be numbers of two kinds.
    fn of_subject(&self, subject: &Identifier) -> Tag {
        self.tag(&format!("{:?}", subject.kind()), subject.reveal())
    }

    fn tag(&self, kind: &str, value: &str) -> Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [kind, "\0", value] {
            context.update(part.as_bytes());
        }
        let mut tag = [0; 16];
        let code = context.sign();
        for (to, from) in tag.iter_mut().zip(code.as_ref()) {
            *to = *from;
        }
        Tag(tag)
    }
}

impl fmt::Debug for Consents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consents")
            .field("registered", &self.held.load().len())
            .finish_non_exhaustive()
    }
}

/// As the file has it.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(…)")
    }
}

impl Tag {
    fn parse(text: &str) -> Option<Self> {
        let mut tag = [0; 16];
        hex::decode_to_slice(text, &mut tag).ok()?;
        Some(Self(tag))
    }
}

/// As the file has it: agency, from, until, purposes, fields, persons.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let purposes: Vec<_> = self.purposes.iter().map(PurposeCode::as_str).collect();
        let fields: Vec<_> = self.fields.iter().map(Field::path).collect();
        let subjects: Vec<_> = self.subjects.iter().map(Tag::to_string).collect();
        write!(
            f,
            "{} {} {} {} {} {}",
            self.agency,
            self.valid_from,
            self.valid_to,
            purposes.join(","),
            fields.join(","),
            subjects.join(",")
        )
    }
}

/// Reads a line of the file.
fn read(line: &str, held: &mut HashMap<Tag, Option<Held>>) -> Option<()> {
    let words: Vec<&str> = line.split(' ').collect();
    match *words.as_slice() {
        ["-", id] => {
            held.insert(Tag::parse(id)?, None);
        }
        ["+", id, agency, from, until, purposes, fields, subjects] => {
            let consent = Held {
                subjects: each(subjects, Tag::parse)?,
                agency: AgencyCode::parse(agency)?,
                purposes: each(purposes, |it| PurposeCode::parse(it).ok())?,
                fields: each(fields, Field::from_path)?.into_iter().collect(),
                valid_from: from.parse().ok()?,
                valid_to: until.parse().ok()?,
            };
            held.insert(Tag::parse(id)?, Some(consent));
        }
        _ => return None,
    }
    Some(())
}

fn each<T>(list: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    list.split(',').map(parse).collect()
}

/// Appends a line; it is durable then.
fn append(path: &Path, line: &str) -> Result<(), ConsentError> {
    let mut options = OpenOptions::new();
    let file = options.append(true).create(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(line.as_bytes())?;
        file.sync_data()
    });
    written.map_err(at(path))
}

/// Reads the key, or makes it where there is none.
fn key(path: &Path) -> Result<hmac::Key, ConsentError> {
    if !path.exists() {
        let mut fresh = [0; KEY_BYTES];
        let made = SystemRandom::new().fill(&mut fresh);
        made.map_err(|_| at(path)(io::Error::other("no randomness")))?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| {
            file.write_all(&fresh)?;
            file.sync_all()
        });
        written.and_then(|()| sync_folder(path)).map_err(at(path))?;
    }
    let is_private = fs::metadata(path).map_err(at(path))?.mode() & 0o077 == 0;
    let bytes = fs::read(path).map_err(at(path))?;
    if !is_private || bytes.len() != KEY_BYTES {
        return Err(ConsentError::Key(path.to_owned()));
    }
    Ok(hmac::Key::new(HMAC_SHA256, &bytes))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ConsentError {
    let path = path.to_owned();
    |source| ConsentError::File { path, source }
}

const HEAD: &str = "lienthong consents v1\n";
const KEY_BYTES: usize = 32;
