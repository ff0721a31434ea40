//! Why a document is refused. Not here: finding out.

/// Why a document is refused; never shows what stood in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not UTF-8.
    Utf8,
    /// It declares another encoding than UTF-8.
    Encoding,
    /// It holds a control character that XML does not allow, as such or as a reference.
    Control,
    /// It is not well-formed.
    Malformed,
    /// It ends within an element.
    CutShort,
    /// It has a document type.
    Doctype,
    /// It refers to an entity that XML itself does not define.
    Entity,
    /// It is nested too deeply.
    Depth,
    /// It has too many elements.
    Elements,
}

impl Refused {
    /// What is wrong with the document.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Utf8 => "is not UTF-8",
            Self::Encoding => "declares another encoding than UTF-8",
            Self::Control => "holds a control character",
            Self::Malformed => "is not well-formed",
            Self::CutShort => "is cut short",
            Self::Doctype => "has a document type",
            Self::Entity => "refers to an unknown entity",
            Self::Depth => "is nested too deeply",
            Self::Elements => "has too many elements",
        }
    }
}
