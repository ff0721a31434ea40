//! Which gateway is asked, and as whom: a sandbox's description, or what the command line says.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use url::Url;

use crate::cli::Address;
use crate::exit;
use crate::sandbox::{Caller, Description};

/// A gateway and the caller's identity there.
#[derive(Debug)]
pub(crate) struct Target {
    /// The gateway's address.
    pub(crate) gateway: Url,
    /// The authorities that vouch for it.
    pub(crate) ca: PathBuf,
    /// The caller's certificate.
    pub(crate) cert: PathBuf,
    /// The caller's key.
    pub(crate) key: PathBuf,
    purposes: Vec<String>,
}

impl Target {
    /// What the command line names: a gateway by address, or a sandbox.
    pub(crate) fn find(address: &Address) -> anyhow::Result<Self> {
        let Address {
            gateway,
            ca,
            cert,
            key,
            ..
        } = address;
        if let (Some(gateway), Some(ca), Some(cert), Some(key)) = (gateway, ca, cert, key) {
            return Ok(Self {
                gateway: gateway.clone(),
                ca: ca.clone(),
                cert: cert.clone(),
                key: key.clone(),
                purposes: Vec::new(),
            });
        }
        let sandbox = Self::sandbox(&address.sandbox, address.caller.as_deref());
        sandbox.map_err(|error| exit::USAGE.because(format!("{error:#}")))
    }

    /// A caller of the sandbox in a directory.
    fn sandbox(dir: &Path, caller: Option<&str>) -> anyhow::Result<Self> {
        Self::of(dir, &Description::running(dir)?, caller)
    }

    /// A caller of the sandbox that is described.
    pub(crate) fn of(
        dir: &Path,
        description: &Description,
        caller: Option<&str>,
    ) -> anyhow::Result<Self> {
        let wanted = caller.unwrap_or(&description.default_caller);
        let names: Vec<&str> = description
            .callers
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        let Caller {
            cert,
            key,
            purposes,
            ..
        } = description
            .callers
            .iter()
            .find(|caller| caller.name == wanted)
            .ok_or_else(|| anyhow!("no caller {wanted}; there are {}", names.join(", ")))?;
        Ok(Self {
            gateway: description.gateway.parse()?,
            ca: dir.join(&description.ca),
            cert: dir.join(cert),
            key: dir.join(key),
            purposes: purposes.clone(),
        })
    }

    /// The purpose named, or the caller's first.
    pub(crate) fn purpose(&self, named: Option<&str>) -> anyhow::Result<String> {
        match (named, self.purposes.first()) {
            (Some(named), _) => Ok(named.to_owned()),
            (None, Some(first)) => Ok(first.clone()),
            (None, None) => Err(exit::USAGE.because("name a purpose with --purpose")),
        }
    }
}
