//! What to try in a sandbox, ready to be copied.

use std::path::Path;

use super::Description;

/// A complete synthetic citizen.
pub(crate) const FIRST: &str = "999099000001";

/// The snippets that a ready sandbox prints.
pub(crate) fn print(dir: &Path, description: &Description) {
    let Some(caller) = description
        .callers
        .iter()
        .find(|caller| caller.name == description.default_caller)
    else {
        return;
    };
    let at = |path: &str| dir.join(path).display().to_string();
    let (ca, cert, key) = (at(&description.ca), at(&caller.cert), at(&caller.key));
    let purpose = caller.purposes.first().map_or("", String::as_str);
    let gateway = &description.gateway;
    let address = gateway.trim_start_matches("https://");
    let program = program();
    println!("\nTry:\n");
    println!(
        "# as a table, or as JSON; other callers with --as tax, or with --as claims, whose agreement\n\
         # wants --name, --birth-date, --officer and --dossier as well"
    );
    println!("{program} lookup {FIRST} --sandbox {}", dir.display());
    println!(
        "{program} lookup {FIRST} --sandbox {} --json > answer.json",
        dir.display()
    );
    println!(
        "{program} audit verify {} --receipt answer.json",
        at(&description.log.dir)
    );
    println!("# the proof that the lookup is in the public log, checked by the log's key alone");
    println!(
        "{program} audit prove {} --receipt answer.json --out answer.tlog-proof",
        description.log.url
    );
    println!(
        "{program} audit verify answer.tlog-proof --vkey {}\n",
        description.log.vkey
    );
    println!("# as an operator: how the agencies are; stop one with switch stop");
    println!("{program} source list --sandbox {}\n", dir.display());
    println!("# REST");
    println!("{}\n", curl(gateway, &ca, &cert, &key, purpose));
    println!("# gRPC from Python, with: pip install grpcio protobuf");
    let credentials = [ca.as_str(), &key, &cert];
    println!(
        "{}",
        python(address, &description.public, credentials, purpose)
    );
    println!("# the contract, health and metrics");
    println!("curl -s {}/openapi.json", description.public);
    println!("curl -s {}/readyz?verbose", description.operations);
    println!("curl -s {}/metrics", description.operations);
}

/// How this program is called from here: by its name if a shell finds it so, else by its path.
fn program() -> String {
    let name = "lienthong";
    let Ok(own) = std::env::current_exe() else {
        return name.to_owned();
    };
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name));
    if found.into_iter().any(|found| found == own) {
        return name.to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    own.strip_prefix(&here)
        .unwrap_or(&own)
        .display()
        .to_string()
}

fn curl(gateway: &str, ca: &str, cert: &str, key: &str, purpose: &str) -> String {
    format!(
        "curl -s --cacert {ca} --cert {cert} --key {key} \\\n  \
         -H 'content-type: application/json' {gateway}/v1/citizens:lookup \\\n  \
         -d '{{\"context\": {{\"requestId\": \"'$(cat /proc/sys/kernel/random/uuid)'\", \
         \"purposeCode\": \"{purpose}\"}}, \"subject\": {{\"personalId\": \"{FIRST}\"}}, \
         \"readMask\": \"population.name,tax.status\"}}'"
    )
}

fn python(address: &str, public: &str, [ca, key, cert]: [&str; 3], purpose: &str) -> String {
    format!(
        r#"python3 - <<'END'
import uuid, urllib.request, grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
pool = descriptor_pool.DescriptorPool()
published = urllib.request.urlopen("{public}/descriptors.binpb").read()
for file in descriptor_pb2.FileDescriptorSet.FromString(published).file:
    pool.AddSerializedFile(file.SerializeToString())
get = lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName("lienthong.v1." + name))
Request, Response = get("LookupCitizenRequest"), get("LookupCitizenResponse")
read = lambda path: open(path, "rb").read()
credentials = grpc.ssl_channel_credentials(read("{ca}"), read("{key}"), read("{cert}"))
with grpc.secure_channel("{address}", credentials) as channel:
    lookup = channel.unary_unary("/lienthong.v1.CitizenService/LookupCitizen",
        request_serializer=Request.SerializeToString, response_deserializer=Response.FromString)
    request = Request()
    request.context.request_id = str(uuid.uuid4())
    request.context.purpose_code = "{purpose}"
    request.subject.personal_id = "{FIRST}"
    request.read_mask.paths.extend(["population.name", "tax.status"])
    print(lookup(request, timeout=5))
END
"#
    )
}
