//! What the scrape shows after something happened.

use std::sync::Arc;
use std::time::Duration;

use edge::{Call, Load, Pressure, Readiness, Shed, TurnedAway};
use evidence::NotCosigned;
use exchange::{AgencyCode, Caller, Criticality, Reason, Source, SourceState, SystemId};
use identity::Lifetimes;
use jiff::Timestamp;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::ManualReader;

use super::Metrics;

fn metrics() -> Arc<Metrics> {
    let resource = Resource::builder_empty().build();
    Metrics::new("node-1", resource, None::<ManualReader>).unwrap()
}

fn agency(code: &str) -> AgencyCode {
    AgencyCode::parse(code).unwrap()
}

fn caller(code: &str) -> Caller {
    Caller::new(agency(code), SystemId::parse("desk").unwrap(), "c0ffee")
}

fn call(agency: &AgencyCode) -> Call<'_> {
    Call {
        method: "lienthong.v1.CitizenService/LookupCitizen",
        code: "OK",
        agency,
        criticality: Some(Criticality::CitizenWaiting),
        completeness: Some("PARTIAL"),
        reason: None,
        took: Duration::from_micros(1_500),
    }
}

#[test]
fn calls_show_by_method_code_agency_and_urgency() {
    let metrics = metrics();
    edge::Observer::call(&*metrics, &call(&agency("G18")));
    let text = metrics.render();
    let labels = "caller_agency=\"G18\",criticality=\"CITIZEN_WAITING\",\
        rpc_method=\"lienthong.v1.CitizenService/LookupCitizen\",rpc_status_code=\"OK\"";
    for (bound, count) in [("0.001", 0), ("0.0025", 1), ("10", 1), ("+Inf", 1)] {
        let series =
            format!("rpc_server_call_duration_seconds_bucket{{{labels},le=\"{bound}\"}} {count}\n");
        assert!(text.contains(&series), "{series}{text}");
    }
    assert!(text.contains(
        "gateway_completeness_total{caller_agency=\"G18\",completeness=\"PARTIAL\"} 1\n"
    ));
}

#[test]
fn a_label_outside_its_set_is_other() {
    let metrics = metrics();
    let agency = agency("G18");
    edge::Observer::call(
        &*metrics,
        &Call {
            criticality: None,
            completeness: Some("HALF"),
            ..call(&agency)
        },
    );
    let text = metrics.render();
    assert!(text.contains("criticality=\"_OTHER\""));
    assert!(text.contains("completeness=\"_OTHER\"} 1\n"));
    assert!(!text.contains("HALF"));
}

#[test]
fn refusals_show_by_reason_and_every_reason_starts_at_zero() {
    let metrics = metrics();
    let agency = agency("G18");
    for reason in Reason::ALL {
        let series = format!("gateway_rejections_total{{reason=\"{reason}\"}}");
        let refused = Call {
            reason: Some(*reason),
            ..call(&agency)
        };
        assert!(metrics.render().contains(&format!("{series} 0\n")));
        edge::Observer::call(&*metrics, &refused);
        assert!(metrics.render().contains(&format!("{series} 1\n")));
    }
}

#[test]
fn load_and_what_was_shed_show_from_the_beginning() {
    let metrics = metrics();
    let observer: &dyn edge::Observer = &*metrics;
    let series = "gateway_shed_total{criticality=\"BULK\",why=\"memory\"}";
    assert!(metrics.render().contains(&format!("{series} 0\n")));
    observer.shed(Criticality::Bulk, Shed::Memory);
    observer.load(&Load {
        running: 7,
        limit: 80,
        waited: Duration::from_millis(15),
        pressure: Pressure::Shed,
    });
    let text = metrics.render();
    for line in [
        &format!("{series} 1"),
        "gateway_shed_total{criticality=\"EMERGENCY\",why=\"calls\"} 0",
        "gateway_calls 7",
        "gateway_calls_limit 80",
        "gateway_queue_wait_seconds 0.015",
        "gateway_memory_pressure 1",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
    }
}

#[test]
fn sources_show_by_state() {
    let metrics = metrics();
    let took = Duration::from_millis(20);
    let observer: &dyn gate::Observer = &*metrics;
    for state in super::agencies::STATES {
        observer.source(&caller("G18"), Source::Tax, state, took);
    }
    observer.source(&caller("G18"), Source::Tax, SourceState::Ok, took);
    observer.wrong_subject(Source::Health);
    observer.panicked(Source::Tax);
    let text = metrics.render();
    for state in super::agencies::STATES {
        let count = if state == SourceState::Ok { 2 } else { 1 };
        let name = state.name();
        assert!(text.contains(&format!(
            "gateway_answers_total{{caller_agency=\"G18\",source=\"tax\",source_state=\"{name}\"}} {count}\n"
        )));
    }
    assert!(text.contains(
        "gateway_source_duration_seconds_count{source=\"tax\",source_state=\"TIMEOUT\"} 1\n"
    ));
    assert!(text.contains("gateway_wrong_subject_total{source=\"health\"} 1\n"));
    assert!(text.contains("gateway_wrong_subject_total{source=\"tax\"} 0\n"));
    assert!(text.contains("gateway_adapter_panics_total{source=\"tax\"} 1\n"));
    assert!(text.contains("gateway_adapter_panics_total{source=\"health\"} 0\n"));
}

#[test]
fn agencies_past_the_bound_share_one_label() {
    let metrics = metrics();
    let observer: &dyn gate::Observer = &*metrics;
    for number in 0..250 {
        let caller = caller(&format!("A{number}"));
        observer.source(&caller, Source::Tax, SourceState::Ok, Duration::ZERO);
        edge::Observer::call(&*metrics, &call(caller.agency()));
    }
    let text = metrics.render();
    let own = text
        .lines()
        .filter(|line| line.starts_with("gateway_answers_total{caller_agency=\"A"));
    assert_eq!(own.count(), 200);
    assert!(text.contains(
        "gateway_answers_total{caller_agency=\"_OTHER\",source=\"tax\",source_state=\"OK\"} 50\n"
    ));
    let calls = text
        .lines()
        .filter(|line| line.starts_with("rpc_server_call_duration_seconds_count"));
    assert_eq!(calls.count(), 201);
}

#[test]
fn a_node_is_not_ready_while_the_disk_of_its_log_is_low() {
    let (metrics, readiness) = (metrics(), Readiness::new());
    metrics.readiness(readiness.clone());
    let observer: &dyn evidence::Observer = &*metrics;
    observer.disk_low(true);
    assert!(!readiness.is_ready());
    observer.disk_low(false);
    assert!(readiness.is_ready());
}

#[test]
fn the_log_shows_with_its_node() {
    let metrics = metrics();
    assert!(!metrics.render().contains("audit_next_seq"));
    let observer: &dyn evidence::Observer = &*metrics;
    observer.commit_wait(Duration::from_millis(2));
    observer.synced(Duration::from_millis(1));
    observer.batch(3);
    observer.queue_depth(7);
    observer.free_bytes(1_000);
    observer.next_seq(42);
    observer.published(41);
    let text = metrics.render();
    for series in [
        "audit_commit_wait_seconds_count{node=\"node-1\"} 1\n",
        "audit_fsync_seconds_count{node=\"node-1\"} 1\n",
        "audit_batch_entries_sum{node=\"node-1\"} 3\n",
        "audit_queue_depth{node=\"node-1\"} 7\n",
        "audit_next_seq{node=\"node-1\"} 42\n",
        "audit_checkpoint_size{node=\"node-1\"} 41\n",
        "audit_free_bytes{node=\"node-1\"} 1000\n",
    ] {
        assert!(text.contains(series), "{series}{text}");
    }
}

#[test]
fn a_question_about_a_canary_counts_for_its_agency() {
    let metrics = metrics();
    let observer: &dyn gate::Observer = &*metrics;
    let request = exchange::RequestId::parse("0190163d-8694-739b-aea5-966c26f8ad91").unwrap();
    observer.source(&caller("H55"), Source::Tax, SourceState::Ok, Duration::ZERO);
    observer.canary(&caller("G18"), &request);
    let text = metrics.render();
    for series in [
        "canary_hits_total{caller_agency=\"G18\"} 1\n",
        "canary_hits_total{caller_agency=\"H55\"} 0\n",
    ] {
        assert!(text.contains(series), "{series}{text}");
    }
}

#[test]
fn damage_is_counted_and_a_sound_reading_has_its_time() {
    let metrics = metrics();
    let observer: &dyn evidence::Observer = &*metrics;
    let findings = "audit_verify_findings_total{node=\"node-1\"}";
    let text = metrics.render();
    assert!(text.contains(&format!("{findings} 0\n")), "{text}");
    assert!(!text.contains("audit_last_verify_ok_timestamp{"));
    observer.scrub_found(&evidence::verify::VerifyError::NoLog("log".into()));
    observer.scrubbed(1_771_234_567);
    let text = metrics.render();
    assert!(text.contains(&format!("{findings} 1\n")), "{text}");
    let series = "audit_last_verify_ok_timestamp{node=\"node-1\"} 1771234567\n";
    assert!(text.contains(series), "{text}");
}

#[test]
fn witnesses_show_with_how_they_fail() {
    let metrics = metrics();
    let observer: &dyn evidence::Observer = &*metrics;
    for (place, kind) in NotCosigned::KINDS.into_iter().enumerate() {
        let series = format!("audit_witness_failures_total{{kind=\"{kind}\",node=\"node-1\"}} 0\n");
        assert!(metrics.render().contains(&series), "{place} {series}");
    }
    observer.not_cosigned("w1", &NotCosigned::Failing(500), true);
    observer.not_cosigned("w1", &NotCosigned::Failing(503), false);
    observer.not_cosigned("w1", &NotCosigned::Refused(404), false);
    observer.cosigned(2);
    observer.quorum_missing(Duration::from_secs(17));
    let text = metrics.render();
    for series in [
        "audit_witness_failures_total{kind=\"failing\",node=\"node-1\"} 2\n",
        "audit_witness_failures_total{kind=\"refused\",node=\"node-1\"} 1\n",
        "audit_checkpoint_cosignatures{node=\"node-1\"} 2\n",
        "audit_quorum_missing_seconds{node=\"node-1\"} 17\n",
    ] {
        assert!(text.contains(series), "{series}{text}");
    }
}

#[test]
fn connections_and_those_turned_away_show() {
    let metrics = metrics();
    let observer: &dyn edge::Observer = &*metrics;
    observer.connections(3);
    observer.turned_away(TurnedAway::Full);
    let text = metrics.render();
    assert!(text.contains("gateway_connections 3\n"));
    for why in TurnedAway::all() {
        let count = u8::from(why == TurnedAway::Full);
        let name = why.name();
        assert!(text.contains(&format!(
            "tls_handshake_failures_total{{why=\"{name}\"}} {count}\n"
        )));
    }
}

#[test]
fn what_is_in_force_and_what_was_lost_shows() {
    let metrics = metrics();
    metrics.certificates(&Lifetimes {
        certificate_not_after: Timestamp::from_second(1_900_000_000).unwrap(),
        crl_next_update: Timestamp::from_second(1_800_000_000).ok(),
    });
    metrics.policy(&[0; 32]);
    metrics.policy(&[0xd1; 32]);
    metrics.drops(|| 5, || [("traces", 6), ("metrics", 0)]);
    let text = metrics.render();
    for series in [
        "tls_certificate_not_after_seconds{role=\"server\"} 1900000000\n",
        "tls_crl_next_update_seconds 1800000000\n",
        "config_digest_info{digest=\"d1d1d1",
        "gateway_build_info{version=",
        "log_dropped_total 5\n",
        "otlp_dropped_total{signal=\"traces\"} 6\n",
    ] {
        assert!(text.contains(series), "{series}{text}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_shows() {
    let text = metrics().render();
    for name in [
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
        "process_start_time_seconds ",
    ] {
        assert!(text.contains(&format!("\n{name}")), "{name}{text}");
    }
}

#[test]
fn nothing_of_the_caller_but_its_agency_shows() {
    let metrics = metrics();
    let took = Duration::ZERO;
    gate::Observer::source(
        &*metrics,
        &caller("G18"),
        Source::Tax,
        SourceState::Ok,
        took,
    );
    let text = metrics.render();
    assert!(!text.contains("c0ffee") && !text.contains("desk"));
}
