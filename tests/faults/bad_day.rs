//! The bad day: all five agencies at once.

use std::time::Duration;

use tests::bad_day::Plan;

/// Ten minutes if the flag asks for the real durations.
fn disturbed() -> Duration {
    match std::env::var_os("LIENTHONG_TEST_FULL") {
        Some(_) => Duration::from_secs(600),
        None => Duration::from_secs(24),
    }
}

/// Row U12: all five agencies are disturbed at once, and no state is wrong, no record lost, nothing
/// leaked, and who is not disturbed is as quick as on a quiet day.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_day_of_all_five_agencies_costs_their_parts_and_nothing_else() {
    let plan = Plan {
        disturbed: disturbed(),
        seed: 7,
        callers: 8,
    };
    let report = plan.run().await;
    println!("{report}");
    let page = report.save();
    println!("{}", page.display());
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.ends_with("</html>\n") || page.ends_with("</html>"));
    assert!(page.matches("<svg").count() >= 3, "charts");
    let counted = report.seen.len().to_string();
    assert!(
        page.contains(&counted),
        "{counted} questions are not told of"
    );
    assert_eq!(report.wrong(), Vec::<String>::new());
}
