//! What readers are meant to read: what is sent to them is made of it.

#![expect(clippy::indexing_slicing, reason = "JSON that stands here")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use admission::Bundle;
use api::agency::v1::{LookupRecordResponse, lookup_record_response::Record};
use api::v1;
use evidence::keys::{NoteKey, VerifierKey};
use evidence::note::Note;
use exchange::{AgencyCode, SystemClock, SystemId};
use identity::TrustDomain;
use identity::pki::Authority;
use prost::Message as _;
use serde_json::{Value, json};

use crate::{everything, question};

/// The seeds of a reader.
pub(super) fn of(reader: &str) -> Vec<Vec<u8>> {
    match reader {
        "json" => vec![text(&lookup()), text(&verification()), text(&search())],
        "protobuf" => messages(),
        "word" => WORDS.map(|word| word.as_bytes().to_vec()).to_vec(),
        "page_token" => vec![TOKEN.as_bytes().to_vec()],
        "agreements" => agreements(),
        "bundle" => vec![BUNDLE.signed.clone().into_bytes()],
        "note" => notes(),
        "receipt" => vec![text(&receipt()), text(&receipt()["receipt"])],
        "instruction" => instructions(),
        "proxy_header" => proxy_headers(),
        "certificate" => vec![CREDENTIALS.certificate.clone()],
        "revocation_list" => vec![CREDENTIALS.revocation_list.clone()],
        "tax" => vec![tax()],
        agency => files(&folder(&format!("crates/agencies/src/{agency}/fixtures"))),
    }
}

/// A directory of agreements, and the note with its list.
pub(super) struct Signed {
    pub(super) files: Bundle,
    pub(super) key: VerifierKey,
    signed: String,
}

pub(super) static BUNDLE: LazyLock<Signed> = LazyLock::new(|| {
    let folder = folder("crates/admission/fixtures/bundle");
    let files = Bundle::read(&folder).unwrap();
    let place = tempfile::tempdir().unwrap();
    let key = NoteKey::make(&place.path().join("key"), "policy.example").unwrap();
    let signature = key.sign(&files.list());
    Signed {
        signed: Note::new(files.list(), vec![signature]).to_string(),
        key: key.public().clone(),
        files,
    }
});

/// What an authority has issued, in DER.
struct Credentials {
    certificate: Vec<u8>,
    revocation_list: Vec<u8>,
}

static CREDENTIALS: LazyLock<Credentials> = LazyLock::new(|| {
    let place = tempfile::tempdir().unwrap();
    let domain = TrustDomain::parse(TRUST_DOMAIN).unwrap();
    let authority = Authority::create(place.path(), "Root", &domain, Arc::new(SystemClock));
    let authority = authority.unwrap();
    let (agency, system) = (AgencyCode::parse("H55"), SystemId::parse("one-stop-desk"));
    let client = authority.issue_client(&agency.unwrap(), &system.unwrap(), DAY);
    let list = std::fs::read_to_string(authority.crl_file()).unwrap();
    Credentials {
        certificate: der(client.unwrap().certificate_pem()),
        revocation_list: der(&list),
    }
});

/// The first section of a PEM text.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with('-'));
    let text: String = lines.collect();
    base64_simd::STANDARD.decode_to_vec(text).unwrap()
}

fn lookup() -> Value {
    let mut body = question("999099000001", "ONE_STOP_DESK", &everything());
    body["subject"]["hints"] = json!({"fullName": "Nguyễn Văn An", "birthDate": {"year": 1999}});
    body["context"]["officerId"] = json!("CB-1");
    body["requiredSources"] = json!(["SOURCE_TAX"]);
    body["dryRun"] = json!(true);
    body
}

fn verification() -> Value {
    let mut body = question("999099000001", "ONE_STOP_DESK", "");
    body.as_object_mut().unwrap().remove("readMask");
    body["claims"] = json!([
        {"claimId": "alive", "isAlive": {}},
        {"claimId": "a", "equals": {"path": "population.name", "value": "Trần Hữu Hùng"}},
        {"claimId": "t", "status": {"status": "STATUS_KIND_TAX_REGISTERED"}},
    ]);
    body
}

fn search() -> Value {
    json!({
        "context": question("", "INSPECTION", "")["context"],
        "subject": {"legacyId": "012345678"},
        "callerAgency": "H55",
        "startTime": "2026-01-01T00:00:00Z",
        "pageSize": 10,
        "pageToken": TOKEN,
    })
}

fn messages() -> Vec<Vec<u8>> {
    let lookup: v1::LookupCitizenRequest = serde_json::from_value(lookup()).unwrap();
    let verify: v1::VerifyAttributesRequest = serde_json::from_value(verification()).unwrap();
    let search: v1::SearchRecordsRequest = serde_json::from_value(search()).unwrap();
    let stream = v1::StreamCitizenRequest {
        lookup: Some(lookup.clone()),
    };
    vec![
        lookup.encode_to_vec(),
        verify.encode_to_vec(),
        search.encode_to_vec(),
        stream.encode_to_vec(),
    ]
}

fn agreements() -> Vec<Vec<u8>> {
    let sandbox = folder("crates/lienthong/src/sandbox/agreements.toml");
    let mut seeds = files(&folder("crates/admission/fixtures/bundle/agreements"));
    seeds.push(std::fs::read(sandbox).unwrap());
    seeds
}

/// A checkpoint, a proof with it, a request for a cosignature of it, a policy, and keys.
fn notes() -> Vec<Vec<u8>> {
    let log = folder("crates/evidence/src/tests/golden/v1/log");
    let checkpoint = std::fs::read_to_string(log.join("checkpoint")).unwrap();
    let keys = std::fs::read_to_string(log.join("keys")).unwrap();
    let proof = format!("c2sp.org/tlog-proof@v1\nextra e30=\nindex 3\n{HASH}\n\n{checkpoint}");
    let cosigning = format!("old 3\n{HASH}\n{HASH}\n\n{checkpoint}");
    let key = &BUNDLE.key;
    let policy =
        format!("log {key}\nwitness w {key} https://w.example/\ngroup g any w\nquorum g\n");
    let all = [checkpoint, keys, proof, cosigning, policy, key.to_string()];
    all.map(String::into_bytes).to_vec()
}

fn receipt() -> Value {
    json!({"receipt": {
        "logOrigin": "log.example/gw-1",
        "seq": "17",
        "leafHash": HASH,
        "committedAt": "2026-01-01T00:00:00.123Z",
        "batchFirst": "16",
        "batchSize": 2,
        "path": [HASH],
        "signature": HASH,
    }})
}

fn instructions() -> Vec<Vec<u8>> {
    let consent = json!({
        "consent": "C-1", "personalId": "999099000001", "legacyId": "012345678",
        "agency": "H55", "purposes": ["ONE_STOP_DESK"], "fields": ["tax", "population.name"],
        "validFrom": "2026-01-01", "validTo": "2026-12-31",
        "operator": "van-hanh-07", "reason": "Đơn số 7",
    });
    let withdrawal = json!({"consent": "C-1", "operator": "van-hanh-07", "reason": "r"});
    let switch = json!({"switch": "agency:H55", "operator": "van-hanh-07", "reason": "r"});
    let review = json!({
        "review": "log.example/gw-1#17", "verdict": "JUSTIFIED", "operator": "o", "note": "n",
    });
    let lift = json!({"id": "1", "operator": "van-hanh-07", "reason": "r"});
    let reload = json!({"validateOnly": true});
    [consent, withdrawal, switch, review, lift, reload]
        .iter()
        .map(text)
        .collect()
}

/// Of IPv4, of IPv6, and of a balancer that looks whether we are there.
fn proxy_headers() -> Vec<Vec<u8>> {
    let head = |kind: [u8; 2], addresses: &[u8]| {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [&b"\r\n\r\n\0\r\nQUIT\n"[..], &kind, &length, addresses].concat()
    };
    vec![
        head([0x21, 0x11], &[7; 12]),
        head([0x21, 0x21], &[7; 36]),
        head([0x20, 0x00], &[]),
    ]
}

fn tax() -> Vec<u8> {
    let body = json!({"personalId": "999099000001", "taxCode": "8012345678", "dependants": [
        {"name": {"family": "Trần", "given": "Hùng", "full": "Trần Hữu Hùng"}},
    ]});
    LookupRecordResponse {
        personal_id: "999099000001".to_owned(),
        previous_ids: vec!["999099000004".to_owned()],
        as_of: None,
        record: Some(Record::Tax(serde_json::from_value(body).unwrap())),
    }
    .encode_to_vec()
}

fn text(json: &Value) -> Vec<u8> {
    json.to_string().into_bytes()
}

/// The files of a folder, by their names.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// A path of the checkout.
fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

pub(super) const TRUST_DOMAIN: &str = "sandbox.lienthong.example";
const DAY: Duration = Duration::from_secs(24 * 3600);
const HASH: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
/// Of the form of a page token; it opens nothing.
const TOKEN: &str =
    "An7WugmpqXWwtZeSDMNhPHci997pqmnOK-Nms4DO8FcTxzwnGJq5Igc0T34wBPycydG-arrAWx-2KNGV1w";
const WORDS: [&str; 9] = [
    "999099000001",
    "8012345678-001",
    "GD4010123456789",
    "012345678",
    "Nguyễn Văn An",
    "0190163d-8694-739b-aea5-966c26f8ad91",
    "1999-01-31",
    "H55",
    "spiffe://sandbox.lienthong.example/agency/H55/system/one-stop-desk",
];
