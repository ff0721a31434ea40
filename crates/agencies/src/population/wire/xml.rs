//! The documents of the agency, element by element, over the reader that all agencies share.
//!
//! Not here: what any element means.
//!
//! *Invariant:* an element that nobody reads is skipped.

use std::borrow::Cow;

use adapter::xml::{self, Event, Limits, Reader, Tag};

/// A real answer has 7 levels, and a full record about 150 elements.
const LIMITS: Limits = Limits {
    depth: 32,
    elements: 10_000,
};

/// Why a document is refused; never shows what stood in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document {0}")]
pub(in crate::population) struct Refused(pub(in crate::population) &'static str);

impl From<xml::Refused> for Refused {
    fn from(refused: xml::Refused) -> Self {
        Self(refused.what())
    }
}

/// A document that is being read.
pub(in crate::population) struct Xml<'a>(Reader<'a>);

impl<'a> Xml<'a> {
    /// Begins to read a document, with or without a byte-order mark.
    pub(in crate::population) fn new<T: AsRef<[u8]> + ?Sized>(
        text: &'a T,
    ) -> Result<Self, Refused> {
        Ok(Self(Reader::new(text.as_ref(), LIMITS)?))
    }

    /// Calls `visit` with every child of the open element (at first, of the document) and returns
    /// the text that stands directly in it, trimmed. What `visit` leaves unread of a child is
    /// skipped.
    pub(in crate::population) fn children(
        &mut self,
        mut visit: impl FnMut(&mut Self, &Tag<'a>) -> Result<(), Refused>,
    ) -> Result<Cow<'a, str>, Refused> {
        let level = self.0.depth();
        let (mut text, mut is_blank) = (Cow::Borrowed(""), true);
        loop {
            match self.0.read()? {
                Event::Open(tag) => {
                    visit(self, &tag)?;
                    while self.0.depth() > level {
                        self.0.read()?;
                    }
                }
                // Nearly every text is one piece, or space between children.
                Event::Text(piece) if is_blank => {
                    is_blank = piece.trim_start().is_empty();
                    text = piece;
                }
                Event::Text(piece) => text.to_mut().push_str(&piece),
                Event::Close | Event::End => return allowed(trimmed(text)),
            }
        }
    }

    /// The value of an attribute; empty if it is missing or malformed.
    ///
    /// # Errors
    /// It holds a control character.
    pub(in crate::population) fn attribute(tag: &Tag<'a>, name: &str) -> Result<String, Refused> {
        let value = tag.attribute(name).unwrap_or_default();
        allowed(value).map(Cow::into_owned)
    }

    /// Reads the open element to its end and returns its text, trimmed.
    pub(in crate::population) fn text(&mut self) -> Result<String, Refused> {
        self.children(|_, _| Ok(())).map(Cow::into_owned)
    }
}

/// Refuses the controls that XML allows: no name and no address holds one.
fn allowed(text: Cow<'_, str>) -> Result<Cow<'_, str>, Refused> {
    let is_ascii = text.is_ascii() && !text.contains('\u{7f}');
    let is_forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    if !is_ascii && text.contains(is_forbidden) {
        return Err(xml::Refused::Control.into());
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
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    fn text_of(document: &str) -> Result<String, Refused> {
        let mut found = String::new();
        Xml::new(document)?.children(|xml, _| {
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
    fn a_text_in_many_pieces_is_read_in_one_pass() {
        let pieces = format!("<a>{}x{}</a>", " ".repeat(400_000), "y<??>".repeat(100_000));
        let begun = Instant::now();
        assert_eq!(text_of(&pieces).unwrap().len(), 100_001);
        // Looking at the spaces again for every piece would take minutes.
        assert!(begun.elapsed() < Duration::from_secs(10));
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
