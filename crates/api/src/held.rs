//! What a field of a record holds, in the form in which it is compared with a claim.
//!
//! Which field has which form is generated from the contract. Not here: how two values are compared
//! (crate `gate`).

use std::fmt;

use crate::v1;

/// The value of one field. `Debug` shows its form alone.
#[derive(Clone, Copy)]
pub enum Held<'a> {
    /// A text.
    Text(&'a str),
    /// Several texts, of which one is meant.
    Texts(&'a [String]),
    /// A personal name.
    Name(&'a v1::PersonName),
    /// A date, perhaps partial.
    Date(v1::PartialDate),
    /// A code and its list.
    Code(&'a v1::CodedValue),
    /// A value of an enum, by its number.
    Choice(i32),
}

impl<'a> Held<'a> {
    pub(crate) fn text(text: &'a str) -> Option<Self> {
        (!text.is_empty()).then_some(Self::Text(text))
    }

    pub(crate) fn texts(texts: &'a [String]) -> Option<Self> {
        (!texts.is_empty()).then_some(Self::Texts(texts))
    }

    pub(crate) fn choice(number: i32) -> Option<Self> {
        (number != 0).then_some(Self::Choice(number))
    }
}

impl fmt::Debug for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Held::Text(…)",
            Self::Texts(_) => "Held::Texts(…)",
            Self::Name(_) => "Held::Name(…)",
            Self::Date(_) => "Held::Date(…)",
            Self::Code(_) => "Held::Code(…)",
            Self::Choice(_) => "Held::Choice(…)",
        })
    }
}

/// The form in which a claim gives a value.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A text.
    Text,
    /// A personal name.
    Name,
    /// A date: `1999-01-31`, `1999-01` or `1999`.
    Date,
    /// `list:code`.
    Code,
    /// The name of a value of an enum, read into its number.
    Choice(fn(&str) -> Option<i32>),
}
