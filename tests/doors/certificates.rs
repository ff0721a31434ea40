//! Certificates and revocation lists: who is let in, and until when.

use std::path::PathBuf;
use std::time::Duration;

use rcgen::{CustomExtension, ExtendedKeyUsagePurpose, SanType, SerialNumber};
use tests::forger::{self, Forger, lasting, leaf, replace, uri};
use tests::frames::{Frames, Outcome, block, code, flag, frame, get, kind};
use tests::vitals::{Metrics, records};
use tests::{Rest, Sandbox, Wire, loop_until};

const FAILURES: &str = "tls_handshake_failures_total";
const CUT: &str = "gateway_connections_cut_total";

/// Asserts that a client is not served a byte, and is counted under that reason.
async fn refused(sandbox: &Sandbox, identity: Option<&(PathBuf, PathBuf)>, why: &str) {
    let metrics = Metrics::of(sandbox);
    let label = format!("why=\"{why}\"");
    let before = metrics.count(FAILURES, &label).await;
    let identity = identity.map(|(cert, key)| (&**cert, &**key));
    let answer = Wire::with(sandbox, identity)
        .exchange(b"GET /v1/fields HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    let told = answer.as_deref().unwrap_or_default();
    assert_eq!(told, "", "{why}: served");
    metrics.grows(FAILURES, &label, before).await;
}

async fn let_in(sandbox: &Sandbox, (cert, key): &(PathBuf, PathBuf)) -> bool {
    Wire::with(sandbox, Some((cert, key))).is_let_in().await
}

/// Has the gateway read its configuration again.
async fn reload(sandbox: &Sandbox) -> u16 {
    let operations = Rest::plain(sandbox.text("/operations"));
    let reloaded = operations.post("/admin/config:reload", "{}", &[]).await;
    reloaded.unwrap().status
}

/// Has the gateway believe the lists of an authority below its own, too.
async fn believe(sandbox: &Sandbox, middle: &Forger) {
    let hour = Duration::from_secs(3600);
    std::fs::write(sandbox.dir().join("middle.crl"), middle.list(&[], hour)).unwrap();
    let config = sandbox.dir().join("lienthong.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let more = text.replace("\"pki/ca.crl\"", "\"pki/ca.crl\", \"middle.crl\"");
    assert_ne!(more, text, "the lists are not configured");
    replace(&config, &more);
    assert_eq!(reload(sandbox).await, 200);
}

/// All that has been decided so far: what no handshake adds to.
fn decisions(sandbox: &Sandbox) -> u64 {
    records(sandbox, "ACCESS") + records(sandbox, "DENIED")
}

/// Row T02: without a certificate the handshake fails; it is no 401 on an open port.
#[tokio::test]
async fn nobody_is_served_without_a_certificate() {
    let sandbox = Sandbox::start();
    let before = decisions(&sandbox);
    refused(&sandbox, None, "no_certificate").await;
    assert_eq!(decisions(&sandbox), before, "a record of nobody");
}

/// Row T03: the handshake fails and is counted by its reason; nothing is recorded of nobody.
#[tokio::test]
async fn a_certificate_of_nobody_we_know_is_refused() {
    let sandbox = Sandbox::start();
    let before = decisions(&sandbox);
    let ours = Forger::of(&sandbox);
    assert!(let_in(&sandbox, &ours.sign("good", &leaf(), "")).await);
    let alone = ours.self_signed("alone", &leaf());
    refused(&sandbox, Some(&alone), "unknown_ca").await;
    for name in ["Somebody", "Lienthong sandbox CA"] {
        let other = Forger::unknown(&sandbox, name).sign("other", &leaf(), "");
        refused(&sandbox, Some(&other), "unknown_ca").await;
    }
    let middle = ours.below(constrained("other.example"));
    believe(&sandbox, &middle).await;
    let constrained = middle.sign("constrained", &leaf(), &middle.pem);
    refused(&sandbox, Some(&constrained), "name_constraint").await;
    assert_eq!(decisions(&sandbox), before, "a record of nobody");
}

/// An authority that may name URIs of one host alone.
fn constrained(host: &str) -> rcgen::CertificateParams {
    let mut der = host.as_bytes().to_vec();
    for tag in [0x86, 0x30, 0xa0, 0x30] {
        let length = u8::try_from(der.len()).unwrap();
        der.splice(0..0, [tag, length]);
    }
    let mut middle = forger::authority("Constrained");
    let mut constraints = CustomExtension::from_oid_content(&[2, 5, 29, 30], der);
    constraints.set_criticality(true);
    middle.custom_extensions = vec![constraints];
    middle
}

/// Row T04: a leaf or an intermediate out of its time is refused; one that ends during a connection
/// ends it: GOAWAY, and no call is taken from it any more.
#[tokio::test]
async fn a_certificate_counts_in_its_time_alone() {
    let sandbox = Sandbox::start();
    let ours = Forger::of(&sandbox);
    let mut past = leaf();
    past.not_after = past.not_before + Duration::from_secs(1);
    refused(&sandbox, Some(&ours.sign("past", &past, "")), "expired").await;
    let mut future = leaf();
    future.not_before = future.not_after - Duration::from_secs(1);
    let future = ours.sign("future", &future, "");
    refused(&sandbox, Some(&future), "not_yet_valid").await;

    let mut middle = forger::authority("Short-lived");
    lasting(&mut middle, Duration::from_secs(8));
    let middle = ours.below(middle);
    believe(&sandbox, &middle).await;
    let below = middle.sign("below", &leaf(), &middle.pem);
    let mut short = leaf();
    lasting(&mut short, Duration::from_secs(8));
    let short = ours.sign("short", &short, "");
    assert!(let_in(&sandbox, &below).await);
    a_call_and_then_none(&sandbox, &short).await;
    // TLS lets the second itself in which it ends; such a connection ends at once.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    refused(&sandbox, Some(&short), "expired").await;
    refused(&sandbox, Some(&below), "expired").await;
}

/// Asks over a connection, waits for its GOAWAY, and is not answered any more.
async fn a_call_and_then_none(sandbox: &Sandbox, (cert, key): &(PathBuf, PathBuf)) {
    let wire = Wire::with(sandbox, Some((cert, key)));
    let mut frames = Frames::open(&wire, &[]).await;
    let asked = |stream| {
        let flags = flag::END_HEADERS | flag::END_STREAM;
        frame(kind::HEADERS, flags, stream, &block(&get("/v1/fields")))
    };
    assert!(frames.send(&asked(1)).await);
    assert!(matches!(frames.outcome(1).await, Outcome::Answered(_)));
    let away = frames.until(|frame| frame.kind == kind::GOAWAY).await;
    assert!(away.is_some(), "no GOAWAY");
    // A client that does not care goes on.
    frames.send(&asked(3)).await;
    let outcome = frames.outcome(3).await;
    let is_refused = outcome == Outcome::Reset(code::REFUSED_STREAM) || outcome == Outcome::Gone;
    assert!(is_refused, "{outcome:?}");
}

/// Row T05: a client below a revoked intermediate is refused, and its open connection closed, within
/// a minute of the list.
#[tokio::test]
async fn a_revoked_intermediate_takes_its_clients_with_it() {
    let sandbox = Sandbox::start();
    let ours = Forger::of(&sandbox);
    let mut middle = forger::authority("Revoked");
    middle.serial_number = Some(SerialNumber::from(2_u64));
    let middle = ours.below(middle);
    believe(&sandbox, &middle).await;
    let below = middle.sign("below", &leaf(), &middle.pem);
    assert!(let_in(&sandbox, &below).await);
    let list = ours.list(&[2], Duration::from_secs(3600));
    let metrics = Metrics::of(&sandbox);
    let before = metrics.count(CUT, "why=\"certificate\"").await;
    let replacing = async { replace(&sandbox.dir().join("pki/ca.crl"), &list) };
    tokio::join!(a_call_and_then_none(&sandbox, &below), replacing);
    metrics.grows(CUT, "why=\"certificate\"", before).await;
    refused(&sandbox, Some(&below), "revoked").await;
    assert!(Wire::new(&sandbox, "commune").is_let_in().await);
}

/// Row T06: a list that is cut short, missing or of another issuer is ignored, and the last good one
/// counts until its own end; then nobody is let in, open connections are closed, and health says so.
#[tokio::test]
async fn the_last_good_list_counts_until_its_end() {
    let sandbox = Sandbox::start();
    let (list, ours) = (sandbox.dir().join("pki/ca.crl"), Forger::of(&sandbox));
    let good = ours.list(&[], Duration::from_secs(12));
    replace(&list, &good);
    assert_eq!(reload(&sandbox).await, 200);
    let other = Forger::unknown(&sandbox, "Somebody").list(&[], Duration::from_secs(3600));
    for bad in [&good[..good.len() / 2], &other, ""] {
        replace(&list, bad);
        assert_eq!(reload(&sandbox).await, 400, "{bad}");
        assert!(Wire::new(&sandbox, "commune").is_let_in().await);
    }
    std::fs::remove_file(&list).unwrap();
    assert_eq!(reload(&sandbox).await, 400);
    let (cert, key) = sandbox.caller("commune");
    let identity = (cert, key);
    a_call_and_then_none(&sandbox, &identity).await;
    refused(&sandbox, Some(&identity), "crl").await;
    loop_until(Duration::from_secs(20), || {
        let paged = "a revocation list has ended: its clients are refused";
        sandbox.logged().contains(paged).then_some(())
    });
    let operations = Rest::plain(sandbox.text("/operations"));
    loop_until_not_ready(&operations).await;
    replace(&list, &ours.list(&[], Duration::from_secs(3600)));
    assert_eq!(reload(&sandbox).await, 200);
    assert!(let_in(&sandbox, &identity).await);
}

async fn loop_until_not_ready(operations: &Rest) {
    for _ in 0..400 {
        if operations.get("/readyz").await.unwrap().status == 503 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it says that it is ready");
}

/// Row T07: a certificate that does not say that it is a client's is refused, an authority's too.
#[tokio::test]
async fn a_certificate_that_is_not_for_clients_is_refused() {
    let sandbox = Sandbox::start();
    let ours = Forger::of(&sandbox);
    let mut server = leaf();
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    refused(&sandbox, Some(&ours.sign("server", &server, "")), "eku").await;
    let mut nothing = leaf();
    nothing.extended_key_usages.clear();
    refused(&sandbox, Some(&ours.sign("nothing", &nothing, "")), "eku").await;
    let mut authority = forger::authority("As a client");
    authority.subject_alt_names = vec![uri(forger::CALLER)];
    authority.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let authority = ours.sign("authority", &authority, "");
    refused(&sandbox, Some(&authority), "eku").await;
    refused(&sandbox, Some(&ours.as_client("root")), "eku").await;
}

/// Row T09: exactly one URI, letter for letter, names a caller; anything else is not served a byte.
#[tokio::test]
async fn names_that_are_not_exactly_one_uri_of_ours_are_refused() {
    let sandbox = Sandbox::start();
    let before = decisions(&sandbox);
    let ours = Forger::of(&sandbox);
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let of = |path: &str| vec![uri(&format!("spiffe://sandbox.lienthong.example{path}"))];
    let cases = [
        vec![],
        vec![dns("one-stop-desk.h55.sandbox.lienthong.example")],
        vec![uri(forger::CALLER), uri(forger::CALLER)],
        of("/agency/*/system/one-stop-desk"),
        of("/agency/H55/system/one-stop-desk\0.evil"),
        of("/agency/H55/system/one-stop-desk/"),
        of("/agency/H%35%35/system/one-stop-desk"),
        of("./agency/H55/system/one-stop-desk"),
        vec![uri(
            "spiffe://sandb0x.lienthong.example/agency/H55/system/one-stop-desk",
        )],
        vec![uri(
            "spiffe://xn--sandbx-5ve.lienthong.example/agency/H55/system/one-stop-desk",
        )],
        vec![uri(
            "SPIFFE://sandbox.lienthong.example/agency/H55/system/one-stop-desk",
        )],
    ];
    for (at, names) in cases.into_iter().enumerate() {
        let mut params = leaf();
        params.subject_alt_names = names;
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, forger::CALLER);
        let spoilt = ours.sign(&format!("name-{at}"), &params, "");
        refused(&sandbox, Some(&spoilt), "identity").await;
    }
    assert_eq!(decisions(&sandbox), before, "a record of nobody");
}
