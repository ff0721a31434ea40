//! Certificates that change while everybody goes on asking.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tests::forger::{Forger, authority, leaf, replace};
use tests::{Rest, Sandbox, Wire};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// How often everything is replaced, and how many ask meanwhile, 50 times a second each. An
/// unoptimised gateway on a busy machine answers fewer; `LIENTHONG_TEST_FULL` asks for the whole,
/// which is 1,000 a second.
fn extent() -> (usize, usize) {
    match std::env::var_os("LIENTHONG_TEST_FULL") {
        Some(_) => (100, 20),
        None => (40, 2),
    }
}

/// Row T11: with every certificate replaced again and again under load no question fails; the next
/// handshake sees the new certificate within a second; a key that does not fit is refused whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_replaced_and_no_question_fails() {
    let (rounds, callers) = extent();
    let sandbox = Arc::new(Sandbox::start());
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let (identity, _) = watch::channel(sandbox.caller("commune"));
    let mut asking = JoinSet::new();
    for _ in 0..callers {
        let caller = Asking {
            sandbox: Arc::clone(&sandbox),
            identity: identity.subscribe(),
            stop: Arc::clone(&stop),
            answered: Arc::clone(&answered),
        };
        asking.spawn(caller.ask());
    }
    let mut place = Place::of(&sandbox, identity);
    let begun = Instant::now();
    for round in 0..rounds {
        let before = answered.load(Ordering::Relaxed);
        place.rotate(&sandbox, round).await;
        // Each has asked a few times since.
        while answered.load(Ordering::Relaxed) < before + 10 * callers {
            assert!(asking.try_join_next().is_none(), "a question failed");
            sleep(Duration::from_millis(10)).await;
        }
    }
    let (asked, took) = (answered.load(Ordering::Relaxed), begun.elapsed());
    let per_second = asked as f64 / took.as_secs_f64();
    println!("{rounds} rotations, {asked} questions, {per_second:.0} a second, none failed");
    place.refuses_a_key_that_does_not_fit(&sandbox).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = asking.join_next().await {
        ended.expect("a question failed");
    }
}

/// A certificate and its key.
type Identity = (PathBuf, PathBuf);

/// A caller who asks at a rate, with whatever certificate it has been given last.
struct Asking {
    sandbox: Arc<Sandbox>,
    identity: watch::Receiver<Identity>,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Asking {
    async fn ask(mut self) {
        let (begun, mut asked) = (Instant::now(), 0);
        while !self.stop.load(Ordering::Relaxed) {
            let (cert, key) = self.identity.borrow_and_update().clone();
            let rest = Rest::with(&self.sandbox, Some((&cert, &key)));
            while !self.identity.has_changed().unwrap() && !self.stop.load(Ordering::Relaxed) {
                let answer = rest
                    .lookup("999099000001", "ONE_STOP_DESK", "tax.status")
                    .await;
                assert_eq!(answer.status, 200, "{answer:?}");
                self.answered.fetch_add(1, Ordering::Relaxed);
                asked += 1;
                let due = begun + Duration::from_millis(asked * 1000 / RATE);
                sleep_until(due).await;
            }
        }
    }
}

/// The authorities that are believed, oldest first, and the files.
struct Place {
    pki: PathBuf,
    identity: watch::Sender<Identity>,
    authorities: Vec<Forger>,
}

impl Place {
    fn of(sandbox: &Sandbox, identity: watch::Sender<Identity>) -> Self {
        Self {
            pki: sandbox.dir().join("pki"),
            identity,
            authorities: vec![Forger::of(sandbox)],
        }
    }

    /// Replaces authority, server and client certificates: the new authority is believed beside the
    /// old one before anything that it has signed is shown, and the one before that no longer.
    async fn rotate(&mut self, sandbox: &Sandbox, round: usize) {
        self.authorities
            .push(Forger::unknown(sandbox, &format!("Authority {round}")));
        if self.authorities.len() > 3 {
            self.authorities.remove(0);
        }
        let hour = Duration::from_secs(3600);
        let pems: Vec<&str> = self.authorities.iter().map(|it| &*it.pem).collect();
        let lists: Vec<String> = self
            .authorities
            .iter()
            .map(|it| it.list(&[], hour))
            .collect();
        replace(&self.pki.join("ca.crl"), &lists.concat());
        replace(&self.pki.join("ca.pem"), &pems.concat());
        assert_eq!(reload(sandbox).await, 200, "round {round}");
        let newest = self.authorities.last().unwrap();
        self.show(&newest.sign("rotated-server", &server(), ""), "gateway");
        assert_eq!(reload(sandbox).await, 200, "round {round}");
        let begun = Instant::now();
        let shown = shown(sandbox).await;
        assert!(begun.elapsed() < Duration::from_secs(1));
        let new = std::fs::read_to_string(self.pki.join("gateway.pem")).unwrap();
        assert_eq!(
            shown,
            first(&new),
            "round {round}: an old certificate is shown"
        );
        let client = newest.sign(&format!("client-{round}"), &leaf(), "");
        self.identity.send(client).unwrap();
    }

    /// Puts a certificate and its key in the place of another. Whoever reads in between finds a pair
    /// that does not fit, and keeps what it has.
    fn show(&self, (cert, key): &Identity, name: &str) {
        let read = |file: &Path| std::fs::read_to_string(file).unwrap();
        replace(&self.pki.join(format!("{name}.key")), &read(key));
        replace(&self.pki.join(format!("{name}.pem")), &read(cert));
    }

    async fn refuses_a_key_that_does_not_fit(&self, sandbox: &Sandbox) {
        let before = shown(sandbox).await;
        let newest = self.authorities.last().unwrap();
        let (cert, _) = newest.sign("other-server", &server(), "");
        replace(
            &self.pki.join("gateway.pem"),
            &std::fs::read_to_string(cert).unwrap(),
        );
        assert_eq!(
            reload(sandbox).await,
            400,
            "a key that does not fit is taken"
        );
        assert_eq!(shown(sandbox).await, before);
    }
}

/// A server certificate of the sandbox.
fn server() -> rcgen::CertificateParams {
    let mut server = authority("gateway");
    server.is_ca = rcgen::IsCa::NoCa;
    server.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    server.subject_alt_names = vec![
        rcgen::SanType::DnsName("localhost".try_into().unwrap()),
        rcgen::SanType::IpAddress([127, 0, 0, 1].into()),
    ];
    server
}

/// The server certificate that a new handshake is shown.
async fn shown(sandbox: &Sandbox) -> Vec<u8> {
    let stream = Wire::new(sandbox, "commune")
        .connect(&[b"h2"])
        .await
        .unwrap();
    let (_, session) = stream.get_ref();
    session.peer_certificates().unwrap()[0].to_vec()
}

/// The first certificate of a PEM text.
fn first(pem: &str) -> Vec<u8> {
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
    CertificateDer::from_pem_slice(pem.as_bytes())
        .unwrap()
        .to_vec()
}

async fn reload(sandbox: &Sandbox) -> u16 {
    let operations = Rest::plain(sandbox.text("/operations"));
    let reloaded = operations.post("/admin/config:reload", "{}", &[]).await;
    reloaded.unwrap().status
}

/// How often a caller asks in a second.
const RATE: u64 = 50;
