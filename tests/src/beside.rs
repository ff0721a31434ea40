//! A gateway that serves beside a sandbox.

use std::fs;
use std::path::Path;

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
        let node = Node::beside(sandbox, name, change);
        let serving = Serving::traced(&node.config, collector);
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
