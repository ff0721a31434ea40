//! Everything that reads bytes which others have written, each as a function of bytes alone.
//!
//! A reader ends, in time and memory of the order of what it reads, whatever it is given. What it says of
//! it is not asserted here. Not here: HTTP, TLS, the PostgreSQL and Redis wires, which their libraries read.

mod seeds;

use std::hint::black_box;

use admission::Policy;
use api::convert::Question;
use api::v1;
use evidence::keys::VerifierKey;
use evidence::note::{LogProof, Note, Policy as WitnessPolicy, SignedCheckpoint};
use evidence::verify::{Extra, ReceiptText};
use evidence::witness::Request as Cosigning;
use exchange::{
    AgencyCode, Identifier, IdentifierKind, OfficerId, PartialDate, PurposeCode, ReasonText,
    RequestId, SystemId, normalise,
};
use identity::{SpiffeId, TrustDomain};
use prost::Message;

use seeds::BUNDLE;

/// Something that reads foreign bytes.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Reads.
    pub read: fn(&[u8]),
}

impl Reader {
    /// What it is meant to read, from which others are made.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        seeds::of(self.name)
    }
}

/// Every reader; of the agencies one each.
pub fn readers() -> Vec<Reader> {
    let agencies = agencies::ALL.iter().map(|agency| Reader {
        name: agency.source.name(),
        read: agency.read,
    });
    OURS.iter().copied().chain(agencies).collect()
}

/// Those of the gateway itself and of its record.
const OURS: [Reader; 12] = [
    Reader {
        name: "json",
        read: json,
    },
    Reader {
        name: "protobuf",
        read: protobuf,
    },
    Reader {
        name: "word",
        read: |bytes| word(&String::from_utf8_lossy(bytes)),
    },
    Reader {
        name: "page_token",
        read: page_token,
    },
    Reader {
        name: "agreements",
        read: |bytes| drop(Policy::parse(bytes)),
    },
    Reader {
        name: "bundle",
        read: bundle,
    },
    Reader {
        name: "note",
        read: |bytes| note(&String::from_utf8_lossy(bytes)),
    },
    Reader {
        name: "receipt",
        read: |bytes| drop(ReceiptText::from_json(bytes)),
    },
    Reader {
        name: "instruction",
        read: |bytes| at_once(edge::foreign::instruction(bytes)),
    },
    Reader {
        name: "proxy_header",
        read: |bytes| at_once(edge::foreign::proxy_header(bytes)),
    },
    Reader {
        name: "certificate",
        read: identity::foreign::certificate,
    },
    Reader {
        name: "revocation_list",
        read: identity::foreign::revocation_list,
    },
];

/// A body at the REST door: what it asks, or everything that is wrong with it.
fn json(bytes: &[u8]) {
    edge::foreign::question::<v1::LookupCitizenRequest>(bytes);
    edge::foreign::question::<v1::StreamCitizenRequest>(bytes);
    edge::foreign::question::<v1::VerifyAttributesRequest>(bytes);
    edge::foreign::question::<v1::SearchRecordsRequest>(bytes);
    edge::foreign::question::<v1::CreateBatchJobRequest>(bytes);
}

/// A message at the gRPC door.
fn protobuf(bytes: &[u8]) {
    message::<v1::LookupCitizenRequest>(bytes);
    message::<v1::StreamCitizenRequest>(bytes);
    message::<v1::VerifyAttributesRequest>(bytes);
    message::<v1::ResolveIdentifierRequest>(bytes);
    message::<v1::SearchRecordsRequest>(bytes);
    message::<v1::ListMyAccessesRequest>(bytes);
    message::<v1::CreateBatchJobRequest>(bytes);
}

fn message<Q: Question + Message + Default>(bytes: &[u8]) {
    if let Ok(message) = Q::decode(bytes) {
        message.read(THIS_YEAR).ok();
    }
}

/// A number, a name or a word of a question or of a certificate.
fn word(text: &str) {
    for kind in [
        IdentifierKind::Personal,
        IdentifierKind::Legacy,
        IdentifierKind::TaxCode,
        IdentifierKind::InsuranceCode,
    ] {
        Identifier::parse(kind, text, THIS_YEAR).ok();
    }
    normalise(text).ok();
    black_box((RequestId::parse(text), PartialDate::parse(text)));
    black_box((AgencyCode::parse(text), SystemId::parse(text)));
    OfficerId::parse(text).ok();
    PurposeCode::parse(text).ok();
    ReasonText::parse(text).ok();
    if let Some(domain) = TrustDomain::parse(seeds::TRUST_DOMAIN) {
        SpiffeId::parse(text, &domain).ok();
    }
}

/// A page token as text; whether it opens is asked of a whole gateway.
fn page_token(bytes: &[u8]) {
    let request = v1::SearchRecordsRequest {
        page_token: String::from_utf8_lossy(bytes).into_owned(),
        ..Default::default()
    };
    request.read(THIS_YEAR).ok();
}

/// The note of a directory of agreements: who has signed it, and what is not as it was signed.
fn bundle(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(note) = Note::parse(&text) {
        note.signed_by(std::slice::from_ref(&BUNDLE.key)).ok();
        black_box(BUNDLE.files.differences(note.text()));
    }
}

/// What witnesses, auditors and other logs send.
fn note(text: &str) {
    SignedCheckpoint::parse(text).ok();
    Cosigning::parse(text).ok();
    WitnessPolicy::parse(text).ok();
    text.trim().parse::<VerifierKey>().ok();
    let proof = LogProof::parse(text).ok();
    if let Some(extra) = proof.and_then(|proof| Extra::of(&proof)) {
        black_box(extra.check());
    }
}

/// Does what never waits: everything is there already.
fn at_once(work: impl Future<Output = ()>) {
    let mut work = std::pin::pin!(work);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(work.as_mut().poll(&mut context).is_ready(), "it waits");
}

const THIS_YEAR: i16 = 2026;
