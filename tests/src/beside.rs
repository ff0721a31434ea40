//! A gateway that serves beside a sandbox.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use toml::Table;

use crate::{Node, Ran, Rest, Sandbox, Serving, verify};

/// A node that serves beside a sandbox.
#[derive(Debug)]
pub struct Beside {
    /// Where it is called.
    pub url: String,
    /// Where it is operated.
    pub operations: String,
    node: Node,
    serving: Serving,
}

impl Beside {
    /// Starts one with the configuration of the sandbox, changed; `name` is that of the node.
    pub fn start(sandbox: &Sandbox, name: &str, change: impl FnOnce(&mut Table)) -> Self {
        let node = Node::beside(sandbox, name, change);
        let serving = node.start();
        Self::of(node, serving)
    }

    /// The same with every span sent to a collector.
    pub fn traced(
        sandbox: &Sandbox,
        name: &str,
        collector: &str,
        change: impl FnOnce(&mut Table),
    ) -> Self {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
            ("OTEL_TRACES_SAMPLER", "always_on"),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ];
        Self::told(sandbox, name, &variables, change)
    }

    /// The same with these variables in its environment.
    pub fn told(
        sandbox: &Sandbox,
        name: &str,
        variables: &[(&str, &str)],
        change: impl FnOnce(&mut Table),
    ) -> Self {
        let node = Node::beside(sandbox, name, change);
        let serving = Serving::told(&node.config, variables);
        Self::of(node, serving)
    }

    fn of(node: Node, serving: Serving) -> Self {
        Self {
            url: node.url.clone(),
            operations: node.operations.clone(),
            node,
            serving,
        }
    }

    /// A caller of it.
    pub fn caller(&self, sandbox: &Sandbox, name: &str) -> Rest {
        Rest::at(&self.url, sandbox, name)
    }

    /// Its operations listener.
    pub fn operator(&self) -> Rest {
        Rest::plain(&self.operations)
    }

    /// What it has logged so far.
    pub fn logged(&self) -> String {
        fs::read_to_string(self.node.config.with_extension("err")).unwrap()
    }

    /// Waits until it has logged that; lines are written on a thread.
    pub fn logs(&self, what: &str) {
        self.serving.logs(what);
    }

    /// The directory of its log.
    pub fn log(&self) -> &Path {
        &self.node.log
    }

    /// Runs `lienthong audit verify` on its log.
    pub fn verify(&self) -> Ran {
        verify(&self.node.log, None)
    }

    /// The port at which it is called.
    pub fn port(&self) -> u16 {
        self.node.port
    }

    /// Ends it as a supervisor does, and well; what it has logged, and the directory of its log.
    pub fn terminates(self) -> (String, PathBuf) {
        assert!(self.serving.terminate(), "it does not end well");
        let logged = fs::read_to_string(self.node.config.with_extension("err"));
        (logged.unwrap(), self.node.log)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.serving.pid()
    }

    /// True until it has ended.
    pub fn runs(&mut self) -> bool {
        self.serving.runs()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.serving.signal(signal);
    }
}
