//! What is read, what is refused, and that `quick-xml` reads alike whatever is accepted.

use proptest::prelude::*;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event as Theirs;

use super::*;

const LIMITS: Limits = Limits {
    depth: 8,
    elements: 50,
};

/// The events of a document, texts that follow each other in one.
fn events(document: &[u8]) -> Result<Vec<Seen>, Refused> {
    let mut reader = Reader::new(document, LIMITS)?;
    let mut seen = Vec::new();
    loop {
        match reader.read()? {
            Event::Open(tag) => seen.push(Seen::Open(tag.name().to_owned())),
            Event::Text(text) => add(&mut seen, &text),
            Event::Close => seen.push(Seen::Close),
            Event::End => return Ok(seen),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Open(String),
    Text(String),
    Close,
}

fn add(seen: &mut Vec<Seen>, text: &str) {
    match seen.last_mut() {
        Some(Seen::Text(before)) => before.push_str(text),
        _ if text.is_empty() => {}
        _ => seen.push(Seen::Text(text.to_owned())),
    }
}

/// The same as `quick-xml` sees it; none if it refuses the document.
fn theirs(document: &[u8]) -> Option<Vec<Seen>> {
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let mut reader = quick_xml::Reader::from_reader(document);
    reader.config_mut().expand_empty_elements = true;
    let (mut seen, mut depth) = (Vec::new(), 0_usize);
    loop {
        match reader.read_event().ok()? {
            Theirs::Start(tag) => {
                depth += 1;
                seen.push(Seen::Open(tag.local_name().as_ref().to_owned()));
            }
            Theirs::End(_) => {
                depth -= 1;
                seen.push(Seen::Close);
            }
            Theirs::Text(text) => add(&mut seen, &text.xml10_content()),
            Theirs::CData(text) => add(&mut seen, &text.xml10_content()),
            Theirs::GeneralRef(name) => match name.resolve_char_ref().ok()? {
                Some(c) => add(&mut seen, c.encode_utf8(&mut [0; 4])),
                None => add(&mut seen, resolve_predefined_entity(&name)?),
            },
            Theirs::DocType(_) | Theirs::Empty(_) => return None,
            Theirs::Comment(_) | Theirs::PI(_) | Theirs::Decl(_) => {}
            Theirs::Eof => return (depth == 0).then_some(seen),
        }
    }
}

fn open(name: &str) -> Seen {
    Seen::Open(name.to_owned())
}

fn text(text: &str) -> Seen {
    Seen::Text(text.to_owned())
}

#[test]
fn elements_texts_and_references_are_read() {
    let document = "\u{feff}<?xml version='1.0' encoding='utf-8'?>\r\n<p:a x='>' y=\"'\"><!-- c -->\
        1 &lt;&#272;&#x110;&amp;<![CDATA[<&amp;\r]]><b /></p:a >\n";
    let expected = [
        text("\n"),
        open("a"),
        text("1 <ĐĐ&<&amp;\n"),
        open("b"),
        Seen::Close,
        Seen::Close,
        text("\n"),
    ];
    assert_eq!(events(document.as_bytes()).unwrap(), expected);
    assert_eq!(theirs(document.as_bytes()).unwrap(), expected);
}

#[test]
fn attributes_are_found_by_their_local_names() {
    let document = b"<a p:id = '1 &amp; 2' id2=\"'\" broken='&x;' last=x/>";
    let mut reader = Reader::new(document, LIMITS).unwrap();
    let Event::Open(tag) = reader.read().unwrap() else {
        panic!("no tag");
    };
    assert_eq!(tag.attribute("id").as_deref(), Some("1 & 2"));
    assert_eq!(tag.attribute("id2").as_deref(), Some("'"));
    for missing in ["i", "broken", "last", "p:id"] {
        assert_eq!(tag.attribute(missing), None, "{missing}");
    }
}

#[test]
fn what_is_wrong_is_refused_by_its_name() {
    let deep = "<a>".repeat(9);
    let many = format!("<a>{}</a>", "<b/>".repeat(50));
    let cases: [(&[u8], Refused); 39] = [
        (b"<a>\xff</a>", Refused::Utf8),
        (b"<a>\x01</a>", Refused::Control),
        (b"<a>&#1;</a>", Refused::Control),
        (
            b"<?xml version='1.0' encoding='tcvn3'?><a/>",
            Refused::Encoding,
        ),
        (b"<!DOCTYPE a><a/>", Refused::Doctype),
        (b"<a><!doctype a [<!ENTITY b 'c'>]></a>", Refused::Doctype),
        (b"<!ENTITY b 'c'><a/>", Refused::Malformed),
        (b"<a>&b;</a>", Refused::Entity),
        (b"<a>&#xd800;</a>", Refused::Entity),
        (b"<a>&#x110000;</a>", Refused::Entity),
        (b"<a>&#;</a>", Refused::Entity),
        (b"<a>&#+65;</a>", Refused::Entity),
        (b"<a>&#x;</a>", Refused::Entity),
        (b"<a>a & b</a>", Refused::Malformed),
        (b"<a></b>", Refused::Malformed),
        (b"<a></ab>", Refused::Malformed),
        (b"<a></a b>", Refused::Malformed),
        (b"<a></a", Refused::CutShort),
        (b"<a/b>", Refused::Malformed),
        (b"<a\"b\">", Refused::Malformed),
        (b"<a//>", Refused::Malformed),
        (b"<a></a></a>", Refused::Malformed),
        (b"</a>", Refused::Malformed),
        (b"<a/ >", Refused::Malformed),
        (b"< a/>", Refused::Malformed),
        (b"<a b='<'/>", Refused::Malformed),
        (b"<a<b/>", Refused::Malformed),
        (b"<a><?> b ?></a>", Refused::Malformed),
        (b"<a><!--> b --></a>", Refused::Malformed),
        (b"<a><!---> b --></a>", Refused::Malformed),
        (b"<", Refused::Malformed),
        (b"<a", Refused::Malformed),
        (b"<a b='>", Refused::Malformed),
        (b"<a>", Refused::CutShort),
        (b"<a><b></b>", Refused::CutShort),
        (b"<a><b", Refused::CutShort),
        (b"<a><!-- b", Refused::CutShort),
        (deep.as_bytes(), Refused::Depth),
        (many.as_bytes(), Refused::Elements),
    ];
    for (document, refused) in cases {
        let shown = String::from_utf8_lossy(document);
        assert_eq!(events(document), Err(refused), "{shown}");
    }
}

#[test]
fn the_end_stays_the_end() {
    let mut reader = Reader::new(b"<a/>", LIMITS).unwrap();
    assert!(matches!(reader.read(), Ok(Event::Open(_))));
    assert_eq!(reader.depth(), 1);
    for event in [Event::Close, Event::End, Event::End] {
        assert_eq!(reader.read(), Ok(event));
    }
}

/// A well-formed element of at most that depth.
fn element() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[a-zđễ \r\n\t]{0,8}",
        Just("&lt;".to_owned()),
        Just("&#x1ec5;".to_owned()),
        Just("<!-- - > < & -->".to_owned()),
        Just("<![CDATA[<x>&]]>".to_owned()),
        Just("<?x y?>".to_owned()),
    ];
    text.prop_recursive(4, 24, 4, |inner| {
        let attributes = prop_oneof![
            Just(""),
            Just(" b='>\"'"),
            Just(" p:c = \"&amp;/\" "),
            Just("\n")
        ];
        (
            "(p:)?[a-zA-Z_đ][a-z0-9.-]{0,6}",
            attributes,
            prop::collection::vec(inner, 0..4),
        )
            .prop_map(|(name, attributes, inner)| match inner.as_slice() {
                [] => format!("<{name}{attributes}/>"),
                inner => format!("<{name}{attributes}>{}</{name}>", inner.concat()),
            })
    })
}

proptest! {
    #[test]
    fn what_is_well_formed_is_read_as_quick_xml_reads_it(document in element()) {
        let seen = theirs(document.as_bytes());
        prop_assert!(seen.is_some());
        prop_assert_eq!(events(document.as_bytes()).ok(), seen);
    }

    #[test]
    fn what_is_accepted_is_read_as_quick_xml_reads_it(text in "[<>/&;!\\[\\]#x0-9ab\"'= ?\r\n-]{0,40}") {
        for document in [text.clone(), format!("<a>{text}</a>")] {
            if let Ok(seen) = events(document.as_bytes()) {
                prop_assert_eq!(Some(seen), theirs(document.as_bytes()), "{}", document);
            }
        }
    }

    #[test]
    fn a_byte_changed_is_read_alike_or_refused(
        document in element(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = document.into_bytes();
        if !bytes.is_empty() {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(seen) = events(&bytes) {
            prop_assert_eq!(Some(seen), theirs(&bytes));
        }
    }
}
