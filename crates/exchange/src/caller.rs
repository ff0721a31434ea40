//! Who asks: an agency and one of its systems, as its client certificate names them.
//!
//! Not here: how a certificate is checked (crate `identity`).

use std::fmt;
use std::sync::Arc;

/// The code of an agency as certificates and agreements spell it, such as `G18`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgencyCode(Arc<str>);

/// One system of an agency, such as `one-stop-desk`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SystemId(Arc<str>);

/// The verified caller of a request.
///
/// Made from a verified client certificate once per connection, and cloned by reference count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    agency: AgencyCode,
    system: SystemId,
    certificate: Arc<str>,
}

impl Caller {
    /// Puts together what a verified certificate says; `fingerprint` is its SHA-256 in hex.
    #[must_use]
    pub fn new(agency: AgencyCode, system: SystemId, fingerprint: &str) -> Self {
        Self {
            agency,
            system,
            certificate: Arc::from(fingerprint),
        }
    }

    /// The calling agency.
    #[must_use]
    pub const fn agency(&self) -> &AgencyCode {
        &self.agency
    }

    /// The calling system of that agency.
    #[must_use]
    pub const fn system(&self) -> &SystemId {
        &self.system
    }

    /// SHA-256 of the client certificate, lower-case hex.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }
}

/// Letters, digits, `.`, `_` and `-`, 1 to 64 of them: what a SPIFFE path segment may hold.
fn is_segment(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && !text.bytes().all(|b| b == b'.')
}

macro_rules! segment {
    ($name:ident) => {
        impl $name {
            /// Takes a SPIFFE path segment; none if it has a character outside `[A-Za-z0-9._-]`
            /// or is not 1 to 64 characters long.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                is_segment(text).then(|| Self(Arc::from(text)))
            }

            /// The code as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

segment!(AgencyCode);
segment!(SystemId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_refuse_what_a_path_segment_may_not_hold() {
        assert!(AgencyCode::parse("G18").is_some());
        for wrong in ["", "a/b", "a b", "é", "..", "*", &"x".repeat(65)] {
            assert!(AgencyCode::parse(wrong).is_none(), "{wrong}");
        }
    }
}
