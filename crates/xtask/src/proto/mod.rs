//! Generates everything that follows from `proto/`: messages, services, proto-JSON, the field
//! catalogue, the minimiser, the REST routes, the descriptor set and the OpenAPI document.
//!
//! Needs no system tool: `protox` compiles. The generated files are checked in, and `--check`
//! compares them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use prost_reflect::DescriptorPool;

mod catalogue;
mod masks;
mod messages;
mod openapi;
mod records;
mod routes;
mod text;

/// Paths of generated files below the root, and what they hold.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Generates all, and writes or compares it.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let contract = Contract::compile(root)?;
    let generated = PathBuf::from("crates/api/src/generated");
    let mut files = Files::new();
    for (name, text) in messages::generate(&contract)? {
        files.insert(generated.join(name), rustfmt(&text)?);
    }
    let mut rust = |path: PathBuf, text: String| -> Result<()> {
        files.insert(path, rustfmt(&text)?);
        Ok(())
    };
    rust(
        generated.join("records.rs"),
        records::generate(&contract.pool)?,
    )?;
    rust(generated.join("masks.rs"), masks::generate(&contract.pool)?)?;
    rust(
        generated.join("redacted.rs"),
        messages::redacted(&contract.pool)?,
    )?;
    rust(
        generated.join("routes.rs"),
        routes::generate(&contract.pool)?,
    )?;
    rust(
        PathBuf::from("crates/exchange/src/field/generated.rs"),
        catalogue::generate(&contract.pool)?,
    )?;
    files.insert(
        generated.join("descriptors.binpb"),
        contract.published.clone(),
    );
    files.insert(
        generated.join("openapi.json"),
        openapi::generate(&contract.pool)?.into_bytes(),
    );
    if check {
        compare(root, &files)
    } else {
        write(root, &files)
    }
}

/// The compiled contract.
struct Contract {
    /// With comments, for the generators.
    commented: Vec<u8>,
    /// Without comments, as published.
    published: Vec<u8>,
    /// The commented descriptors, options included.
    pool: DescriptorPool,
}

impl Contract {
    fn compile(root: &Path) -> Result<Self> {
        let proto = root.join("proto");
        let mut sources = Vec::new();
        for package in ["lienthong/v1", "lienthong/agency/v1"] {
            for entry in std::fs::read_dir(proto.join(package))? {
                let path = entry?.path();
                if path.extension().is_some_and(|e| e == "proto") {
                    sources.push(path.strip_prefix(&proto)?.to_path_buf());
                }
            }
        }
        sources.sort();
        let encode = |comments: bool| -> Result<Vec<u8>> {
            let mut compiler = protox::Compiler::new([&proto])?;
            compiler.include_imports(true).include_source_info(comments);
            compiler
                .open_files(&sources)
                .context("proto/ does not compile")?;
            Ok(compiler.encode_file_descriptor_set())
        };
        let commented = encode(true)?;
        let pool = DescriptorPool::decode(commented.as_slice())?;
        Ok(Self {
            published: encode(false)?,
            commented,
            pool,
        })
    }
}

fn write(root: &Path, files: &Files) -> Result<()> {
    for (path, text) in files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if std::fs::read(&path).ok().as_ref() != Some(text) {
            std::fs::write(&path, text)?;
            println!("wrote {}", path.display());
        }
    }
    Ok(())
}

fn compare(root: &Path, files: &Files) -> Result<()> {
    let stale: Vec<_> = files
        .iter()
        .filter(|(path, text)| std::fs::read(root.join(path)).ok().as_ref() != Some(*text))
        .map(|(path, _)| path.display().to_string())
        .collect();
    if !stale.is_empty() {
        bail!(
            "not what proto/ says, run `cargo xtask proto`: {}",
            stale.join(", ")
        );
    }
    println!(
        "proto: {} generated files are what proto/ says",
        files.len()
    );
    Ok(())
}

/// Formats generated Rust.
fn rustfmt(text: &str) -> Result<Vec<u8>> {
    use std::io::Write as _;
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config", "max_width=100"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("rustfmt does not start")?;
    let mut input = child.stdin.take().context("no input to rustfmt")?;
    let text = text.to_owned();
    let feed = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output()?;
    feed.join().ok().context("rustfmt was not fed")??;
    if !output.status.success() {
        bail!("rustfmt refuses generated code");
    }
    Ok(output.stdout)
}
