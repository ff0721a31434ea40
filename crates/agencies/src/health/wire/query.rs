//! The question: `TRA_CUU` with the number of the person and the codes of what is asked, and
//! nothing else.

/// The root of a question.
const ROOT: &str = "TRA_CUU";

/// The XML of a question about `so_cccd` that asks for `codes`.
///
/// Neither needs escaping: a number is digits, a code is capitals, digits and `_`.
pub(crate) fn query(so_cccd: &str, codes: impl Iterator<Item = &'static str>) -> String {
    let mut xml = String::with_capacity(1_024);
    xml.push_str("<TRA_CUU><SO_CCCD>");
    xml.push_str(so_cccd);
    xml.push_str("</SO_CCCD>");
    for code in codes {
        xml.push_str("<MA_TRUONG>");
        xml.push_str(code);
        xml.push_str("</MA_TRUONG>");
    }
    xml.push_str("</");
    xml.push_str(ROOT);
    xml.push('>');
    xml
}

/// A question as the ministry reads it.
#[cfg(any(test, feature = "sim"))]
pub(crate) struct Query<'a> {
    /// The number of the person.
    pub(crate) so_cccd: std::borrow::Cow<'a, str>,
    /// The codes of what is asked.
    pub(crate) codes: Vec<std::borrow::Cow<'a, str>>,
}

#[cfg(any(test, feature = "sim"))]
impl<'a> Query<'a> {
    /// Reads a question; unlike an answer it may hold nothing unknown.
    pub(crate) fn read<T: AsRef<[u8]> + ?Sized>(text: &'a T) -> Result<Self, super::Wrong> {
        let mut xml = super::xml::Xml::open(text, ROOT)?;
        let mut read = Self {
            so_cccd: "".into(),
            codes: Vec::new(),
        };
        while let Some(child) = xml.child()? {
            match child.name() {
                "SO_CCCD" if read.so_cccd.is_empty() => read.so_cccd = xml.text()?,
                "MA_TRUONG" => read.codes.push(xml.text()?),
                _ => return Err(super::Wrong::Malformed),
            }
        }
        xml.finish()?;
        Ok(read)
    }
}
