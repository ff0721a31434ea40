//! `lienthong pki`: a development CA.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use exchange::{AgencyCode, Clock, SystemClock, SystemId};
use identity::TrustDomain;
use identity::pki::{Authority, Credential};

use crate::cli::{IssueCommand, Pki, PkiCommand};
use crate::exit;

/// Does what is asked of the CA.
pub(crate) fn run(arguments: &Pki) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    if let PkiCommand::Init { trust_domain, name } = &arguments.command {
        let domain = TrustDomain::parse(trust_domain)
            .ok_or_else(|| anyhow!("{trust_domain} is no trust domain"))?;
        let authority = Authority::create(&arguments.dir, name, &domain, clock)?;
        println!("made {}", authority.certificate_file().display());
        return Ok(exit::COMPLETE.into());
    }
    let authority = Authority::load(&arguments.dir, clock).with_context(|| {
        format!(
            "no CA in {}: run `lienthong pki init`",
            arguments.dir.display()
        )
    })?;
    match &arguments.command {
        PkiCommand::Init { .. } => {}
        PkiCommand::Issue { kind } => issue(&authority, kind)?,
        PkiCommand::Sign { csr, days } => {
            let request =
                std::fs::read_to_string(csr).with_context(|| csr.display().to_string())?;
            print!("{}", authority.sign_csr(&request, validity(*days))?);
        }
        PkiCommand::Revoke { certificate } => {
            authority.revoke_file(certificate)?;
            println!("revoked; wrote {}", authority.crl_file().display());
        }
        PkiCommand::List => {
            for entry in authority.issued()? {
                let state = match entry.revoked {
                    Some(when) => format!("revoked {when}"),
                    None => format!("until {}", entry.not_after),
                };
                println!("{}  {}  {state}", entry.serial, entry.name);
            }
        }
    }
    Ok(exit::COMPLETE.into())
}

fn issue(authority: &Authority, kind: &IssueCommand) -> anyhow::Result<()> {
    match kind {
        IssueCommand::Client {
            agency,
            system,
            out,
            days,
        } => {
            let code =
                AgencyCode::parse(agency).ok_or_else(|| anyhow!("{agency} is no agency code"))?;
            let id = SystemId::parse(system).ok_or_else(|| anyhow!("{system} is no system"))?;
            let name = format!("{agency}-{system}");
            unused(out, &name)?;
            let credential = authority.issue_client(&code, &id, validity(*days))?;
            save(&credential, out, &name)
        }
        IssueCommand::Server { hosts, out, days } => {
            let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
            unused(out, "gateway")?;
            let credential = authority.issue_server("gateway", &hosts, validity(*days))?;
            save(&credential, out, "gateway")
        }
    }
}

/// Refuses to write over files: a key that is gone cannot be had again. Before anything is issued.
fn unused(out: &Path, name: &str) -> anyhow::Result<()> {
    for file in [format!("{name}.key"), format!("{name}.pem")] {
        let file = out.join(file);
        if file.symlink_metadata().is_ok() {
            bail!(
                "{} is there already: move it away, or name another folder with --out",
                file.display()
            );
        }
    }
    Ok(())
}

fn save(credential: &Credential, out: &Path, name: &str) -> anyhow::Result<()> {
    let (certificate, key): (PathBuf, PathBuf) = credential.save(out, name)?;
    println!("wrote {} and {}", certificate.display(), key.display());
    Ok(())
}

fn validity(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 3600)
}
