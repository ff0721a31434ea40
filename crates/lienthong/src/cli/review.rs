//! The arguments of `review`.

use clap::{Args, Subcommand};
use evidence::Verdict;
use url::Url;

/// Arguments of `review`.
#[derive(Debug, Args)]
pub(crate) struct Review {
    /// The operations listener of a node; of several nodes any one does.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090",
        global = true
    )]
    pub(crate) operations: Url,
    #[command(subcommand)]
    pub(crate) command: ReviewCommand,
}

/// What to do with the reviews.
#[derive(Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    /// List the exchanges in an emergency that nobody has reviewed yet.
    List,
    /// Close the review of one with a verdict.
    Close(Close),
}

/// What was found, by whom.
#[derive(Debug, Args)]
pub(crate) struct Close {
    /// As the list names it: `LOG#17`.
    pub(crate) review: String,
    /// `JUSTIFIED` or `UNJUSTIFIED`.
    #[arg(long, value_parser = verdict)]
    pub(crate) verdict: Verdict,
    /// Who has reviewed it; hidden in the record.
    #[arg(long)]
    pub(crate) operator: String,
    /// What is to be said about it; hidden in the record.
    #[arg(long)]
    pub(crate) note: String,
}

fn verdict(text: &str) -> Result<Verdict, &'static str> {
    let problem = "is to be JUSTIFIED or UNJUSTIFIED";
    Verdict::from_name(&text.to_ascii_uppercase()).ok_or(problem)
}
