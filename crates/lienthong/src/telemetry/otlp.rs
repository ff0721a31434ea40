//! What the standard `OTEL_*` variables ask for.
//!
//! Here: what the SDK does not read itself, which is whether to export at all, the sampler (the
//! filter draws, not the SDK), and the length of the queue. The SDK and its exporter read the
//! endpoints, headers, timeouts, compression, delays, batch sizes, limits and resource attributes.
//! Telemetry never keeps the gateway from starting: what cannot be followed is a warning.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};

use super::sampling::Sampling;

/// What is to be exported, and how.
#[derive(Debug)]
pub(super) struct Otlp {
    /// Whether spans are exported.
    pub(super) traces: bool,
    /// Whether metrics are exported.
    pub(super) metrics: bool,
    /// Which exchanges are traced.
    pub(super) sampling: Sampling,
    /// How many spans may wait for the collector.
    pub(super) queue: usize,
    /// What is asked for and cannot be done.
    pub(super) problems: Vec<String>,
    service: Option<String>,
}

impl Otlp {
    /// Reads the variables.
    pub(super) fn read(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut reader = Reader {
            env,
            problems: Vec::new(),
        };
        let disabled = reader
            .text("OTEL_SDK_DISABLED")
            .is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let traces = !disabled && reader.signal("TRACES");
        let metrics = !disabled && reader.signal("METRICS");
        let sampling = if traces {
            reader.sampling()
        } else {
            Sampling::None
        };
        Self {
            traces: traces && sampling != Sampling::None,
            metrics,
            sampling,
            queue: reader.queue(),
            service: reader.text("OTEL_SERVICE_NAME"),
            problems: reader.problems,
        }
    }

    /// Who sends; the environment's own words win.
    pub(super) fn resource(&self, node: &str) -> Resource {
        let own = [
            KeyValue::new("service.name", "lienthong"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", node.to_owned()),
        ];
        let resource = Resource::builder_empty()
            .with_attributes(own)
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_detector(Box::new(EnvResourceDetector::new()));
        match &self.service {
            Some(name) => resource.with_service_name(name.clone()).build(),
            None => resource.build(),
        }
    }
}

struct Reader<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    /// The value of a variable; an empty one counts as none.
    fn text(&self, name: &str) -> Option<String> {
        let text = (self.env)(name)?.trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// True if a signal has somewhere to go and is not switched off.
    fn signal(&mut self, signal: &str) -> bool {
        let both = |kind: &str| {
            self.text(&format!("OTEL_EXPORTER_OTLP_{signal}_{kind}"))
                .or_else(|| self.text(&format!("OTEL_EXPORTER_OTLP_{kind}")))
        };
        if both("ENDPOINT").is_none() {
            return false;
        }
        let protocol = both("PROTOCOL").filter(|protocol| protocol != "grpc");
        let switch = format!("OTEL_{signal}_EXPORTER");
        match self.text(&switch).as_deref() {
            None | Some("otlp") => {}
            Some("none") => return false,
            Some(other) => {
                self.problems
                    .push(format!("{switch}={other}: only otlp and none are known"));
                return false;
            }
        }
        if let Some(protocol) = protocol {
            let name = "OTEL_EXPORTER_OTLP_PROTOCOL";
            self.problems
                .push(format!("{name}={protocol}: only grpc is spoken"));
            return false;
        }
        true
    }

    /// What the sampler named says of a trace that begins, as every trace here does.
    fn sampling(&mut self) -> Sampling {
        let Some(name) = self.text("OTEL_TRACES_SAMPLER") else {
            return Sampling::All;
        };
        match name.strip_prefix("parentbased_").unwrap_or(&name) {
            "always_on" => Sampling::All,
            "always_off" => Sampling::None,
            "traceidratio" => self.share(),
            _ => {
                self.problems
                    .push(format!("OTEL_TRACES_SAMPLER={name}: all are traced"));
                Sampling::All
            }
        }
    }

    fn share(&mut self) -> Sampling {
        let name = "OTEL_TRACES_SAMPLER_ARG";
        let text = self.text(name).unwrap_or_default();
        match text.parse() {
            Ok(0.0) => Sampling::None,
            Ok(share) if (0.0..=1.0).contains(&share) => Sampling::Share(share),
            _ => {
                self.problems.push(format!(
                    "{name}={text}: not between 0 and 1, all are traced"
                ));
                Sampling::All
            }
        }
    }

    fn queue(&mut self) -> usize {
        let name = "OTEL_BSP_MAX_QUEUE_SIZE";
        let Some(text) = self.text(name) else {
            return QUEUE;
        };
        match text.parse() {
            Ok(queue) if queue > 0 => queue,
            _ => {
                self.problems
                    .push(format!("{name}={text}: is no number of spans"));
                QUEUE
            }
        }
    }
}

/// The standard's own.
const QUEUE: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Otlp {
        Otlp::read(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317");

    #[test]
    fn nothing_is_exported_unless_an_endpoint_says_where_to() {
        let otlp = read(&[]);
        assert!(!otlp.traces && !otlp.metrics);
        let otlp = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]);
        assert!(!otlp.traces && !otlp.metrics);
        let otlp = read(&[ENDPOINT]);
        assert!(otlp.traces && otlp.metrics);
        let otlp = read(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://[::1]:4317")]);
        assert!(otlp.traces && !otlp.metrics);
        let otlp = read(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://[::1]:4317")]);
        assert!(!otlp.traces && otlp.metrics);
    }

    #[test]
    fn either_signal_can_be_switched_off() {
        let otlp = read(&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")]);
        assert!(!otlp.traces && !otlp.metrics);
        let otlp = read(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", "none")]);
        assert!(otlp.traces && !otlp.metrics);
        let otlp = read(&[ENDPOINT, ("OTEL_TRACES_SAMPLER", "always_off")]);
        assert!(!otlp.traces && otlp.metrics);
        assert!(otlp.problems.is_empty());
    }

    #[test]
    fn the_sampler_is_the_one_named() {
        let sampling = |name, arg| {
            let name = ("OTEL_TRACES_SAMPLER", name);
            let otlp = read(&[ENDPOINT, name, ("OTEL_TRACES_SAMPLER_ARG", arg)]);
            (otlp.sampling, otlp.problems.len())
        };
        let one_percent = (Sampling::Share(0.01), 0);
        assert_eq!(sampling("traceidratio", "0.01"), one_percent);
        assert_eq!(sampling("parentbased_traceidratio", "0.01"), one_percent);
        assert_eq!(sampling("parentbased_always_on", ""), (Sampling::All, 0));
        assert_eq!(sampling("traceidratio", "0"), (Sampling::None, 0));
        for wrong in ["", "x", "-1", "1.5", "NaN"] {
            assert_eq!(sampling("traceidratio", wrong), (Sampling::All, 1));
        }
        assert_eq!(sampling("jaeger_remote", ""), (Sampling::All, 1));
    }

    #[test]
    fn what_cannot_be_followed_is_told_and_left_out() {
        let otlp = read(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]);
        assert!(!otlp.traces && !otlp.metrics);
        assert_eq!(otlp.problems.len(), 2);
        let otlp = read(&[ENDPOINT, ("OTEL_BSP_MAX_QUEUE_SIZE", "0")]);
        assert_eq!((otlp.queue, otlp.problems.len()), (QUEUE, 1));
    }

    #[test]
    fn the_resource_names_the_node() {
        let otlp = read(&[("OTEL_SERVICE_NAME", "gateway-north")]);
        let resource = otlp.resource("node-1");
        let of = |key: &'static str| resource.get(&key.into()).map(|value| value.to_string());
        assert_eq!(of("service.name").as_deref(), Some("gateway-north"));
        assert_eq!(of("service.instance.id").as_deref(), Some("node-1"));
        assert!(of("service.version").is_some());
        let resource = read(&[]).resource("node-1");
        let name = resource.get(&"service.name".into()).unwrap();
        assert_eq!(name.as_str(), "lienthong");
    }
}
