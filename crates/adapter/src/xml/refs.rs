//! References and ends of lines in a text. Pure.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::Refused;

/// A text with its references resolved and its lines ended as XML says (§2.11, §4.1).
pub(super) fn resolved(text: &str) -> Result<Cow<'_, str>, Refused> {
    if memchr2(b'&', b'\r', text.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = memchr(b'&', rest.as_bytes()) {
        let (before, from) = rest.split_at(place);
        push_lines(&mut out, before);
        let end = memchr(b';', from.as_bytes()).ok_or(Refused::Malformed)?;
        let name = from.get(1..end).unwrap_or_default();
        out.push(character(name)?);
        rest = from.get(end + 1..).unwrap_or_default();
    }
    push_lines(&mut out, rest);
    Ok(Cow::Owned(out))
}

/// A text whose lines end as XML says, and in which nothing is a reference.
pub(super) fn lines(text: &str) -> Cow<'_, str> {
    if memchr(b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    push_lines(&mut out, text);
    Cow::Owned(out)
}

/// Adds a text; every `\r\n` and every other `\r` in it becomes `\n`.
fn push_lines(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(place) = memchr(b'\r', rest.as_bytes()) {
        let (before, from) = rest.split_at(place);
        out.push_str(before);
        out.push('\n');
        rest = from
            .strip_prefix("\r\n")
            .unwrap_or_else(|| from.get(1..).unwrap_or_default());
    }
    out.push_str(rest);
}

/// The character that a reference stands for.
fn character(name: &str) -> Result<char, Refused> {
    let Some(number) = name.strip_prefix('#') else {
        return match name {
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "amp" => Ok('&'),
            "apos" => Ok('\''),
            "quot" => Ok('"'),
            _ => Err(Refused::Entity),
        };
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refused::Entity);
    }
    let code = u32::from_str_radix(digits, radix).map_err(|_| Refused::Entity)?;
    match char::from_u32(code) {
        Some('\u{fffe}' | '\u{ffff}') | None => Err(Refused::Entity),
        Some(c) if u8::try_from(c).is_ok_and(super::is_control) => Err(Refused::Control),
        Some(c) => Ok(c),
    }
}
