//! A pull reader over XML that another party sent: no document type, no foreign entity, a bounded
//! depth. What it is not asked for it skips.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::Wrong;

/// The deepest element that is read; the tables need five.
const MAX_DEPTH: usize = 16;

/// XML of which one element is open at a time.
pub(crate) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
}

impl<'a> Xml<'a> {
    /// Opens a document whose root is `root`; a byte order mark may precede it. The reader checks
    /// piece by piece that it is UTF-8.
    pub(crate) fn open<T: AsRef<[u8]> + ?Sized>(text: &'a T, root: &str) -> Result<Self, Wrong> {
        let bytes = text.as_ref();
        let mut reader = Reader::from_reader(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        reader.config_mut().expand_empty_elements = true;
        let mut xml = Self { reader, depth: 0 };
        match xml.child()? {
            Some(start) if start.local_name().as_ref() == root => Ok(xml),
            _ => Err(Wrong::Root),
        }
    }

    /// The next child of the open element, or none at its end. The child is then open.
    pub(crate) fn child(&mut self) -> Result<Option<BytesStart<'a>>, Wrong> {
        loop {
            match self.next()? {
                Event::Start(start) => return Ok(Some(start)),
                Event::End(_) => return Ok(None),
                Event::Eof | Event::DocType(_) => return Err(Wrong::Malformed),
                Event::Empty(_)
                | Event::Text(_)
                | Event::CData(_)
                | Event::GeneralRef(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_) => {}
            }
        }
    }

    /// The text of the open element, up to its end; elements within are skipped.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, Wrong> {
        let mut text = Cow::Borrowed("");
        loop {
            let piece = match self.next()? {
                Event::End(_) => return Ok(text),
                Event::Text(piece) => piece.into_inner(),
                Event::CData(piece) => piece.into_inner(),
                Event::GeneralRef(reference) => resolved(&reference)?,
                Event::Start(_) => {
                    self.skip()?;
                    continue;
                }
                Event::Eof | Event::DocType(_) => return Err(Wrong::Malformed),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            };
            if text.is_empty() {
                text = piece;
            } else {
                text.to_mut().push_str(&piece);
            }
        }
    }

    /// Passes over the open element and all within.
    pub(crate) fn skip(&mut self) -> Result<(), Wrong> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if let Event::Eof = self.next()? {
                return Err(Wrong::Malformed);
            }
        }
        Ok(())
    }

    /// Checks that nothing follows the root.
    pub(crate) fn finish(mut self) -> Result<(), Wrong> {
        loop {
            match self.next()? {
                Event::Eof => return Ok(()),
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(_)
                | Event::Start(_)
                | Event::End(_)
                | Event::Empty(_)
                | Event::CData(_)
                | Event::GeneralRef(_)
                | Event::Decl(_)
                | Event::DocType(_) => return Err(Wrong::Malformed),
            }
        }
    }

    fn next(&mut self) -> Result<Event<'a>, Wrong> {
        let event = self.reader.read_event().map_err(|_| Wrong::Malformed)?;
        match &event {
            Event::Start(_) if self.depth == MAX_DEPTH => return Err(Wrong::Depth),
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::DocType(_) => return Err(Wrong::Doctype),
            Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::GeneralRef(_)
            | Event::Eof => {}
        }
        Ok(event)
    }
}

/// The character or one of the five entities that XML itself defines.
fn resolved<'a>(reference: &BytesRef<'a>) -> Result<Cow<'a, str>, Wrong> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Ok(Cow::Owned(character.into())),
        Ok(None) => resolve_predefined_entity(reference)
            .map(Cow::Borrowed)
            .ok_or(Wrong::Entity),
        Err(_) => Err(Wrong::Entity),
    }
}
