//! Where an address, a name or an agency may lead the gateway: nowhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use exchange::Source;
use tests::row::{KNOWN, Row};
use tests::{Sandbox, run, set};
use tokio::net::TcpListener;
use toml::Table;

use crate::proxy::{Mode, Proxy};
use crate::scene::{configuration, only_fails, reason, state, status};

/// Row U14: an address of the link, of a cloud's metadata, of nobody, of a file, or of this machine
/// where the configuration does not say so, is refused when the configuration is read.
#[test]
fn an_address_that_no_agency_has_is_refused_at_load() {
    let sandbox = Sandbox::start();
    let text = std::fs::read_to_string(sandbox.dir().join("lienthong.toml")).unwrap();
    let config: Table = toml::from_str(&text).unwrap();
    let checked = |change: &dyn Fn(&mut Table)| {
        let mut config = config.clone();
        change(&mut config);
        let file = sandbox.dir().join("checked.toml");
        std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
        run(&["check-config", file.to_str().unwrap()])
    };
    for (source, url) in [
        ("health", "https://169.254.169.254/latest/meta-data/"),
        ("health", "https://[fd00:ec2::254]/"),
        ("health", "https://[::ffff:169.254.169.254]/"),
        ("health", "https://0.0.0.0/"),
        ("health", "https://2852039166/"),
        ("health", "https://0xa9.0xfe.0xa9.0xfe/"),
        ("health", "file:///etc/passwd"),
        ("tax", "https://169.254.0.7:443"),
        ("social_security", "postgres://169.254.169.254/bhxh"),
        (
            "social_security",
            "postgres://db.example,169.254.169.254/bhxh",
        ),
    ] {
        let ran = checked(&|config| {
            let stanza = format!("agency.{source}");
            set(config, &stanza, "ca", "pki/ca.pem");
            set(config, &stanza, "url", url);
        });
        assert_eq!(ran.code, 1, "{url}: {ran:?}");
        let said = format!("{}{}", ran.out, ran.err);
        assert!(said.contains(&format!("agency.{source}")), "{url}: {said}");
    }
    let production = |config: &mut Table| {
        set(config, "gateway", "trust_domain", "gateway.example");
        set(config, "edge", "reflection", false);
    };
    let ran = checked(&production);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains("`local = true`"), "{said}");
    assert_eq!(ran.code, 1, "{said}");
    let file = sandbox.dir().join("checked.toml");
    let ran = run(&["serve", "--config", file.to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("`local = true`"), "{ran:?}");
    let ran = checked(&|config| {
        production(config);
        for source in Source::ALL {
            set(config, &format!("agency.{source}"), "local", true);
        }
    });
    let said = format!("{}{}", ran.out, ran.err);
    assert!(!said.contains("`local = true`"), "{said}");
}

/// Row U14: a name that turns out to be an address that no agency has is refused when the connection
/// is to be opened; the others answer. This one is in figures that no configuration takes for an
/// address, and that every system does.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_such_an_address_is_refused_at_the_connection() {
    let sandbox = Sandbox::start();
    let source = Source::SocialSecurity;
    let row = Row::begin(&sandbox, "name", &[source], |config| {
        let stanza = format!("agency.{source}");
        set(config, &stanza, "ca", "pki/ca.pem");
        set(config, &stanza, "url", "postgres://2852039166:5432/bhxh");
    })
    .await;
    let answer = row.caller.ask(KNOWN, 4).await.json();
    assert_eq!(state(&answer, source), "UNAVAILABLE", "{answer}");
    assert_eq!(reason(&answer, source), "ADDRESS_REFUSED", "{answer}");
    only_fails(&answer, source);
    row.ends().await;
}

/// Counts who comes to a place where nobody has any business.
async fn canary() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&came);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (port, came)
}

/// Row U14: a redirect of any kind is not followed, to whatever place it leads: it is the end of a
/// session, and the question is asked again where it was asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let sandbox = Sandbox::start();
    let (port, followed) = canary().await;
    for source in [Source::Population, Source::Health] {
        let line = Proxy::before(&configuration(&sandbox), source).await;
        let node = format!("way-{}", source as u8);
        let row = Row::begin(&sandbox, &node, &[source], |config| {
            line.lead(config, source);
        })
        .await;
        for kind in KINDS {
            for place in PLACES {
                let place = place.replace("PORT", &port.to_string());
                let says =
                    format!("HTTP/1.1 {kind}\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
                let spoilt = line.spoilt();
                line.mode(Mode::SaysOnce(Box::leak(says.into_boxed_str())));
                let answer = row.caller.ask(KNOWN, 4).await.json();
                assert_eq!(line.spoilt(), spoilt + 1, "{source} {kind} {place}");
                assert_eq!(state(&answer, source), "OK", "{kind} {place}: {answer}");
                let attempts = &status(&answer, source)["attempts"];
                assert_eq!(attempts, 2, "{source} {kind} {place}: {answer}");
                only_fails(&answer, source);
            }
        }
        row.ends().await;
    }
    assert_eq!(followed.load(Ordering::Relaxed), 0, "one was followed");
}

const KINDS: [&str; 5] = [
    "301 Moved Permanently",
    "302 Found",
    "303 See Other",
    "307 Temporary Redirect",
    "308 Permanent Redirect",
];

const PLACES: [&str; 6] = [
    "http://127.0.0.1:PORT/",
    "http://localhost:PORT/",
    "//localhost:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "https://elsewhere.example/",
];
