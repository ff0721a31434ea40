//! The rows of the fault matrix: which there are, and what each injects.
//!
//! Not here: what is expected of a row, which its test says.

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// What is injected.
    pub(super) what: &'static str,
}

/// The row of that name.
pub(super) fn row(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

const fn row_of(name: &'static str, what: &'static str) -> Row {
    Row { name, what }
}

/// Every row that is to have a test, in the order of the table.
pub(super) const ROWS: &[Row] = &[
    row_of("T01", "TLS 1.0, 1.1 and 1.2, old cipher suites"),
    row_of("T02", "no client certificate"),
    row_of(
        "T03",
        "a certificate of nobody we know, or against a name constraint",
    ),
    row_of(
        "T04",
        "a leaf or an intermediate out of its time; one that ends during a connection",
    ),
    row_of("T05", "a revoked leaf or intermediate"),
    row_of(
        "T06",
        "a revocation list that is stale, missing, cut short or of another issuer",
    ),
    row_of("T07", "a certificate that is not for clients"),
    row_of(
        "T08",
        "a header or a body that names another caller than the certificate",
    ),
    row_of("T09", "names that are not exactly one URI of ours"),
    row_of("T10", "an agency suspended in mid-stream"),
    row_of("T11", "every certificate rotated 100 times under load"),
    row_of("T12", "handshakes that stall"),
    row_of("T13", "early data, renegotiation, compression, a key log"),
    row_of("T14", "a session resumed after a revocation"),
    row_of("H01", "rapid reset"),
    row_of("H02", "CONTINUATION flood, endless header block"),
    row_of("H03", "HPACK bomb, too many and too large headers"),
    row_of(
        "H04",
        "floods of SETTINGS, PING, WINDOW_UPDATE, PRIORITY, empty and tiny DATA",
    ),
    row_of("H05", "100,000 streams at once on one connection"),
    row_of("H06", "frames that bait the server into resets"),
    row_of("H07", "a client that never reads"),
    row_of("H08", "a head or a body that trickles or breaks off"),
    row_of("H09", "request smuggling: lengths, encodings, line ends"),
    row_of("H10", "malformed HTTP/2 messages"),
    row_of("H11", "paths spelt otherwise"),
    row_of("H12", "CONNECT, TRACE, upgrades, HTTP/0.9"),
    row_of("H13", "headers spelt with `_`, doubled, or too long"),
    row_of(
        "H14",
        "a client that leaves after the record, before the answer",
    ),
    row_of("P01", "damaged protobuf"),
    row_of("P02", "compressed messages"),
    row_of("P03", "text that is no text, or another one than it seems"),
    row_of("P04", "JSON that readers understand differently"),
    row_of("P05", "a content type that is missing or wrong"),
    row_of("P06", "numbers that are none of a person"),
    row_of(
        "P07",
        "masks that are empty, unknown, not granted or too long",
    ),
    row_of("P08", "page tokens of others, altered, expired"),
    row_of("P09", "bodies, batches and streams that are too large"),
    row_of("P10", "injection into logs, tables and terminals"),
    row_of("P11", "injection into SQL and XML"),
    row_of("P12", "request ids used again"),
    row_of("E01", "numbers asked for one after the other"),
    row_of("E02", "the same, spread over officers and systems"),
    row_of("E03", "time that tells whether somebody exists"),
    row_of("E04", "texts and sizes that tell whether somebody exists"),
    row_of("E05", "verification as an oracle"),
    row_of(
        "E06",
        "no purpose, no agreement, out of hours, about oneself",
    ),
    row_of("E07", "break-glass"),
    row_of(
        "E08",
        "minors, sealed and protected persons, adopted children",
    ),
    row_of("E09", "a tracker that would show the affairs of others"),
    row_of("E10", "a canary is asked for"),
    row_of("E11", "a number in a trace header or in a URL"),
    row_of(
        "U01",
        "an agency that cannot be reached: refused, silent, unknown",
    ),
    row_of("U02", "an agency that falls silent, or trickles"),
    row_of("U03", "a connection that breaks off within an answer"),
    row_of("U04", "errors of the agency, with any kind of Retry-After"),
    row_of("U05", "a session that is over, said in any way"),
    row_of(
        "U06",
        "answers of another type, size or spelling than agreed",
    ),
    row_of(
        "U07",
        "an answer about somebody else, or to another question",
    ),
    row_of("U08", "an answer that contradicts its status"),
    row_of("U09", "one agency ten times slower"),
    row_of("U10", "an agency that comes and goes"),
    row_of("U11", "every agency down"),
    row_of("U12", "a required agency down, or another"),
    row_of("U13", "an agency with a certificate that is not good"),
    row_of("U14", "a configuration or an agency that leads elsewhere"),
    row_of("U15", "an answer after the deadline, or twice"),
    row_of("U16", "maintenance of an agency"),
    row_of("L01", "five times what can be answered"),
    row_of("L02", "an agency at ten times its quota"),
    row_of("L03", "callers that try again and again"),
    row_of(
        "L04",
        "deadlines that are short, missing, absurd or malformed",
    ),
    row_of("L05", "a caller who leaves while its question runs"),
    row_of("L06", "SIGTERM under load"),
    row_of(
        "L07",
        "a reload of a configuration that is bad, or the same",
    ),
    row_of("L08", "a panic in one adapter"),
    row_of(
        "L09",
        "a collector of telemetry that is down, slow or refuses",
    ),
    row_of("L10", "descriptors that run out, and whatever leaks"),
    row_of("L11", "gateways that lose each other"),
    row_of("L12", "what is for a sandbox alone, in production"),
];
