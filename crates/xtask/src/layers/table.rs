//! The tables of the layers: a rank for each crate of ours, and what some of them never name.

use std::fmt;

/// Where a crate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// In the gateway, this high.
    Floor(u8),
    /// Beside the gateway.
    Side,
}

/// The crates of one rank; none of them uses another of them.
pub(super) struct Layer {
    pub(super) rank: Rank,
    pub(super) crates: &'static [&'static str],
    /// Why they stand there.
    pub(super) reason: &'static str,
}

/// Crates of other people that a crate of ours never names.
pub(super) struct Ban {
    pub(super) of: &'static str,
    pub(super) bans: &'static [&'static str],
    pub(super) reason: &'static str,
}

/// Where a crate of ours stands.
pub(super) fn layer(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.crates.contains(&name))
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Floor(rank) => write!(f, "{rank:<4}"),
            Self::Side => f.write_str("side"),
        }
    }
}

pub(super) const LAYERS: &[Layer] = &[
    Layer {
        rank: Rank::Floor(0),
        crates: &["exchange", "cork"],
        reason: "the words, which everybody speaks, and how bytes leave together, which needs none",
    },
    Layer {
        rank: Rank::Floor(1),
        crates: &["api", "identity", "admission", "sim", "postmaster"],
        reason: "each does one thing with the words and knows none of the others",
    },
    Layer {
        rank: Rank::Floor(2),
        crates: &["adapter", "evidence"],
        reason: "what an agency is, and what is kept of an exchange, in terms of the contract",
    },
    Layer {
        rank: Rank::Floor(3),
        crates: &["agencies", "gate"],
        reason: "the road knows what an agency is, and no agency; no agency knows the road",
    },
    Layer {
        rank: Rank::Floor(4),
        crates: &["edge", "console"],
        reason: "the doors lead to the road, and not to each other",
    },
    Layer {
        rank: Rank::Floor(5),
        crates: &["lienthong"],
        reason: "the program wires all of it",
    },
    Layer {
        rank: Rank::Side,
        crates: &["manual", "xtask", "tests", "bench"],
        reason: "they look at the gateway, which does not look back",
    },
];

pub(super) const BANS: &[Ban] = &[
    Ban {
        of: "exchange",
        bans: &["tokio", "serde", "http"],
        reason: "the words have no I/O, no async and no wire format",
    },
    Ban {
        of: "gate",
        bans: &["tonic", "axum", "rustls"],
        reason: "the road knows no door",
    },
];
