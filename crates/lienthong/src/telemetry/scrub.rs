//! The second line of defence: what looks like a personal id does not leave in a span.
//!
//! Not here: the first line, which is that no room puts one there.

use std::borrow::Cow;

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// Replaces every text with a personal id in it, in attributes of the span, its events and links.
pub(super) fn scrub(span: &mut SpanData) {
    clean_name(&mut span.name);
    clean(&mut span.attributes);
    for event in &mut span.events.events {
        clean_name(&mut event.name);
        clean(&mut event.attributes);
    }
    for link in &mut span.links.links {
        clean(&mut link.attributes);
    }
}

fn clean_name(name: &mut Cow<'static, str>) {
    if holds_id(name) {
        *name = REMOVED.into();
    }
}

fn clean(attributes: &mut [KeyValue]) {
    for attribute in attributes {
        if matches!(&attribute.value, Value::String(text) if holds_id(text.as_str())) {
            attribute.value = REMOVED.into();
        }
    }
}

/// True if twelve digits stand alone in a text; those at the end of a UUID do not.
fn holds_id(text: &str) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    text.as_bytes()
        .split(|b| !is_part(b))
        .any(|word| word.len() == 12 && word.iter().all(u8::is_ascii_digit))
}

/// What stands in its place.
const REMOVED: &str = "removed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits_alone_are_an_id() {
        for id in [
            "999099000001",
            "about 999099000001.",
            "/v1/999099000001?x",
            "CitizenId(\"999099000001\")",
        ] {
            assert!(holds_id(id), "{id}");
        }
        for other in [
            "",
            "99909900000",
            "9990990000012",
            "0190163d-8694-739b-aea5-966026083910",
            "lienthong.v1.CitizenService/LookupCitizen",
        ] {
            assert!(!holds_id(other), "{other}");
        }
    }
}
