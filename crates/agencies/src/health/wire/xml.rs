//! The documents of the ministry, element by element, over the reader that all agencies share.
//! What it is not asked for it skips.

use std::borrow::Cow;

use super::Wrong;
use adapter::xml::{Event, Limits, Reader, Refused, Tag};

/// The tables need five levels; rows are counted by who reads them.
const LIMITS: Limits = Limits {
    depth: 16,
    elements: 500_000,
};

/// XML of which one element is open at a time.
pub(crate) struct Xml<'a>(Reader<'a>);

impl<'a> Xml<'a> {
    /// Opens a document whose root is `root`; a byte order mark may precede it.
    pub(crate) fn open<T: AsRef<[u8]> + ?Sized>(text: &'a T, root: &str) -> Result<Self, Wrong> {
        let mut xml = Self(Reader::new(text.as_ref(), LIMITS)?);
        match xml.child()? {
            Some(start) if start.name() == root => Ok(xml),
            _ => Err(Wrong::Root),
        }
    }

    /// The next child of the open element, or none at its end. The child is then open.
    pub(crate) fn child(&mut self) -> Result<Option<Tag<'a>>, Wrong> {
        loop {
            match self.0.read()? {
                Event::Open(start) => return Ok(Some(start)),
                Event::Close => return Ok(None),
                Event::End => return Err(Wrong::Malformed),
                Event::Text(_) => {}
            }
        }
    }

    /// The text of the open element, up to its end; elements within are skipped.
    pub(crate) fn text(&mut self) -> Result<Cow<'a, str>, Wrong> {
        let mut text = Cow::Borrowed("");
        loop {
            match self.0.read()? {
                Event::Text(piece) if text.is_empty() => text = piece,
                Event::Text(piece) => text.to_mut().push_str(&piece),
                Event::Open(_) => self.skip()?,
                Event::Close => return Ok(text),
                Event::End => return Err(Wrong::Malformed),
            }
        }
    }

    /// Passes over the open element and all within.
    pub(crate) fn skip(&mut self) -> Result<(), Wrong> {
        let outside = self.0.depth().saturating_sub(1);
        while self.0.depth() > outside {
            self.0.read()?;
        }
        Ok(())
    }

    /// Checks that nothing follows the root.
    pub(crate) fn finish(mut self) -> Result<(), Wrong> {
        loop {
            match self.0.read()? {
                Event::End => return Ok(()),
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Text(_) | Event::Open(_) | Event::Close => return Err(Wrong::Malformed),
            }
        }
    }
}

impl From<Refused> for Wrong {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Utf8 => Self::Data,
            Refused::Encoding | Refused::Control | Refused::Malformed | Refused::CutShort => {
                Self::Malformed
            }
            Refused::Doctype => Self::Doctype,
            Refused::Entity => Self::Entity,
            Refused::Depth => Self::Depth,
            Refused::Elements => Self::Rows,
        }
    }
}
