//! The arguments of `review`.

use clap::{Args, Subcommand};
use evidence::Verdict;

use super::Node;

/// Arguments of `review`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Review {
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(subcommand)]
    pub(crate) command: ReviewCommand,
}

const AFTER_HELP: &str = "\
Of several nodes any one does.

Example:
  lienthong review list --sandbox ./sandbox
  lienthong review close LOG#17 --verdict justified --operator GS-02 --note 'Đã đối chiếu với sổ cấp cứu'";

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
