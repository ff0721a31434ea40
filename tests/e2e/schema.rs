//! The schema of the configuration, beside the configurations that are used.

use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;
use tests::{Sandbox, run};

fn schema() -> Validator {
    let printed = run(&["schema", "config"]);
    assert_eq!(printed.code, 0, "{printed:?}");
    jsonschema::validator_for(&printed.json()).unwrap()
}

fn json_of(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::to_value(toml::from_str::<toml::Table>(&text).unwrap()).unwrap()
}

/// True if `check-config` takes a file.
fn is_checked(file: &Path) -> bool {
    run(&["check-config", &file.display().to_string()]).code == 0
}

#[test]
fn the_configuration_of_a_sandbox_is_taken_and_broken_ones_are_refused() {
    let sandbox = Sandbox::start();
    let (file, schema) = (sandbox.dir().join("lienthong.toml"), schema());
    assert!(schema.is_valid(&json_of(&file)), "{:?}", json_of(&file));
    assert!(is_checked(&file));
    let good = std::fs::read_to_string(&file).unwrap();
    let broken = sandbox.dir().join("broken.toml");
    let words = [
        ("dir = ", "directory = "),
        ("listen = \"", "listen = 7 # \""),
        ("[agency.health]", "[agency.army]"),
        ("reserve_percent = 1", "reserve_percent = 300"),
        ("[evidence]", "[evidence]\nscrub_interval = 1"),
        ("client_id = ", "client = "),
    ];
    for (from, to) in words {
        assert!(good.contains(from), "{from} in {good}");
        std::fs::write(&broken, good.replacen(from, to, 1)).unwrap();
        assert!(!schema.is_valid(&json_of(&broken)), "the schema takes {to}");
        assert!(!is_checked(&broken), "check-config takes {to}");
    }
}

/// Whatever configuration is delivered is in order.
#[test]
fn the_delivered_configurations_are_taken() {
    let schema = schema();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<PathBuf> = vec![root.join("deploy")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .file_name()
                .is_some_and(|name| name == "lienthong.toml")
            {
                assert!(schema.is_valid(&json_of(&path)), "{}", path.display());
            }
        }
    }
}
