//! What people are told about every reason, in Vietnamese and in English.
//!
//! *Invariant:* no text depends on anything but the reason: whether a person exists, what an agency
//! said and where a defect lies can be read from none.

mod en;
mod vi;

use exchange::Reason;

/// What is told about one reason.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    pub(super) en: Words,
    pub(super) vi: Words,
}

/// In one language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) message: &'static str,
}

/// The text of a reason.
pub(super) const fn of(reason: Reason) -> Text {
    Text {
        en: words(en::of(reason)),
        vi: words(vi::of(reason)),
    }
}

const fn words([title, message]: [&'static str; 2]) -> Words {
    Words { title, message }
}
