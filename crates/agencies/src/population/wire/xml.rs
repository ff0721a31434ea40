//! A small pull reader over XML from outside: elements by their local names, texts, nothing else.
//!
//! Not here: what any element means.
//!
//! *Invariants:* a document type is refused, so no entity is ever defined or fetched; depth and
//! number of elements are capped; an element that nobody reads is skipped; what is not UTF-8, not
//! well-formed or cut short is refused as a whole.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

/// The deepest nesting that is read; a real answer has 7 levels.
const MAX_DEPTH: usize = 32;

/// The most elements that are read; a full record has about 150.
const MAX_ELEMENTS: usize = 10_000;

/// Why a document is refused; never shows what stood in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document {0}")]
pub(in crate::population) struct Refused(pub(in crate::population) &'static str);

/// A document that is being read.
pub(in crate::population) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    elements: usize,
}

/// A start tag.
pub(in crate::population) struct Tag<'a>(BytesStart<'a>);

enum Step<'a> {
    Open(Tag<'a>),
    Text(Cow<'a, str>),
    /// The end of the innermost open element, or of the document.
    End,
}

impl Tag<'_> {
    /// The name without its prefix.
    pub(in crate::population) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// The value of the attribute of that local name; empty if it is missing or malformed.
    pub(in crate::population) fn attribute(&self, name: &str) -> String {
        // Without checks: looking for duplicates costs the square of their number.
        let mut attributes = self.0.attributes();
        let found = attributes
            .with_checks(false)
            .flatten()
            .find(|attribute| attribute.key.local_name().into_inner() == name);
        let value =
            found.and_then(|it| it.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok());
        value.map(Cow::into_owned).unwrap_or_default()
    }
}

impl<'a> Xml<'a> {
    /// Begins to read a document, with or without a byte-order mark. The reader checks piece by
    /// piece that it is UTF-8.
    pub(in crate::population) fn new<T: AsRef<[u8]> + ?Sized>(text: &'a T) -> Self {
        let bytes = text.as_ref();
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = Reader::from_reader(bytes);
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            depth: 0,
            elements: 0,
        }
    }

    /// Calls `visit` with every child of the open element (at first, of the document) and returns
    /// the text that stands directly in it, trimmed. What `visit` leaves unread of a child is
    /// skipped.
    pub(in crate::population) fn children(
        &mut self,
        mut visit: impl FnMut(&mut Self, &Tag<'a>) -> Result<(), Refused>,
    ) -> Result<Cow<'a, str>, Refused> {
        let level = self.depth;
        let mut text = Cow::Borrowed("");
        loop {
            match self.step()? {
                Step::Open(tag) => {
                    visit(self, &tag)?;
                    while self.depth > level {
                        self.step()?;
                    }
                }
                // Nearly every text is one piece, or space between children.
                Step::Text(piece) if text.trim_start().is_empty() => text = piece,
                Step::Text(piece) => text.to_mut().push_str(&piece),
                Step::End => return Ok(trimmed(text)),
            }
        }
    }

    /// Reads the open element to its end and returns its text, trimmed.
    pub(in crate::population) fn text(&mut self) -> Result<String, Refused> {
        self.children(|_, _| Ok(())).map(Cow::into_owned)
    }

    fn step(&mut self) -> Result<Step<'a>, Refused> {
        loop {
            let event = self.reader.read_event();
            match event.map_err(|error| refused(&error))? {
                Event::Start(tag) | Event::Empty(tag) => return self.open(tag),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Step::End);
                }
                Event::Text(text) => return allowed(text.xml10_content()).map(Step::Text),
                Event::CData(text) => return allowed(text.xml10_content()).map(Step::Text),
                Event::GeneralRef(reference) => {
                    return resolve(&reference).and_then(allowed).map(Step::Text);
                }
                Event::DocType(_) => return Err(Refused("has a document type")),
                Event::Decl(declaration) => match declaration.encoding() {
                    None => {}
                    Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => {}
                    Some(_) => return Err(Refused("declares another encoding than UTF-8")),
                },
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof if self.depth == 0 => return Ok(Step::End),
                Event::Eof => return Err(Refused("is cut short")),
            }
        }
    }

    fn open(&mut self, tag: BytesStart<'a>) -> Result<Step<'a>, Refused> {
        self.depth += 1;
        self.elements += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refused("is nested too deeply"));
        }
        if self.elements > MAX_ELEMENTS {
            return Err(Refused("has too many elements"));
        }
        Ok(Step::Open(Tag(tag)))
    }
}

fn refused(error: &quick_xml::Error) -> Refused {
    let is_text = !matches!(error, quick_xml::Error::Encoding(_));
    Refused(if is_text {
        "is not well-formed"
    } else {
        "is not UTF-8"
    })
}

/// The character behind `&lt;` or `&#x1ec5;`; there are no other entities without a document type.
fn resolve(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, Refused> {
    if let Some(text) = resolve_predefined_entity(reference) {
        return Ok(Cow::Borrowed(text));
    }
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Ok(Cow::Owned(character.to_string())),
        _ => Err(Refused("refers to an unknown entity")),
    }
}

/// Refuses controls that XML 1.0 does not allow, also when written as a reference.
fn allowed(text: Cow<'_, str>) -> Result<Cow<'_, str>, Refused> {
    let is_forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if text.contains(is_forbidden) {
        return Err(Refused("holds a control character"));
    }
    Ok(text)
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(document: &str) -> Result<String, Refused> {
        let mut found = String::new();
        Xml::new(document).children(|xml, _| {
            found = xml.text()?;
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn a_text_is_put_together_from_all_its_pieces() {
        let document = "<?xml version='1.0' encoding='UTF-8'?><a>\n A<!-- c -->&amp;<![CDATA[<B>]]>&#x110; </a>";
        assert_eq!(text_of(document).unwrap(), "A&<B>Đ");
        assert_eq!(text_of("\u{feff}<a/>").unwrap(), "");
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "<a>".repeat(100_000);
        let many = format!("<a>{}</a>", "<b/>".repeat(20_000));
        let cases = [
            (
                "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
                "has a document type",
            ),
            ("<a>&b;</a>", "refers to an unknown entity"),
            ("<a><b></a>", "is not well-formed"),
            ("<a><b>", "is cut short"),
            ("<a>&#1;</a>", "holds a control character"),
            (
                "<?xml version='1.0' encoding='tcvn3'?><a/>",
                "declares another encoding than UTF-8",
            ),
            (&deep, "is nested too deeply"),
            (&many, "has too many elements"),
        ];
        for (document, why) in cases {
            assert_eq!(text_of(document), Err(Refused(why)));
        }
    }
}
