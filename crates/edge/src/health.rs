//! `grpc.health.v1`, and what keeps it and the readiness true.
//!
//! The empty service says that the process lives and takes calls; each service of the contract,
//! whether it should be sent any.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use api::routes::ROUTES;
use api::v1::audit_service_server::SERVICE_NAME as AUDIT;
use api::v1::catalogue_service_server::SERVICE_NAME as CATALOGUE;
use exchange::Clock;
use identity::ServerTls;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::Deps;
use crate::method::Target;
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
    for service in services() {
        let serves = match service {
            WHOLE | CATALOGUE | AUDIT => !state.draining,
            _ => state.is_ready(),
        };
        if state.draining {
            // Ends the streams of those who watch, so that their connections can close; who asks once is
            // told still.
            reporter.set_service_status(service, status(false)).await;
            reporter.clear_service_status(service).await;
        }
        reporter.set_service_status(service, status(serves)).await;
    }
}

/// The process as a whole, and every service of the contract.
fn services() -> BTreeSet<&'static str> {
    let methods = ROUTES.iter().map(|route| Target::Rpc(route.rpc).name());
    let services = methods.filter_map(|method| method.split('/').next());
    services.chain([WHOLE]).collect()
}

/// How the process as a whole is called.
const WHOLE: &str = "";
/// Shorter than the interval at which anything probes.
const LOOK: Duration = Duration::from_secs(5);
