//! `grpc.health.v1`, and what keeps it and the readiness true.
//!
//! The empty service says that the process lives and takes calls; each service of the contract,
//! whether it should be sent any.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use api::v1::audit_service_server::SERVICE_NAME as AUDIT;
use api::v1::catalogue_service_server::SERVICE_NAME as CATALOGUE;
use api::v1::citizen_service_server::SERVICE_NAME as CITIZEN;
use api::v1::data_subject_service_server::SERVICE_NAME as DATA_SUBJECT;
use exchange::Clock;
use identity::ServerTls;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::Deps;
use crate::readiness::{Certificate, State};

/// Tells health what readiness is, whenever it changes, and looks at the certificates.
pub(crate) fn keep(
    mut reporter: HealthReporter,
    deps: &Deps,
) -> impl Future<Output = ()> + Send + 'static {
    let (readiness, tls, clock) = (
        deps.readiness.clone(),
        Arc::clone(&deps.tls),
        Arc::clone(&deps.clock),
    );
    async move {
        let mut changes = readiness.watch();
        loop {
            readiness.certificate(certificate(&tls, &*clock));
            let state = *changes.borrow_and_update();
            report(&mut reporter, state).await;
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

fn certificate(tls: &ServerTls, clock: &dyn Clock) -> Certificate {
    let (now, lifetimes) = (clock.now(), tls.lifetimes());
    let crl_ended = lifetimes.crl_next_update.is_some_and(|end| end <= now);
    if crl_ended || lifetimes.certificate_not_after <= now {
        Certificate::Ended
    } else {
        Certificate::InForce
    }
}

async fn report(reporter: &mut HealthReporter, state: State) {
    let status = |serving| {
        if serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        }
    };
    let taking = status(!state.draining);
    reporter.set_service_status("", taking).await;
    reporter.set_service_status(CATALOGUE, taking).await;
    reporter.set_service_status(AUDIT, taking).await;
    let ready = status(state.is_ready());
    reporter.set_service_status(CITIZEN, ready).await;
    reporter.set_service_status(DATA_SUBJECT, ready).await;
    if state.draining {
        // Ends the streams of those who watch, so that their connections can close; who asks once is
        // told still.
        for service in ["", CATALOGUE, AUDIT, CITIZEN, DATA_SUBJECT] {
            reporter.clear_service_status(service).await;
            let stopped = ServingStatus::NotServing;
            reporter.set_service_status(service, stopped).await;
        }
    }
}

/// Shorter than the interval at which anything probes.
const LOOK: Duration = Duration::from_secs(5);
