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
    println!("\nTry:\n");
    println!("# as a table, or as JSON; other callers with --as claims, --as tax");
    println!("lienthong lookup {FIRST} --sandbox {}", dir.display());
    println!(
        "lienthong lookup {FIRST} --sandbox {} --json > answer.json",
        dir.display()
    );
    println!(
        "lienthong audit verify {} --receipt answer.json\n",
        at(&description.log.dir)
    );
    println!("# REST");
    println!("{}\n", curl(gateway, &ca, &cert, &key, purpose));
    println!("# Python, with: pip install grpcio grpcio-reflection protobuf");
    println!("{}", python(address, &ca, &cert, &key, purpose));
    println!("# the contract, health and metrics");
    println!("curl -s {}/openapi.json", description.public);
    println!("curl -s {}/readyz?verbose", description.operations);
    println!("curl -s {}/metrics", description.operations);
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

fn python(address: &str, ca: &str, cert: &str, key: &str, purpose: &str) -> String {
    format!(
        r#"python3 - <<'END'
import uuid, grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
read = lambda path: open(path, "rb").read()
credentials = grpc.ssl_channel_credentials(read("{ca}"), read("{key}"), read("{cert}"))
with grpc.secure_channel("{address}", credentials) as channel:
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    get = lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName("lienthong.v1." + name))
    Request, Response = get("LookupCitizenRequest"), get("LookupCitizenResponse")
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
