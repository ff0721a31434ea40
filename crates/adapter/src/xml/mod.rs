//! A pull reader over XML 1.0 (W3C, fifth edition) that an agency sent: elements, their texts and
//! attributes, nothing else.
//!
//! It checks a document for UTF-8 once and copies nothing that needs no change (decision 0012).
//! What it accepts, `quick-xml` accepts and reads alike: the tests hold the two together.
//! Not here: what any element means.
//!
//! *Invariants:* a document type is refused, so no entity is ever defined or fetched; depth and
//! number of elements are capped; what is not UTF-8, tags that do not match, markup without an end
//! and references to nothing are refused. Events come before that is known: a document is good only
//! once its end was read. Comments that begin with `>` or `->`, which XML allows and readers take
//! for ended, are refused. Names, attributes that nobody asks for and what stands beside the root
//! are not checked.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3, memmem};

mod refs;
mod refused;
#[cfg(test)]
mod tests;

use refs::resolved;

pub use refused::Refused;

/// A document that is being read.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The names of the open elements.
    open: Vec<&'a str>,
    /// The innermost open element is empty: `<a/>`.
    is_empty: bool,
    elements: usize,
    limits: Limits,
}

/// How much is read before a document is refused.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The deepest nesting.
    pub depth: usize,
    /// The most elements.
    pub elements: usize,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A start tag, or an empty element, which closes next.
    Open(Tag<'a>),
    /// Text with its references resolved; several follow each other where a comment or `CDATA`
    /// stands between them.
    Text(Cow<'a, str>),
    /// The end of the innermost open element.
    Close,
    /// The end of the document, after its elements.
    End,
}

/// A start tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// The name without its prefix.
    pub fn name(&self) -> &'a str {
        local(self.name)
    }

    /// The value of the attribute of that local name; none if it is missing or malformed.
    pub fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut rest = self.attributes;
        loop {
            let (key, behind) = rest.split_once('=')?;
            let behind = behind.trim_start_matches(is_space);
            let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, behind) = behind.get(1..)?.split_once(quote)?;
            if local(key.trim_matches(is_space)) == name {
                return resolved(value).ok();
            }
            rest = behind;
        }
    }
}

impl<'a> Reader<'a> {
    /// Begins to read; a byte order mark may stand in front.
    ///
    /// # Errors
    /// The bytes are not UTF-8, or hold a control character.
    pub fn new(bytes: &'a [u8], limits: Limits) -> Result<Self, Refused> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = simdutf8::basic::from_utf8(bytes).map_err(|_| Refused::Utf8)?;
        // Without a way out before the end of a chunk the compiler looks at many bytes at once.
        let holds_control =
            |chunk: &[u8]| chunk.iter().fold(false, |found, b| found | is_control(*b));
        if bytes.chunks(256).any(holds_control) {
            return Err(Refused::Control);
        }
        Ok(Self {
            text,
            at: 0,
            open: Vec::with_capacity(8),
            is_empty: false,
            elements: 0,
            limits,
        })
    }

    /// How many elements are open.
    pub const fn depth(&self) -> usize {
        self.open.len()
    }

    /// The next event; after the end of the document, always that.
    ///
    /// # Errors
    /// Why the document is refused.
    pub fn read(&mut self) -> Result<Event<'a>, Refused> {
        if std::mem::take(&mut self.is_empty) {
            self.open.pop();
            return Ok(Event::Close);
        }
        loop {
            let rest = self.rest();
            let Some(first) = rest.as_bytes().first() else {
                return match self.open.is_empty() {
                    true => Ok(Event::End),
                    false => Err(Refused::CutShort),
                };
            };
            if *first != b'<' {
                return self.text().map(Event::Text);
            }
            match rest.as_bytes().get(1) {
                None => return Err(self.broken()),
                Some(b'/') => return self.close(),
                Some(b'?') => self.instruction()?,
                Some(b'!') => {
                    if let Some(text) = self.bang()? {
                        return Ok(Event::Text(text));
                    }
                }
                Some(_) => return self.open(),
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes that many bytes of the rest.
    fn take(&mut self, bytes: usize) -> &'a str {
        let taken = self.rest().get(..bytes).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    /// Takes what stands between `begin`, at which the rest begins, and the next `end`.
    fn between(&mut self, begin: &str, end: &str) -> Result<&'a str, Refused> {
        let inner = self.rest().get(begin.len()..).unwrap_or_default();
        let Some(length) = memmem::find(inner.as_bytes(), end.as_bytes()) else {
            return Err(self.broken());
        };
        self.at += begin.len() + length + end.len();
        Ok(inner.get(..length).unwrap_or_default())
    }

    /// What is said of markup without an end.
    fn broken(&self) -> Refused {
        match self.open.is_empty() {
            true => Refused::Malformed,
            false => Refused::CutShort,
        }
    }

    /// A text up to the next markup.
    fn text(&mut self) -> Result<Cow<'a, str>, Refused> {
        let rest = self.rest().as_bytes();
        let special = memchr3(b'<', b'&', b'\r', rest).unwrap_or(rest.len());
        if rest.get(special).is_none_or(|byte| *byte == b'<') {
            return Ok(Cow::Borrowed(self.take(special))); // as nearly every text
        }
        let text = self.take(memchr(b'<', rest).unwrap_or(rest.len()));
        resolved(text)
    }

    /// A start tag.
    fn open(&mut self) -> Result<Event<'a>, Refused> {
        let rest = self.rest().get(1..).unwrap_or_default();
        let named = rest.bytes().position(ends_name);
        let (name, behind) = rest.split_at(named.ok_or_else(|| self.broken())?);
        let length = self.length(behind)?;
        let attributes = behind.get(..length).unwrap_or_default();
        let (attributes, is_empty) = match attributes.strip_suffix('/') {
            Some(attributes) => (attributes, true),
            None => (attributes, false),
        };
        let is_apart = attributes.is_empty() || attributes.starts_with(is_space);
        if name.is_empty() || !is_apart {
            return Err(Refused::Malformed);
        }
        if self.open.len() == self.limits.depth {
            return Err(Refused::Depth);
        }
        if self.elements == self.limits.elements {
            return Err(Refused::Elements);
        }
        self.at += "<".len() + name.len() + length + ">".len();
        self.elements += 1;
        self.open.push(name);
        self.is_empty = is_empty;
        Ok(Event::Open(Tag { name, attributes }))
    }

    /// How much of a tag is left `behind` its name: up to the first `>` outside quotes.
    fn length(&self, behind: &str) -> Result<usize, Refused> {
        let bytes = behind.as_bytes();
        let mut at = 0;
        loop {
            match bytes.get(at) {
                None => return Err(self.broken()),
                Some(b'>') => return Ok(at),
                Some(b'<') => return Err(Refused::Malformed),
                Some(quote @ (b'"' | b'\'')) => {
                    let value = bytes.get(at + 1..).unwrap_or_default();
                    let length = memchr2(*quote, b'<', value).ok_or_else(|| self.broken())?;
                    if value.get(length) == Some(&b'<') {
                        return Err(Refused::Malformed);
                    }
                    at += length + 2;
                }
                Some(_) => at += 1,
            }
        }
    }

    /// An end tag, which must be that of the innermost open element.
    fn close(&mut self) -> Result<Event<'a>, Refused> {
        let rest = self.rest().get(2..).unwrap_or_default();
        let behind = self.open.last().and_then(|open| rest.strip_prefix(open));
        let behind = behind.map(|it| it.trim_start_matches(is_space));
        let Some(next) = behind.and_then(|it| it.strip_prefix('>')) else {
            let has_end = memchr(b'>', rest.as_bytes()).is_some();
            return Err(if has_end {
                Refused::Malformed
            } else {
                self.broken()
            });
        };
        self.at = self.text.len() - next.len();
        self.open.pop();
        Ok(Event::Close)
    }

    /// A processing instruction, or the XML declaration.
    fn instruction(&mut self) -> Result<(), Refused> {
        let inner = self.between("<?", "?>")?;
        // As of comments, some readers take this one to end right there.
        if inner.starts_with('>') {
            return Err(Refused::Malformed);
        }
        let Some(declaration) = inner
            .strip_prefix("xml")
            .filter(|it| it.starts_with(is_space))
        else {
            return Ok(());
        };
        let tag = Tag {
            name: "xml",
            attributes: declaration,
        };
        match tag.attribute("encoding") {
            Some(name) if !name.eq_ignore_ascii_case("utf-8") => Err(Refused::Encoding),
            _ => Ok(()),
        }
    }

    /// A comment, or `CDATA`, which is text.
    fn bang(&mut self) -> Result<Option<Cow<'a, str>>, Refused> {
        let rest = self.rest();
        if rest.starts_with("<!--") {
            let comment = self.between("<!--", "-->")?;
            // XML allows these two, but some readers take the comment to end right there.
            return match comment.starts_with('>') || comment.starts_with("->") {
                true => Err(Refused::Malformed),
                false => Ok(None),
            };
        }
        if rest.starts_with("<![CDATA[") {
            let text = self.between("<![CDATA[", "]]>")?;
            return Ok(Some(refs::lines(text)));
        }
        let is_doctype = rest
            .get(2..9)
            .is_some_and(|it| it.eq_ignore_ascii_case("DOCTYPE"));
        Err(if is_doctype {
            Refused::Doctype
        } else {
            Refused::Malformed
        })
    }
}

/// What stands behind the prefix of a name.
fn local(name: &str) -> &str {
    match name.bytes().position(|byte| byte == b':') {
        Some(colon) => name.get(colon + 1..).unwrap_or_default(),
        None => name,
    }
}

/// What no name holds: at the first of these a name ends.
const fn ends_name(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b'\r' | b'>' | b'/' | b'=' | b'"' | b'\'' | b'<'
    )
}

/// The white space of XML.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// The control characters of ASCII that XML does not allow.
const fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}
