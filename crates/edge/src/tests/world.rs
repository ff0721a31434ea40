//! A gateway with its doors open: authority, policy, log, and a tax office that counts.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter::guard::{self, Guarded};
use adapter::{Agency, Answer, BoxFuture, Context, Miss, Question, Resolution};
use admission::{Admission, Policy};
use api::{Record, v1};
use evidence::{BatchStore, Evidence, Handle, RequestIdDeps, RequestIds, Shelf};
use exchange::{
    AgencyCode, Clock, Criticality, Identifier, IdentifierKind, Source, SystemClock, SystemId,
};
use gate::{Gate, Synthetic};
use identity::pki::{Authority, LOOPBACK};
use identity::{ServerTls, TlsFiles, TrustDomain};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::archive::Archive;
use crate::{
    Config, Deps, Edge, Handed, Limits, NoAdministration, Observer, Readiness, Recheck, Running,
    Shed, TurnedAway,
};

/// A gateway with its doors open.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) authority: Authority,
    pub(crate) tax: Arc<TaxOffice>,
    pub(crate) archive: Arc<Archive>,
    pub(crate) seen: Arc<Seen>,
    pub(crate) tls: Arc<ServerTls>,
    pub(crate) recheck: Recheck,
    pub(crate) running: Running,
    pub(crate) log: Handle,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A gateway with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::of(domain(), Synthetic::Served, change).await
    }

    /// A gateway that takes callers of that trust domain for its own.
    pub(crate) async fn of(
        trust_domain: TrustDomain,
        synthetic: Synthetic,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let dir = TempDir::new().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let authority = Authority::create(
            &dir.path().join("ca"),
            "Lienthong test",
            &domain(),
            Arc::clone(&clock),
        )
        .unwrap();
        let server = authority
            .issue_server("gateway", LOOPBACK, DAY * 90)
            .unwrap();
        let (certificate, key) = server.save(dir.path(), "server").unwrap();
        let files = TlsFiles {
            certificate,
            key,
            client_ca: authority.certificate_file(),
            crls: vec![authority.crl_file()],
        };
        let tls = Arc::new(ServerTls::load(&files, Arc::clone(&clock)).unwrap());
        let tax = Arc::new(TaxOffice::default());
        let archive = Arc::new(Archive::default());
        let log_dir = dir.path().join("log");
        let parts = (Arc::clone(&tax), Arc::clone(&archive));
        let (gate, log) = gate(&log_dir, parts, Arc::clone(&clock), synthetic);
        let gate = Arc::new(gate);
        let seen = Arc::new(Seen::default());
        let mut config = Config::new(([127, 0, 0, 1], 0).into());
        (config.public, config.operations) = (config.listen, config.listen);
        change(&mut config);
        let recheck = Recheck::default();
        let deps = Deps {
            batches: batches(&gate, &log_dir, &clock),
            gate,
            tls: Arc::clone(&tls),
            trust_domain,
            clock,
            observer: Arc::clone(&seen) as _,
            readiness: Readiness::new(),
            log: Shelf::new(&log_config(&log_dir)),
            request_ids: request_ids(&log_dir, DAY),
            metrics: Arc::new(|| "calls 7\n".to_owned()),
            administration: Arc::new(NoAdministration),
            recheck: recheck.clone(),
            handed: Handed::default(),
        };
        let running = Edge::start(config, deps).await.unwrap();
        Self {
            dir,
            authority,
            tax,
            archive,
            seen,
            tls,
            recheck,
            running,
            log,
        }
    }

    /// A certificate and key for a system of agency `H55`.
    pub(crate) fn credential(&self, system: &str) -> (PathBuf, PathBuf) {
        let agency = AgencyCode::parse("H55").unwrap();
        let system_id = SystemId::parse(system).unwrap();
        let issued = self.authority.issue_client(&agency, &system_id, DAY * 12);
        let name = format!("{system}-{}", self.authority.issued().unwrap().len());
        issued.unwrap().save(self.dir.path(), &name).unwrap()
    }

    /// Closes the log, and returns all bytes of its records as text.
    pub(crate) async fn recorded(self) -> String {
        self.recorded_within(Duration::from_secs(5)).await
    }

    /// The same, with so much time for calls in progress.
    pub(crate) async fn recorded_within(self, grace: Duration) -> String {
        self.running.drain(grace).await;
        self.log.close().await.unwrap();
        let mut text = String::new();
        read_all(&self.dir.path().join("log/wal"), &mut text);
        text
    }
}

fn read_all(dir: &std::path::Path, text: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, text);
        } else {
            *text += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
        }
    }
}

fn log_config(dir: &std::path::Path) -> evidence::Config {
    evidence::Config {
        segment_bytes: 1 << 20,
        reserve_bytes: 0,
        reserve_percent: 0,
        ..evidence::Config::new(dir, "log.lienthong.example/test", "n1")
    }
}

fn batches(gate: &Arc<Gate>, dir: &std::path::Path, clock: &Arc<dyn Clock>) -> Arc<gate::Batches> {
    let store = BatchStore::new(&log_config(dir), Arc::clone(clock));
    gate::Batches::new(Arc::clone(gate), store)
}

/// The request ids of a node that stands alone, with their file in that folder.
pub(crate) fn request_ids(dir: &std::path::Path, kept: Duration) -> RequestIds {
    let deps = RequestIdDeps {
        kept,
        lasts: Duration::from_secs(20),
        clock: Arc::new(SystemClock),
        observer: Arc::new(evidence::NoObserver),
    };
    let config = log_config(dir);
    evidence::keys::create_if_missing(&config).unwrap();
    RequestIds::open(&config, deps).unwrap()
}

fn gate(
    dir: &std::path::Path,
    (tax, archive): (Arc<TaxOffice>, Arc<Archive>),
    clock: Arc<dyn Clock>,
    synthetic: Synthetic,
) -> (Gate, Handle) {
    let config = log_config(dir);
    let files = Shelf::new(&config);
    let deps = evidence::Deps {
        keys: evidence::keys::create_if_missing(&config).unwrap(),
        clock: Arc::clone(&clock),
        observer: Arc::new(evidence::NoObserver),
        witnesses: None,
        version: "test",
        policy: [7; 32],
        on_fatal: evidence::Alarm::new(|error| panic!("{error}")),
    };
    let (evidence, handle) = Evidence::start(config, deps).unwrap();
    let policy = Policy::parse(POLICY.as_bytes()).unwrap();
    let gate = Gate::new(gate::Deps {
        admission: Arc::new(Admission::new(policy, Arc::clone(&clock))),
        evidence,
        log: files,
        records: archive,
        agencies: vec![Guarded::new(tax, &guard::Config::default())],
        clock,
        observer: Arc::new(gate::NoObserver),
        canaries: Arc::default(),
        protected: Arc::default(),
        switches: Arc::default(),
        synthetic,
        verification_step: Duration::from_millis(20),
        verdicts_kept: Duration::ZERO,
    });
    (gate, handle)
}

/// The agency: what it does hangs on the serial of the person.
#[derive(Debug, Default)]
pub(crate) struct TaxOffice {
    asked: AtomicUsize,
    /// Whether it has a defect outside what its guard catches.
    pub(crate) panics: AtomicBool,
    pub(crate) reached: Notify,
    pub(crate) release: Notify,
}

impl TaxOffice {
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    async fn answer(&self, question: &Question<'_>) -> Result<Answer, Miss> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.reached.notify_one();
        match question.subject.serial() {
            14 => return Err(Miss::not_found()),
            104 => std::future::pending().await,
            200 => self.release.notified().await,
            _ => {}
        }
        let copies = if question.subject.serial() == 300 {
            100_000
        } else {
            1
        };
        let record = v1::TaxRecord {
            personal_id: question.subject.reveal().to_owned(),
            tax_code: question.subject.reveal().repeat(copies),
            status: v1::TaxpayerStatus::Active.into(),
            ..Default::default()
        };
        Ok(Answer {
            record: Record::Tax(Box::new(record)),
            as_of: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            upstream_request_id: None,
            in_force: None,
            adoption: exchange::FieldSet::EMPTY,
            attempts: 1,
        })
    }
}

impl Agency for TaxOffice {
    fn source(&self) -> Source {
        Source::Tax
    }

    fn cap(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn resolves(&self) -> &'static [IdentifierKind] {
        assert!(!self.panics.load(Ordering::Relaxed), "a defect");
        &[IdentifierKind::TaxCode]
    }

    fn ask<'a>(&'a self, question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(self.answer(question))
    }

    fn resolve<'a>(
        &'a self,
        _identifier: &'a Identifier,
        _context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Resolution, Miss>> {
        Box::pin(async { Ok(Resolution::NotFound) })
    }
}

/// What the doors have told whoever counts.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    calls: Mutex<Vec<(&'static str, &'static str)>>,
    turned_away: Mutex<Vec<TurnedAway>>,
    shed: Mutex<Vec<(Criticality, Shed)>>,
    changed: Notify,
}

impl Seen {
    /// The method and code of every call that is over.
    pub(crate) fn calls(&self) -> Vec<(&'static str, &'static str)> {
        self.calls.lock().unwrap().clone()
    }

    /// Who was shed.
    pub(crate) fn shed(&self) -> Vec<(Criticality, Shed)> {
        self.shed.lock().unwrap().clone()
    }

    /// Waits until a connection has been turned away, and says why.
    pub(crate) async fn turned_away(&self) -> TurnedAway {
        loop {
            let changed = self.changed.notified();
            if let Some(why) = self.turned_away.lock().unwrap().pop() {
                return why;
            }
            changed.await;
        }
    }

    /// Waits until that many calls are over.
    pub(crate) async fn wait_for(&self, calls: usize) {
        loop {
            let changed = self.changed.notified();
            if self.calls.lock().unwrap().len() >= calls {
                return;
            }
            changed.await;
        }
    }
}

impl Observer for Seen {
    fn call(&self, call: &crate::Call<'_>) {
        self.calls.lock().unwrap().push((call.method, call.code));
        self.changed.notify_one();
    }

    fn shed(&self, class: Criticality, why: Shed) {
        self.shed.lock().unwrap().push((class, why));
    }

    fn turned_away(&self, why: TurnedAway) {
        self.turned_away.lock().unwrap().push(why);
        self.changed.notify_one();
    }
}

/// Limits that a test does not have to wait for.
pub(crate) fn short(limits: &mut Limits) {
    limits.handshake_ms = 50;
    limits.header_ms = 50;
    limits.body_ms = 50;
}

pub(crate) fn domain() -> TrustDomain {
    TrustDomain::parse("lienthong.example").unwrap()
}

pub(crate) const DAY: Duration = Duration::from_hours(24);

/// `desk` may ask the tax office as often as it likes, `poor` once; `auditor` and `portal` have
/// duties.
const POLICY: &str = r#"
[[purpose]]
code = "TAX_CHECK"
title_vi = "Kiểm tra thuế"
title_en = "Tax check"
legal_basis = "Luật 26/2023/QH15"

[[purpose]]
code = "OTHER"
title_vi = "Khác"
title_en = "Other"
legal_basis = "Luật 26/2023/QH15"

[[agreement]]
id = "A-1"
agency = "H55"
systems = ["desk", "poor"]
purposes = ["TAX_CHECK"]
fields = ["tax", "population.sex"]
valid_from = 2020-01-01
valid_to = 2099-12-31
second_factor = false

[[purpose]]
code = "INSPECTION"
title_vi = "Thanh tra"
title_en = "Inspection"
legal_basis = "Luật 91/2025/QH15"
officer_required = true

[[purpose]]
code = "SELF_ACCESS"
title_vi = "Xem lịch sử khai thác"
title_en = "Own accesses"
legal_basis = "Luật 91/2025/QH15"

[[agreement]]
id = "A-2"
agency = "H55"
systems = ["auditor"]
purposes = ["INSPECTION"]
duties = ["SEARCH_RECORDS", "ERASE_SUBJECT"]
valid_from = 2020-01-01
valid_to = 2099-12-31

[[agreement]]
id = "A-3"
agency = "H55"
systems = ["portal"]
purposes = ["SELF_ACCESS"]
duties = ["LIST_ACCESSES"]
valid_from = 2020-01-01
valid_to = 2099-12-31

[[agency]]
code = "H55"
name_vi = "Tỉnh Thái Nguyên"
name_en = "Thai Nguyen Province"

[quota]
requests_per_minute = 6000
burst = 1000

[[quota.caller]]
agency = "H55"
system = "poor"
requests_per_minute = 1
burst = 1
"#;
